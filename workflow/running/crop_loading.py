"""Crops of ground-truth boxes as tensors, in the seed's order and with its augmentation."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from workflow.data.catalogue import DataSet
from workflow.data.crops import Box, CropOptions, cut, list_crops
from workflow.models.classifier import ClassifierOptions
from workflow.running.loading import iterations_of
from workflow.running.order import SeededOrder, SeededSamples
from workflow.spec import ScheduleSpec

Sample = dict[str, Tensor]


class Crops(Dataset[Sample]):
    def __init__(
        self, data: DataSet, split: str, options: ClassifierOptions, training: bool
    ) -> None:
        self.options, self.training = options, training
        self.crops = list_crops(
            data.splits[split],
            data.classes,
            CropOptions(size=options.input_size, context=options.context, minimum=options.minimum),
        )
        # Sets of small images of one size fit into memory; opening a file for every crop would
        # take longer than learning from it.
        kept = None if data.image_size is not None else 0
        self.open = lru_cache(maxsize=kept)(_open)

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, index: int) -> Sample:
        crop = self.crops[index]
        box = crop.box
        if self.training and self.options.jitter:
            box = _jittered(box, self.options.jitter)
        square = cut(self.open(crop.image), box, self.options.input_size)  # (S, S, 3)
        pixels = torch.from_numpy(square.copy()).permute(2, 0, 1)
        if self.training and self.options.mirror and np.random.random() < 0.5:
            pixels = pixels.flip(2)
        return {"inputs": pixels.contiguous(), "labels": torch.tensor(crop.label)}


def crop_loader(
    crops: Crops,
    schedule: ScheduleSpec,
    seed: int,
    workers: int,
    rank: int = 0,
    processes: int = 1,
) -> DataLoader[Any]:
    order = SeededOrder(
        groups=[0] * len(crops),
        batch_size=schedule.batch_size,
        iterations=iterations_of(schedule, len(crops)),
        seed=seed,
        rank=rank,
        processes=processes,
    )
    return DataLoader(
        SeededSamples(crops, seed),
        batch_sampler=order,
        num_workers=workers,
        collate_fn=default_collate,
    )


def _jittered(box: Box, share: float) -> Box:
    x1, y1, x2, y2 = box
    across, down = share * (x2 - x1), share * (y2 - y1)
    moves = np.random.uniform(-1, 1, 4)
    return (
        float(x1 + across * moves[0]),
        float(y1 + down * moves[1]),
        float(x2 + across * moves[2]),
        float(y2 + down * moves[3]),
    )


def _open(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")
