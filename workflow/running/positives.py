"""Losses that do not depend on how many processes share a batch.

mmdet's heads divide their losses by the number of positive samples. Some (FCOS, GFL) average that
number over all processes, others (RetinaNet, SSD, RepPoints, RPN) count their own images alone, so
an image with few objects weighs more the more GPUs there are. Here all of them average: training on
eight GPUs has the loss of training on one with the same batch. (FSAF, which counts inside its loss,
is left as it is.)
"""

from __future__ import annotations

from typing import Any

import torch
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.utils import reduce_mean
from torch import nn


def average_positives(model: nn.Module) -> None:
    """Changes the heads in place; without sibling processes it would change nothing."""
    for head in model.modules():
        if isinstance(head, BaseDenseHead) and hasattr(head, "get_targets"):
            head.get_targets = _averaging(head.get_targets)


def _averaging(get_targets: Any) -> Any:
    def averaged(*arguments: Any, **keywords: Any) -> Any:
        targets = get_targets(*arguments, **keywords)
        if not isinstance(targets, tuple) or not isinstance(targets[-1], int | float):
            return targets  # heads that return no count average it themselves
        device = next(_tensors(targets)).device
        count = reduce_mean(torch.tensor(float(targets[-1]), device=device)).item()
        return (*targets[:-1], count)

    return averaged


def _tensors(node: Any) -> Any:
    if isinstance(node, torch.Tensor):
        yield node
    elif isinstance(node, list | tuple):
        for part in node:
            yield from _tensors(part)
