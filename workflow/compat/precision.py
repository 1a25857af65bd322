"""torchvision's kernels take no bfloat16, and half only on CUDA."""

from __future__ import annotations

import torch
from torch import Tensor


def widened(tensor: Tensor) -> Tensor:
    """Half precision as float32, anything else as it is; contiguous, as the kernels require."""
    if tensor.dtype in (torch.float16, torch.bfloat16):
        tensor = tensor.float()
    return tensor.contiguous()
