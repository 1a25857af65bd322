"""The sigmoid focal loss with mmcv's signatures; mmdet calls it on CUDA.

Lin et al., 'Focal Loss for Dense Object Detection': with p the sigmoid of the logit,
-alpha (1 - p)^gamma log(p) for the target class and -(1 - alpha) p^gamma log(1 - p) for the
others. A target equal to the number of classes is background: no class is its target.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, pad


def sigmoid_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    """Write the loss of every logit of `input` (N, C) into `output` (N, C)."""
    logits, is_target, scale = _prepare(input, target, weight)
    p = logits.sigmoid()
    positive = -alpha * (1 - p) ** gamma * logsigmoid(logits)
    negative = -(1 - alpha) * p**gamma * logsigmoid(-logits)
    output.copy_(torch.where(is_target, positive, negative) * scale)


def sigmoid_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, gamma: float, alpha: float
) -> None:
    """Write the derivative of every element's loss by its logit into `grad_input` (N, C)."""
    logits, is_target, scale = _prepare(input, target, weight)
    p = logits.sigmoid()
    positive = -alpha * (1 - p) ** gamma * (1 - p - gamma * p * logsigmoid(logits))
    negative = -(1 - alpha) * p**gamma * (gamma * (1 - p) * logsigmoid(-logits) - p)
    grad_input.copy_(torch.where(is_target, positive, negative) * scale)


def _prepare(input: Tensor, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (N, C) in at least float32, whether each is its row's target, each row's weight."""
    logits = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
    classes = torch.arange(input.size(1), device=input.device)
    is_target = target[:, None] == classes  # (N, C)
    if not weight.numel():
        return logits, is_target, logits.new_ones(())
    # Class weights cover the classes; background rows keep weight one.
    per_class = pad(weight.to(logits.dtype), (0, 1), value=1.0)
    return logits, is_target, per_class[target][:, None]
