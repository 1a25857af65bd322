"""Images of noise with a few boxes: what a detector can be tried on where there is no data."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

BOXES = 7  # in each image, as in COCO on average


def noise_batch(
    images: int, size: tuple[int, int], classes: int, masks: bool = False
) -> dict[str, list[Any]]:
    """As a loader would hand it over; always the same for the same arguments. `size` is (H, W)."""
    generator = torch.Generator().manual_seed(0)
    height, width = size
    samples = []
    for _ in range(images):
        corner = torch.rand(BOXES, 2, generator=generator) * torch.tensor([width, height]) * 0.6
        extent = (0.05 + torch.rand(BOXES, 2, generator=generator) * 0.3) * min(size)
        boxes = torch.cat((corner, corner + extent), 1)
        sample = DetDataSample()
        sample.gt_instances = InstanceData(
            bboxes=boxes, labels=torch.randint(0, classes, (BOXES,), generator=generator)
        )
        if masks:
            sample.gt_instances.masks = BitmapMasks(_filled(boxes, size), height, width)
        sample.set_metainfo(
            {"img_shape": size, "ori_shape": size, "scale_factor": (1.0, 1.0), "img_id": 0}
        )
        samples.append(sample)
    pixels = [
        torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=generator)
        for _ in range(images)
    ]
    return {"inputs": pixels, "data_samples": samples}


def _filled(boxes: torch.Tensor, size: tuple[int, int]) -> np.ndarray[Any, Any]:
    """A mask of each box: all of it."""
    masks = np.zeros((len(boxes), *size), dtype=np.uint8)
    for mask, (left, top, right, bottom) in zip(masks, boxes.int().tolist(), strict=True):
        mask[top : bottom + 1, left : right + 1] = 1
    return masks
