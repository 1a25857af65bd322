"""Image-level uncertainty of run folders: finds the annotations by their hash, keeps what it drew.

A COCO-sized run takes ten seconds to resample, so its draws are kept below the suite's folder,
named by the hash of what they were made from.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.evaluate_input import Annotations, Detections, read_annotations, read_detections
from analysis.split import predictions_of
from analysis.statistics.bootstrap import ImageSample, resample_images
from analysis.statistics.matching import match


def detections_of(run: pd.Series[Any], annotations: Annotations) -> Detections:
    """Of a line of the records, on the split that it was judged on."""
    return read_detections(predictions_of(Path(str(run["folder"])), run["split"]), annotations)


def measured_of(run: pd.Series[Any]) -> str:
    """How the files are called that hold what was measured on a run's detections."""
    source = f"{run['predictions_sha256']}/{run['annotations_sha256']}"
    return hashlib.sha256(source.encode()).hexdigest()[:20]


@dataclass
class ImageUncertainty:
    """`sample(run)` for a line of the records; None with a reason in `problems` where it cannot."""

    data_dir: Path
    cache_dir: Path
    resamples: int = 1000
    problems: dict[str, str] = field(default_factory=dict)
    _annotations: dict[str, Annotations] = field(default_factory=dict)

    def sample(self, run: pd.Series[Any]) -> ImageSample | None:
        kept = self.measured(run, f"{self.resamples}.npz")
        if kept.exists():
            with np.load(kept) as content:
                return ImageSample(
                    float(content["value"]), content["drawn"], int(content["images"])
                )
        try:
            annotations = self.annotations(str(run["annotations_sha256"]))
            detections = detections_of(run, annotations)
            sample = resample_images(match(annotations, detections), self.resamples)
        except AnalysisError as error:
            self.problems[str(run["id"])] = str(error)
            return None
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}.npz")  # tables are made side by side
        np.savez(partial, value=sample.value, drawn=sample.drawn, images=sample.images)
        partial.replace(kept)
        return sample

    def measured(self, run: pd.Series[Any], what: str) -> Path:
        """Where something stands that follows from the run's detections alone."""
        return self.cache_dir / f"{measured_of(run)}-{what}"

    def annotations(self, sha256: str) -> Annotations:
        if sha256 not in self._annotations:
            self._annotations[sha256] = read_annotations(self.annotation_file(sha256))
        return self._annotations[sha256]

    def annotation_file(self, sha256: str) -> Path:
        if sha256 not in self._files:
            raise AnalysisError(
                f"{self.data_dir}: no annotation file with SHA-256 {sha256[:10]}..., so nothing "
                "can be said of single images"
            )
        return self._files[sha256]

    @cached_property
    def _files(self) -> dict[str, Path]:
        return {
            hashlib.sha256(path.read_bytes()).hexdigest(): path
            for path in sorted(self.data_dir.glob("*/annotations/*.json"))
        }
