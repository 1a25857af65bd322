"""What detectors attend to on a few images, as arrays that any later stage can draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmdet.datasets import CocoDataset
from mmdet.structures import DetDataSample
from mmengine.dataset import pseudo_collate
from mmengine.model import BaseModel
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d

from methods.contract import Pyramid
from methods.parts.attention import cell_attention
from workflow.distill.taps import Level, probe

TEMPERATURE = 0.5
"""Of every attention map here, whatever the methods use: one scale for all pictures."""
CHUNK = 4
"""Images that pass through a network at once."""
LATTICE = 48
"""Cells on a side that a block's queries and keys are kept for: P5 of a COCO image is whole."""
VECTORS = ("_query", "_key")
"""How the names of pyramids end that hold a vector for every cell."""
Array = NDArray[Any]


@dataclass(frozen=True)
class Scene:
    """The chosen images as the network sees them, all padded to one size."""

    inputs: Tensor  # (N, 3, H, W), normalised for the student
    samples: list[DetDataSample]  # boxes in pixels of the input
    facts: list[dict[str, Any]]

    @property
    def sizes(self) -> list[tuple[int, int]]:
        return [tuple(sample.img_shape[:2]) for sample in self.samples]


def choose(dataset: CocoDataset, count: int) -> list[int]:
    """Images with objects, evenly over the split: the same ones for every run."""
    filled = [i for i in range(len(dataset)) if dataset.get_data_info(i)["instances"]]
    count = min(count, len(filled))
    return [filled[round(step)] for step in np.linspace(0, len(filled) - 1, count)]


def pack(dataset: CocoDataset, chosen: Sequence[int], student: BaseModel) -> Scene:
    """The data set's pipeline must load the boxes before it resizes."""
    batch = pseudo_collate([dataset[index] for index in chosen])
    packed = student.data_preprocessor(batch, False)
    inputs, samples = packed["inputs"], packed["data_samples"]
    height, width = inputs.shape[-2:]
    facts = []
    for index, sample in zip(chosen, samples, strict=True):
        info = dataset.get_data_info(index)
        objects = [one for one in info["instances"] if not one["ignore_flag"]]
        facts.append(
            {
                "id": info["img_id"],
                "file_name": info["img_path"].rsplit("/", 1)[-1],
                "height": info["height"],
                "width": info["width"],
                "padded_height": int(height),
                "padded_width": int(width),
                "scale": float(sample.scale_factor[0]),
                "boxes": [[float(side) for side in one["bbox"]] for one in objects],
                "labels": [int(one["bbox_label"]) for one in objects],
            }
        )
    return Scene(inputs, samples, facts)


def levels_of(detector: BaseModel, size: tuple[int, int]) -> tuple[Level, ...]:
    """Of what the neck returns, which is what the head sees."""
    return probe(detector, "neck-out", size)


@torch.no_grad()
def attention(detector: BaseModel, inputs: Tensor) -> list[Array]:
    """Per level of the neck (N, h, w), mean 1 in every image."""
    detector.eval()
    chunks = [
        [cell_attention(maps, TEMPERATURE)[:, 0] for maps in detector.extract_feat(part)]
        for part in inputs.split(CHUNK)
    ]
    return [torch.cat(level).cpu().numpy() for level in zip(*chunks, strict=True)]


def as_array(maps: Tensor) -> Array:
    """A spatial map (N, 1, h, w) -> (N, h, w); a channel's gate (N, C, 1, 1) -> (N, C)."""
    values = maps.detach().float().cpu()
    gate = values.shape[1] > 1 and values.shape[2:] == (1, 1)
    return (values[:, :, 0, 0] if gate else values.mean(1)).numpy()


def thinned(vectors: Tensor) -> Array:
    """Queries or keys (N, C, H, W) in half precision, (N, C, h, w) with no side above LATTICE,
    each image in units of its largest value.

    Products are linear in both: the mean over a block of cells is the block's own vector."""
    block = 1
    while max(vectors.shape[2:]) > LATTICE * block:
        block *= 2
    values = vectors.detach().float()
    values = avg_pool2d(values, block, ceil_mode=True, count_include_pad=False)
    largest = values.abs().amax(dim=(1, 2, 3), keepdim=True)
    return (values / largest.clamp(min=torch.finfo(values.dtype).tiny)).half().cpu().numpy()


def by_level(
    name: str, maps: Pyramid, strides: Sequence[int], levels: Sequence[Level]
) -> dict[int, Array]:
    """A method's own pyramid, by its name, under the indices of the neck's levels."""
    index = {level.stride: number for number, level in enumerate(levels)}
    form = thinned if name.endswith(VECTORS) else as_array
    return {
        index[stride]: form(level)
        for stride, level in zip(strides, maps, strict=True)
        if stride in index
    }
