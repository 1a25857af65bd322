"""RoIAlign with mmcv's signatures."""

from __future__ import annotations

import torch
import torchvision  # noqa: F401  registers torch.ops.torchvision
from torch import Tensor

from workflow.compat.precision import widened

MAX, AVERAGE = 0, 1


def _only_average(pool_mode: int) -> None:
    if pool_mode != AVERAGE:
        raise NotImplementedError(
            "mmcv operator 'roi_align' with pool_mode='max' is not available on torchvision's "
            "kernels: use pool_mode='avg', or install a compiled mmcv 2.1 in place of mmcv-lite."
        )


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Write the pooled features of `rois` (N, 5: image, x1, y1, x2, y2) into `output`."""
    _only_average(pool_mode)
    features = widened(input)  # (B, C, H, W)
    pooled = torch.ops.torchvision.roi_align(
        features,
        rois.to(features.dtype).contiguous(),
        spatial_scale,
        aligned_height,
        aligned_width,
        sampling_ratio,
        aligned,
    )
    output.copy_(pooled)  # (N, C, aligned_height, aligned_width)


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Write the gradient of the features into `grad_input` (B, C, H, W)."""
    _only_average(pool_mode)
    grad = widened(grad_output)
    result = torch.ops.torchvision._roi_align_backward(
        grad,
        rois.to(grad.dtype).contiguous(),
        spatial_scale,
        aligned_height,
        aligned_width,
        *grad_input.shape,
        sampling_ratio,
        aligned,
    )
    grad_input.copy_(result)
