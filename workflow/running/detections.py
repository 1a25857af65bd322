"""Detections as COCO's results list, in a file whose bytes depend on nothing else."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.model import BaseModel
from torch.utils.data import DataLoader

from workflow.running.folder import write_bytes
from workflow.running.progress import Progress

PIXEL_DIGITS, SCORE_DIGITS = 3, 6
"""Far below what moves an AP; they halve the file."""


def detections(sample: DetDataSample, category_ids: Sequence[int]) -> list[dict[str, Any]]:
    """One image's, in its own pixels."""
    found = sample.pred_instances
    return [
        {
            "image_id": sample.img_id,
            "category_id": category_ids[label],
            "bbox": [round(v, PIXEL_DIGITS) for v in (x1, y1, x2 - x1, y2 - y1)],
            "score": round(score, SCORE_DIGITS),
        }
        for (x1, y1, x2, y2), score, label in zip(
            found.bboxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True
        )
    ]


@torch.no_grad()
def detect(
    detector: BaseModel, loader: DataLoader[Any], progress: Progress
) -> list[dict[str, Any]]:
    """All images' of the loader, in its order."""
    found: list[dict[str, Any]] = []
    done = 0
    category_ids = loader.dataset.cat_ids  # type: ignore[attr-defined]  # mmdet's own data sets
    for batch in loader:
        for sample in detector.test_step(batch):
            found.extend(detections(sample, category_ids))
            done += 1
        progress.show(done)
    return found


def write_detections(found: list[dict[str, Any]], path: Path) -> None:
    """With no time stamp inside."""
    text = json.dumps(found, separators=(",", ":")).encode()
    write_bytes(path, lambda file: file.write(gzip.compress(text, mtime=0)))
