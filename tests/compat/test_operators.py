"""Each operator against its definition, values and gradients, in float64, over odd shapes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

import workflow.compat

workflow.compat.install()

from mmcv.ops import (  # noqa: E402
    batched_nms,
    deform_conv2d,
    modulated_deform_conv2d,
    nms,
    roi_align,
    sigmoid_focal_loss,
    soft_nms,
)

from tests.compat import definitions  # noqa: E402

NEEDED = "needs a CUDA device, and `pytest -m gpu`"
ABSENT = pytest.mark.skipif(not torch.cuda.is_available(), reason=NEEDED)
DEVICES = pytest.mark.parametrize(
    "device", ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, ABSENT])]
)
EXACT = {"rtol": 1e-9, "atol": 1e-11}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def gradients(function, *tensors: Tensor) -> list[Tensor]:
    """Gradients of a fixed random projection of the result by each of the tensors."""
    leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    result = function(*leaves)
    weights = torch.rand(result.shape, generator=torch.Generator().manual_seed(1))
    total = (result * weights.to(result)).sum() + sum(leaf.sum() * 0 for leaf in leaves)
    return list(torch.autograd.grad(total, leaves))


def assert_same(function, definition, *tensors: Tensor) -> None:
    """Same value, same gradients, and the gradients are the derivatives of the value."""
    on_cpu = [tensor.cpu() for tensor in tensors]
    torch.testing.assert_close(function(*tensors).cpu(), definition(*on_cpu), **EXACT)
    ours, theirs = gradients(function, *tensors), gradients(definition, *on_cpu)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.cpu(), other, **EXACT)
    leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    # On a GPU the order of sums differs from call to call.
    assert gradcheck(function, leaves, fast_mode=True, nondet_tol=EXACT["atol"])


BOXES = {
    "several images": [[1, 0.7, 0.2, 4.1, 5.3], [0, 2.2, 1.1, 5.6, 3.4], [1, 0, 0, 6, 5]],
    "no box": [],
    "no area": [[0, 2, 2, 2, 2]],
    "one pixel": [[0, 1, 1, 2, 2]],
    "outside": [[0, -4.5, -3, 1.5, 2], [1, 4, 4, 12, 11], [0, 20, 20, 24, 24]],
}


@DEVICES
@pytest.mark.parametrize("boxes", BOXES)
@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("samples", [0, 2])
def test_roi_align(device: str, boxes: str, aligned: bool, samples: int) -> None:
    features = torch.rand(2, 3, 5, 6, dtype=torch.float64, device=device)
    rois = torch.tensor(BOXES[boxes], dtype=torch.float64, device=device).view(-1, 5)
    size, scale = (2, 3), 0.5 if boxes == "several images" else 1.0
    assert_same(
        lambda x: roi_align(x, rois.to(x.device), size, scale, samples, "avg", aligned),
        lambda x: definitions.roi_align(x, rois.cpu(), size, scale, samples, aligned),
        features,
    )


def test_roi_align_on_a_single_pixel() -> None:
    features = torch.rand(1, 2, 1, 1, dtype=torch.float64)
    rois = torch.tensor([[0, 0.0, 0, 1, 1]], dtype=torch.float64)
    assert_same(
        lambda x: roi_align(x, rois, (2, 2), 1.0, 0, "avg", True),
        lambda x: definitions.roi_align(x, rois, (2, 2), 1.0, 0, True),
        features,
    )


def test_roi_align_by_maximum_says_what_to_install() -> None:
    with pytest.raises(NotImplementedError, match=r"pool_mode='max'.*compiled mmcv"):
        roi_align(torch.rand(1, 1, 4, 4), torch.tensor([[0, 0.0, 0, 2, 2]]), 2, 1.0, 0, "max", True)


# batch, channels, height, width, out channels, kernel, stride, padding, dilation, groups, deform
CONVOLUTIONS = {
    "plain": (1, 2, 4, 5, 3, (3, 3), (1, 1), (1, 1), (1, 1), 1, 1),
    "several images": (3, 2, 3, 3, 2, (2, 2), (1, 1), (0, 0), (1, 1), 1, 1),
    "stride": (1, 2, 6, 7, 2, (3, 3), (2, 3), (1, 0), (1, 1), 1, 1),
    "dilation": (1, 2, 5, 6, 2, (3, 2), (1, 1), (2, 1), (2, 3), 1, 1),
    "groups": (2, 4, 3, 4, 6, (3, 3), (1, 1), (1, 1), (1, 1), 2, 1),
    "deformable groups": (1, 4, 3, 3, 2, (3, 3), (1, 1), (1, 1), (1, 1), 1, 2),
    "both groups": (2, 4, 4, 3, 4, (3, 3), (2, 1), (1, 1), (1, 1), 4, 2),
    "one pixel": (5, 1, 1, 1, 1, (1, 1), (1, 1), (0, 0), (1, 1), 1, 1),
    "one pixel, padded": (2, 2, 1, 1, 2, (3, 3), (1, 1), (1, 1), (1, 1), 1, 1),
}


def convolution(case: str, device: str) -> tuple[tuple[Tensor, ...], tuple]:
    """Image, offset, mask, weight and bias of a case, and its geometry."""
    batch, channels, height, width, out, kernel, stride, padding, dilation, groups, deform = (
        CONVOLUTIONS[case]
    )
    size = [
        (length + 2 * pad - spread * (cells - 1) - 1) // step + 1
        for length, pad, spread, cells, step in zip(
            (height, width), padding, dilation, kernel, stride, strict=True
        )
    ]
    cells = kernel[0] * kernel[1]
    options = {"dtype": torch.float64, "device": device}
    image = torch.rand(batch, channels, height, width, **options)
    # Large enough to leave the image, and away from whole numbers, where the derivative jumps.
    offset = torch.rand(batch, deform * cells * 2, *size, **options) * 0.8 + 0.1
    offset += torch.randint(-2, 2, offset.shape, device=device)
    mask = torch.rand(batch, deform * cells, *size, **options)
    weight = torch.rand(out, channels // groups, *kernel, **options) - 0.5
    bias = torch.rand(out, **options)
    return (image, offset, mask, weight, bias), (stride, padding, dilation, groups, deform)


@DEVICES
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_deformable_convolution(device: str, case: str) -> None:
    (image, offset, _, weight, _), geometry = convolution(case, device)
    assert_same(
        lambda x, o, w: deform_conv2d(x, o, w, *geometry),
        lambda x, o, w: definitions.deformable_convolution(x, o, None, w, None, *geometry),
        image,
        offset,
        weight,
    )


@DEVICES
@pytest.mark.parametrize("case", CONVOLUTIONS)
@pytest.mark.parametrize("with_bias", [True, False])
def test_modulated_deformable_convolution(device: str, case: str, with_bias: bool) -> None:
    (image, offset, mask, weight, bias), geometry = convolution(case, device)
    tensors = (image, offset, mask, weight, bias) if with_bias else (image, offset, mask, weight)
    assert_same(
        lambda x, o, m, w, b=None: modulated_deform_conv2d(x, o, m, w, b, *geometry),
        lambda x, o, m, w, b=None: definitions.deformable_convolution(x, o, m, w, b, *geometry),
        *tensors,
    )


def test_deformable_convolution_without_offset_is_a_convolution() -> None:
    (image, offset, mask, weight, bias), geometry = convolution("stride", "cpu")
    stride, padding, dilation, groups, _ = geometry
    expected = torch.nn.functional.conv2d(image, weight, None, stride, padding, dilation, groups)
    still = torch.zeros_like(offset)
    torch.testing.assert_close(deform_conv2d(image, still, weight, *geometry), expected)
    modulated = modulated_deform_conv2d(
        image, still, torch.ones_like(mask), weight, bias, *geometry
    )
    torch.testing.assert_close(modulated, expected + bias.view(1, -1, 1, 1))


@pytest.mark.parametrize("wanted", [(0,), (1,), (2,), (0, 2), (0, 1)])
def test_gradients_of_some_inputs_only(wanted: tuple[int, ...]) -> None:
    """Of the kernel's gradients only those asked for are computed by mmcv, in two calls."""
    (image, offset, _, weight, _), geometry = convolution("both groups", "cpu")
    whole = gradients(lambda x, o, w: deform_conv2d(x, o, w, *geometry), image, offset, weight)
    tensors = [image, offset, weight]

    def partly(*given: Tensor) -> Tensor:
        mixed = [tensor.detach() for tensor in tensors]
        for position, tensor in zip(wanted, given, strict=True):
            mixed[position] = tensor
        return deform_conv2d(*mixed, *geometry)

    parts = gradients(partly, *(tensors[position] for position in wanted))
    for position, part in zip(wanted, parts, strict=True):
        torch.testing.assert_close(part, whole[position])


@DEVICES
@pytest.mark.parametrize("rows", [0, 1, 5])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("gamma", [2.0, 0.0, 1.5])
def test_sigmoid_focal_loss(device: str, rows: int, weighted: bool, gamma: float) -> None:
    classes = 3
    logits = torch.randn(rows, classes, dtype=torch.float64, device=device) * 3
    labels = classes if weighted else classes + 1  # the last is background
    target = torch.randint(0, labels, (rows,), device=device)
    weight = torch.rand(classes, dtype=torch.float64, device=device) if weighted else None

    def ours(x: Tensor) -> Tensor:
        return sigmoid_focal_loss(x, target.to(x.device), gamma, 0.25, weight, "none")

    def definition(x: Tensor) -> Tensor:
        on_cpu = weight.cpu() if weight is not None else None
        return definitions.sigmoid_focal_loss(x, target.cpu(), gamma, 0.25, on_cpu)

    assert_same(ours, definition, logits) if rows else torch.testing.assert_close(
        ours(logits).cpu(), definition(logits.cpu())
    )
    for reduction, reduce in (("sum", torch.sum), ("mean", lambda x: x.sum() / max(rows, 1))):
        if rows:
            found = sigmoid_focal_loss(logits, target, gamma, 0.25, weight, reduction)
            torch.testing.assert_close(found, reduce(ours(logits)))


def test_sigmoid_focal_loss_of_extreme_logits_is_finite() -> None:
    logits = torch.tensor([[-200.0, 200.0], [200.0, -200.0]], requires_grad=True)
    loss = sigmoid_focal_loss(logits, torch.tensor([0, 2]), 2.0, 0.25, None, "sum")
    loss.backward()
    assert loss.item() == pytest.approx(0.25 * 200 + 0.75 * 200 * 2)
    assert torch.isfinite(logits.grad).all()


def scene(count: int, device: str) -> tuple[Tensor, Tensor]:
    corner = torch.rand(count, 2) * 20
    boxes = torch.cat([corner, corner + 2 + torch.rand(count, 2) * 15], 1)
    scores = torch.randperm(count) / max(count, 1) + 0.01  # all different
    return boxes.to(device), scores.to(device)


@DEVICES
@pytest.mark.parametrize("count", [0, 1, 2, 40])
@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7])
def test_nms(device: str, count: int, offset: int, threshold: float) -> None:
    boxes, scores = scene(count, device)
    detections, kept = nms(boxes, scores, threshold, offset=offset)
    assert kept.tolist() == definitions.nms(boxes.tolist(), scores.tolist(), threshold, offset)
    torch.testing.assert_close(detections, torch.cat([boxes, scores[:, None]], 1)[kept])


@pytest.mark.parametrize("offset", [0, 1])
def test_nms_of_one_pixel_boxes(offset: int) -> None:
    """Boxes without area overlap nothing; counted in pixels, equal ones are the same."""
    boxes = torch.tensor([[3.0, 3, 3, 3], [3, 3, 3, 3], [4, 3, 4, 3]])
    _, kept = nms(boxes, torch.tensor([0.5, 0.9, 0.1]), 0.5, offset=offset)
    assert kept.tolist() == ([1, 2] if offset else [1, 0, 2])


def test_nms_by_class_and_with_a_limit() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 10], [0, 1, 10, 10]])
    scores = torch.tensor([0.7, 0.9, 0.8])
    _, kept = batched_nms(boxes, scores, torch.tensor([0, 1, 1]), {"iou_threshold": 0.5})
    assert kept.tolist() == [1, 0]
    _, kept = nms(boxes, scores, 0.95, max_num=1)
    assert kept.tolist() == [1]


@DEVICES
@pytest.mark.parametrize("count", [0, 1, 30])
@pytest.mark.parametrize("method", ["naive", "linear", "gaussian"])
@pytest.mark.parametrize("offset", [0, 1])
def test_soft_nms(device: str, count: int, method: str, offset: int) -> None:
    boxes, scores = scene(count, device)
    detections, kept = soft_nms(boxes, scores, 0.3, 0.5, 0.05, method, offset)
    expected = definitions.soft_nms(boxes.tolist(), scores.tolist(), 0.3, 0.5, 0.05, method, offset)
    assert kept.tolist() == [index for index, _ in expected]
    assert detections[:, 4].tolist() == pytest.approx([score for _, score in expected], rel=1e-4)
    torch.testing.assert_close(detections[:, :4], boxes[kept])
    assert detections.device.type == device


@DEVICES
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_gives_the_nearest_values(device: str, dtype: torch.dtype) -> None:
    """Mixed precision hands the operators half-precision maps."""
    options = {"dtype": dtype, "device": device}
    features = torch.rand(1, 2, 6, 6, **options)
    rois = torch.tensor([[0, 1.0, 1, 4, 4]], **options)
    pooled = roi_align(features, rois, (2, 2), 1.0, 2, "avg", True)
    exact = roi_align(features.double(), rois.double(), (2, 2), 1.0, 2, "avg", True)
    assert pooled.dtype == dtype
    torch.testing.assert_close(pooled, exact.to(dtype))

    (image, offset, mask, weight, bias), geometry = convolution("plain", device)
    half = [tensor.to(dtype) for tensor in (image, offset, mask, weight, bias)]
    exact = modulated_deform_conv2d(*(tensor.double() for tensor in half), *geometry)
    torch.testing.assert_close(modulated_deform_conv2d(*half, *geometry), exact.to(dtype))

    logits = torch.randn(4, 3, **options)
    target = torch.tensor([0, 1, 2, 3], device=device)
    exact = sigmoid_focal_loss(logits.double(), target, 2.0, 0.25, None, "none")
    loss = sigmoid_focal_loss(logits, target, 2.0, 0.25, None, "none")
    torch.testing.assert_close(loss, exact.to(dtype))
