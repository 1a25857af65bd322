"""What the distillers may know of a batch, read from mmdet's data samples."""

from __future__ import annotations

from collections.abc import Sequence

from mmdet.structures import DetDataSample
from torch import Tensor

from methods.contract import Batch


def make_batch(inputs: Tensor, data_samples: Sequence[DetDataSample], seed: int) -> Batch:
    """Boxes are pixels of the network's input: mmdet pads at the right and at the bottom only."""
    height, width = inputs.shape[-2:]
    return Batch(
        padded_size=(int(height), int(width)),
        image_sizes=tuple(
            (int(sample.img_shape[0]), int(sample.img_shape[1])) for sample in data_samples
        ),
        boxes=tuple(_boxes(sample) for sample in data_samples),
        labels=tuple(sample.gt_instances.labels.detach() for sample in data_samples),
        seed=seed,
        images=inputs,
    )


def _boxes(sample: DetDataSample) -> Tensor:
    boxes = sample.gt_instances.bboxes
    tensor: Tensor = getattr(boxes, "tensor", boxes)  # mmdet's HorizontalBoxes, or its tensor
    return tensor.detach()  # (n, 4)
