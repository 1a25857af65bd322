"""The contract between a method and whatever trains with it: tensors in, named losses out.

A distiller is one `nn.Module`. It sees the student's and the teacher's pyramid, all levels at once,
and the batch; it returns losses by name. It never sees files, runners, or the teacher's network.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from methods.settings.base import Family, Tap

Pyramid = tuple[Tensor, ...]
"""One map per level, fine to coarse, each (N, C, H, W)."""


@dataclass(frozen=True)
class Positives:
    """Anchors, points or proposals that the student's own assigner matched to a ground truth."""

    image: Tensor  # (K,) int64, index into the batch
    ground_truth: Tensor  # (K,) int64, index into that image's boxes
    logits: Tensor  # (K, C) sigmoid heads, (K, C + 1) softmax heads with background last
    boxes: Tensor  # (K, 4) decoded predictions, x1 y1 x2 y2 in padded input pixels, with gradient
    activation: Literal["sigmoid", "softmax"]
    # Where dense heads matched them; None for proposals, which lie in no cell.
    level: Tensor | None = None  # (K,) int64, index into the head's levels, fine to coarse
    cell: Tensor | None = None  # (K, 2) int64, row and column


@dataclass(frozen=True)
class Batch:
    """What a distiller may know about the images. Coordinates are pixels of the padded input."""

    padded_size: tuple[int, int]  # (height, width) of the batch tensor
    image_sizes: tuple[tuple[int, int], ...]  # (height, width) of each image before padding
    boxes: tuple[Tensor, ...]  # per image (n, 4) x1 y1 x2 y2
    labels: tuple[Tensor, ...]  # per image (n,) int64
    seed: int = 0
    """Differs for every iteration and every rank; all random draws of a distiller come from it,
    so that they are the same on every device and need no state to be saved."""
    images: Tensor | None = None  # (N, 3, H, W) augmented and normalised, as the detector sees them
    positives: Positives | None = None  # for distillers whose settings need them


@dataclass(frozen=True)
class Context:
    """What a distiller may know about the pair when it is built."""

    family: Family
    student_channels: tuple[int, ...]  # per level of the method's tap, after `levels` selected
    teacher_channels: tuple[int, ...]
    strides: tuple[int, ...]
    classes: int = 80
    classifier: nn.Module | None = None  # frozen image classifier, see methods.icd
    pixel_mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    pixel_std: tuple[float, float, float] = (58.395, 57.12, 57.375)
    pixel_rgb: bool = True  # order of the network's input channels, and of mean and deviation


class Distiller(nn.Module):
    """Base of all methods."""

    tap: Tap = "fpn-conv"
    levels: tuple[int, ...] | None = None
    """Indices into the tap's maps that this method uses; None takes all of them. Whoever calls
    `forward` hands over just these maps."""

    def __init__(self) -> None:
        super().__init__()
        self.measures: dict[str, Tensor] = {}
        """Detached scalars worth logging that are no losses, filled anew by each `forward`: the
        share of hidden cells of a level, say."""

    @abstractmethod
    def forward(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Tensor]:
        """Scalar losses by name, already weighted, summed over levels."""

    def explain(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Pyramid]:
        """Maps worth looking at, by name: spatial ones (N, 1, H, W), channel ones (N, C, 1, 1).

        `mask` is 1 where kept and 0 where hidden; `weight` has mean 1 over the cells where the
        paper's weighting has; `error` is what the distance sees; `gate` is per channel;
        `<network>_query` and `<network>_key` are vectors (N, C, H, W): the query of one cell times
        the key of another is the affinity of the one to the other, with a sign.
        """
        return {}
