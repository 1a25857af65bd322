"""Deformable convolution (v1) and modulated deformable convolution (v2), with mmcv's signatures.

torchvision has one kernel for both and mmcv's layout of offsets: (y, x) for each kernel cell, by
deformable group. `columns` and `ones` are mmcv's scratch buffers and `im2col_step` its memory
switch; torchvision keeps both to itself.
"""

from __future__ import annotations

import torch
import torchvision  # noqa: F401  registers torch.ops.torchvision
from torch import Tensor

from workflow.compat.precision import widened


def deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    output: Tensor,
    columns: Tensor,
    ones: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    im2col_step: int,
) -> None:
    geometry = (dH, dW, padH, padW, dilationH, dilationW, group, deformable_group)
    output.copy_(_forward(input, weight, offset, None, None, geometry))


def deform_conv_backward_input(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    weight: Tensor,
    columns: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    im2col_step: int,
) -> None:
    geometry = (dH, dW, padH, padW, dilationH, dilationW, group, deformable_group)
    gradients = _backward(grad_output, input, weight, offset, None, None, geometry)
    grad_input.copy_(gradients[0])
    grad_offset.copy_(gradients[2])
    # mmcv asks for the weights' gradient in a second call that shares this buffer, and
    # torchvision computes all gradients at once: leave it there instead of working twice.
    columns.resize_as_(gradients[1]).copy_(gradients[1])


def deform_conv_backward_parameters(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_weight: Tensor,
    columns: Tensor,
    ones: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    scale: float,
    im2col_step: int,
) -> None:
    if columns.shape == grad_weight.shape:
        gradient = columns
    else:
        geometry = (dH, dW, padH, padW, dilationH, dilationW, group, deformable_group)
        # The values of the weights do not enter their own gradient, only their shape does.
        gradient = _backward(grad_output, input, grad_weight, offset, None, None, geometry)[1]
    grad_weight.copy_(gradient * scale)


def modulated_deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
    with_bias: bool,
) -> None:
    geometry = (
        stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, group, deformable_group,
    )  # fmt: skip
    output.copy_(_forward(input, weight, offset, mask, bias if with_bias else None, geometry))


def modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
    with_bias: bool,
) -> None:
    geometry = (
        stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, group, deformable_group,
    )  # fmt: skip
    gradients = _backward(
        grad_output, input, weight, offset, mask, bias if with_bias else None, geometry
    )
    wanted = [grad_input, grad_weight, grad_offset, grad_mask]
    for target, gradient in zip(wanted, gradients, strict=False):
        target.copy_(gradient)
    if with_bias:
        grad_bias.copy_(gradients[4])


def _kernel_inputs(input, weight, offset, mask, bias) -> tuple[list[Tensor], bool]:
    """Tensors in the kernel's order, with its placeholders for an absent mask and bias."""
    like = widened(input)
    absent_mask = like.new_zeros(like.size(0), 1)
    absent_bias = like.new_zeros(weight.size(0))
    tensors = [
        like,
        weight,
        offset,
        absent_mask if mask is None else mask,
        absent_bias if bias is None else bias,
    ]
    return [widened(tensor).to(like.dtype) for tensor in tensors], mask is not None


def _forward(input, weight, offset, mask, bias, geometry: tuple[int, ...]) -> Tensor:
    tensors, use_mask = _kernel_inputs(input, weight, offset, mask, bias)
    if _vectorised(tensors[0], geometry, use_mask):
        return _sampled_forward(tensors[0], tensors[1], tensors[2], geometry)
    return torch.ops.torchvision.deform_conv2d(*tensors, *geometry, use_mask)


def _backward(grad_output, input, weight, offset, mask, bias, geometry: tuple[int, ...]):
    """Gradients of input, weight, offset, mask and bias."""
    tensors, use_mask = _kernel_inputs(input, weight, offset, mask, bias)
    grad = widened(grad_output).to(tensors[0].dtype)
    if _vectorised(tensors[0], geometry, use_mask):
        return _sampled_backward(grad, tensors[0], tensors[1], tensors[2], geometry)
    return torch.ops.torchvision._deform_conv2d_backward(grad, *tensors, *geometry, use_mask)


# torchvision's kernel for CPUs takes one number at a time. torch's grid_sample reads the same
# bilinear samples (zeros outside) with vector instructions: four to five times as fast, forth and
# back, on the maps of the mini RepPoints heads, which are the only ones trained on a CPU.


def _vectorised(input: Tensor, geometry: tuple[int, ...], use_mask: bool) -> bool:
    group, deformable_group = geometry[6:]
    return input.device.type == "cpu" and not use_mask and group == deformable_group == 1


def _sampling_grid(input: Tensor, weight: Tensor, offset: Tensor, geometry: tuple[int, ...]):
    """(B, kernel cells, output cells, 2): where to look, (x, y) in [-1, 1] as in grid_sample."""
    stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w = geometry[:6]
    cells_h, cells_w = weight.shape[2:]
    rows, columns = offset.shape[2:]
    count = torch.arange(max(cells_h, cells_w, rows, columns)).to(input)
    y = (count[:cells_h] * dilation_h - pad_h)[:, None, None, None]
    y = y + (count[:rows] * stride_h)[:, None]
    x = (count[:cells_w] * dilation_w - pad_w)[:, None, None] + count[:columns] * stride_w
    moves = offset.reshape(len(offset), cells_h, cells_w, 2, rows, columns)
    height, width = input.shape[2:]
    grid = torch.stack(
        [
            (2 * (moves[:, :, :, 1] + x) + 1) / width - 1,
            (2 * (moves[:, :, :, 0] + y) + 1) / height - 1,
        ],
        dim=-1,
    )
    return grid.view(len(offset), cells_h * cells_w, rows * columns, 2)


def _sampled_forward(input, weight, offset, geometry: tuple[int, ...]) -> Tensor:
    grid = _sampling_grid(input, weight, offset, geometry)
    samples = torch.grid_sampler_2d(input, grid, 0, 0, False).flatten(1, 2)
    return (weight.flatten(1) @ samples).view(len(input), len(weight), *offset.shape[2:])


def _sampled_backward(grad, input, weight, offset, geometry: tuple[int, ...]):
    grid = _sampling_grid(input, weight, offset, geometry)
    samples = torch.grid_sampler_2d(input, grid, 0, 0, False).flatten(1, 2)
    grad = grad.flatten(2)
    grad_weight = torch.einsum("bop,bkp->ok", grad, samples).view(weight.shape)
    grad_samples = (weight.flatten(1).t() @ grad).view(len(input), input.size(1), *grid.shape[1:3])
    grad_input, grad_grid = torch.ops.aten.grid_sampler_2d_backward(
        grad_samples, input, grid, 0, 0, False, [True, True]
    )
    height, width = input.shape[2:]
    grad_y, grad_x = grad_grid[..., 1] * (2 / height), grad_grid[..., 0] * (2 / width)
    grad_offset = torch.stack([grad_y, grad_x], dim=2).view(offset.shape)
    return grad_input, grad_weight, grad_offset
