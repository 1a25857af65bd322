"""Classifier-to-detector distillation against its formulas, worked out in numpy."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from methods.contract import Batch, Context, Positives
from methods.icd import ICD
from methods.parts.crops import cut_out
from methods.settings.icd import ICDSettings
from methods.settings.resolve import resolve

CLASSES, SIZE = 3, 8
MEAN, STD = (100.0, 110.0, 120.0), (50.0, 55.0, 60.0)
THEIR_MEAN, THEIR_STD = 90.0, 30.0


class Linear(nn.Module):
    """A classifier that numpy can follow: its stem is a 1x1 convolution, pooled or not."""

    input_size = SIZE

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 2, 1).double()
        self.stage = nn.Conv2d(2, 2, 1).double()
        self.head = nn.Linear(3, CLASSES).double()

    def normalised(self, pixels: Tensor) -> Tensor:
        return (pixels - THEIR_MEAN) / THEIR_STD

    def logits(self, pixels: Tensor) -> Tensor:
        return self.head(pixels.mean((2, 3)))

    def stages(self, pixels: Tensor, deepest: int, pooled: bool) -> list[Tensor]:
        stem = self.stem(pixels)
        maps = [functional.avg_pool2d(stem, 2) if pooled else stem]
        return [*maps, self.stage(maps[0])][: deepest + 1]


def distiller(rgb: bool = True, **settings: object) -> ICD:
    settings = {"pixel_pool": 2, "feature_pool": 2, **settings}
    context = Context(
        family="one-stage",
        student_channels=(),
        teacher_channels=(),
        strides=(),
        classes=CLASSES,
        classifier=Linear(),
        pixel_mean=MEAN,
        pixel_std=STD,
        pixel_rgb=rgb,
    )
    return ICD(ICDSettings(**settings), context).double()  # type: ignore[arg-type]


def batch(softmax: bool, count: int = 5) -> Batch:
    """Two images with boxes, one without; positives of the first two."""
    generator = torch.Generator().manual_seed(1)
    boxes = (
        torch.tensor([[2.0, 3, 12, 15], [8, 1, 20, 9]]),
        torch.tensor([[1.0, 1, 9, 13]]),
        torch.zeros(0, 4),
    )
    image = torch.tensor([0, 0, 1, 0, 1])[:count]
    truth = torch.tensor([0, 1, 0, 1, 0])[:count]
    wanted = (
        torch.stack([boxes[i][t] for i, t in zip(image, truth, strict=True)])
        if count
        else (torch.zeros(0, 4))
    )
    noise = torch.randn(len(image), 4, generator=generator)
    found = (wanted + noise).double().requires_grad_()
    columns = CLASSES + softmax
    logits = torch.randn(len(image), columns, generator=generator).double().requires_grad_()
    return Batch(
        padded_size=(16, 24),
        image_sizes=((16, 24), (14, 20), (16, 24)),
        boxes=boxes,
        labels=tuple(torch.zeros(len(b), dtype=torch.int64) for b in boxes),
        images=torch.randn(3, 3, 16, 24, generator=generator).double(),
        positives=Positives(image, truth, logits, found, "softmax" if softmax else "sigmoid"),
    )


# The formulas again, in numpy


def crop(image: np.ndarray, box: np.ndarray, side: int) -> np.ndarray:
    """Bilinear sampling at the cells' centres of the box, zeros outside, loop by loop."""
    _, height, width = image.shape
    x1, y1, x2, y2 = np.clip(box, 0, [width, height, width, height])
    out = np.zeros((3, side, side))
    for row in range(side):
        for column in range(side):
            x = x1 + (column + 0.5) / side * (x2 - x1) - 0.5
            y = y1 + (row + 0.5) / side * (y2 - y1) - 0.5
            left, top = int(np.floor(x)), int(np.floor(y))
            for yy, wy in ((top, top + 1 - y), (top + 1, y - top)):
                for xx, wx in ((left, left + 1 - x), (left + 1, x - left)):
                    if 0 <= yy < height and 0 <= xx < width:
                        out[:, row, column] += wy * wx * image[:, yy, xx]
    return out


def seen(crops: np.ndarray, rgb: bool = True) -> np.ndarray:
    pixels = crops * np.array(STD)[:, None, None] + np.array(MEAN)[:, None, None]
    return ((pixels if rgb else pixels[::-1]) - THEIR_MEAN) / THEIR_STD


def pool(maps: np.ndarray, side: int) -> np.ndarray:
    channels, height, width = maps.shape
    return maps.reshape(channels, side, height // side, side, width // side).mean((2, 4))


def stem(pixels: np.ndarray, pooled: bool = True) -> np.ndarray:
    layer = Linear().stem
    weight, bias = layer.weight.detach().numpy()[:, :, 0, 0], layer.bias.detach().numpy()
    maps = np.einsum("oc,chw->ohw", weight, pixels) + bias[:, None, None]
    return pool(maps, maps.shape[1] // 2) if pooled else maps


def softmax(values: np.ndarray) -> np.ndarray:
    e = np.exp(values - values.max())
    return e / e.sum()


def wanted_classes(given: Batch, temperature: float, rgb: bool = True) -> float:
    head, found = Linear().head, given.positives
    assert found is not None
    assert given.images is not None
    total = 0.0
    for k in range(len(found.boxes)):
        image, truth = int(found.image[k]), int(found.ground_truth[k])
        box = given.boxes[image][truth].double().numpy()
        pixels = seen(crop(given.images[image].numpy(), box, SIZE), rgb)
        teacher = head.weight.detach().numpy() @ pixels.mean((1, 2)) + head.bias.detach().numpy()
        student = found.logits[k].detach().numpy()
        if found.activation == "softmax":
            p, q = np.append(softmax(teacher / temperature), 0), softmax(student / temperature)
            total += (p * (np.log(p + 1e-10) - np.log(q + 1e-10))).sum()
        else:
            p = 1 / (1 + np.exp(-teacher / temperature))
            q = 1 / (1 + np.exp(-student / temperature))
            total += (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).mean()
    counts = np.bincount(found.image.numpy(), minlength=3)
    return temperature**2 * total / np.maximum(counts, 1).sum()


def wanted_places(given: Batch, pooled: bool = True, rgb: bool = True) -> tuple[float, float]:
    found = given.positives
    assert found is not None
    assert given.images is not None
    pixels, features = [], []
    for k in range(len(found.boxes)):
        image, truth = int(found.image[k]), int(found.ground_truth[k])
        picture = given.images[image].numpy()
        one = seen(crop(picture, found.boxes[k].detach().numpy(), SIZE), rgb)
        other = seen(crop(picture, given.boxes[image][truth].double().numpy(), SIZE), rgb)
        pixels.append(np.abs(pool(one, 2) - pool(other, 2)).mean())
        difference = pool(stem(one, pooled), 2) - pool(stem(other, pooled), 2)
        features.append(np.abs(difference).mean())
    return float(np.mean(pixels)), float(np.mean(features))


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("rgb", [True, False])
def test_values_are_those_of_the_formulas(softmax: bool, rgb: bool) -> None:
    given = batch(softmax)
    losses = distiller(rgb)((), (), given)
    pixels, features = wanted_places(given, rgb=rgb)
    assert losses["classes"].item() == pytest.approx(
        0.4 * wanted_classes(given, 2.0, rgb), rel=1e-7
    )
    assert losses["pixels"].item() == pytest.approx(0.15 * pixels, rel=1e-7)
    assert losses["features"].item() == pytest.approx(0.15 * features, rel=1e-7)


def test_the_papers_readings_of_stem_and_mean() -> None:
    given = batch(False)
    losses = distiller(stem="before-pool", layer_mean="paper")((), (), given)
    pixels, features = wanted_places(given, pooled=False)
    assert losses["pixels"].item() == pytest.approx(0.15 * pixels / 2, rel=1e-7)
    assert losses["features"].item() == pytest.approx(0.15 * features / 2, rel=1e-7)


def test_rows_held_against_one_printed_number_are_one_run() -> None:
    """The paper prints its pixel row thrice, and its sweep of crops at 112 as 4x4 pixels."""

    def settings(row: str, **given: int) -> dict:
        return resolve(row, "ssd", given).methods[0].settings

    pixels = settings("icd-loc-pixels")
    assert pixels == settings("icd-loc-pool-8") == settings("icd-loc-layers-obj")
    assert pixels != settings("icd-loc-pool-4")
    assert settings("icd-loc-layers-obj+l0") == settings("icd-loc", pixel_pool=8)
    assert settings("icd-loc-crop-112") == settings("icd-loc-pool-4", crop_size=112)
    assert settings("icd")["pixel_pool"] == 4


def test_several_feature_layers_share_one_weight() -> None:
    given = batch(False)
    both = distiller(layers=("obj", "l0", "l1"), feature_pool=1)((), (), given)
    first = distiller(layers=("l0",), feature_pool=1)((), (), given)
    second = distiller(layers=("l1",), feature_pool=2)((), (), given)
    mean = (first["features"] + second["features"]) / 2
    assert both["features"].item() == pytest.approx(mean.item(), rel=1e-6)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_temperature_and_weight(temperature: float) -> None:
    given = batch(True)
    losses = distiller(temperature=temperature, classification_weight=0.1, localisation_weight=0)(
        (), (), given
    )
    assert set(losses) == {"classes"}
    assert losses["classes"].item() == pytest.approx(
        0.1 * wanted_classes(given, temperature), rel=1e-7
    )


def test_chunks_change_neither_values_nor_gradients() -> None:
    found = []
    for chunk in (1, 2, 256):
        given = batch(False)
        losses = distiller(chunk=chunk)((), (), given)
        torch.stack(list(losses.values())).sum().backward()
        assert given.positives is not None
        found.append((*losses.values(), given.positives.boxes.grad, given.positives.logits.grad))
    for one, two in itertools.pairwise(found):
        for value, other in zip(one, two, strict=True):
            torch.testing.assert_close(value, other, rtol=1e-6, atol=1e-8)


def test_gradients_reach_boxes_and_scores_and_never_the_classifier() -> None:
    method, given = distiller(), batch(True)
    losses = method((), (), given)
    assert given.positives is not None
    boxes = given.positives.boxes
    for name in ("pixels", "features"):
        (gradient,) = torch.autograd.grad(losses[name], boxes, retain_graph=True)
        assert (gradient != 0).any(1).all()  # every positive is pulled
    (gradient,) = torch.autograd.grad(losses["classes"], given.positives.logits)
    assert (gradient != 0).any(1).all()
    assert not any(value.requires_grad for value in method.classifier.parameters())
    assert not list(method.parameters())
    assert not method.state_dict()


def test_gradient_of_the_crop_by_finite_differences() -> None:
    images = torch.rand(1, 3, 9, 11, dtype=torch.float64)
    boxes = torch.tensor([[1.3, 2.1, 7.4, 6.2]], dtype=torch.float64, requires_grad=True)
    image = torch.zeros(1, dtype=torch.int64)
    assert torch.autograd.gradcheck(lambda b: cut_out(images, image, b, 4), (boxes,))


def test_crops_are_bilinear_samples_of_their_own_images() -> None:
    given = batch(False)
    assert given.images is not None
    assert given.positives is not None
    boxes = given.positives.boxes.detach().clamp(min=0)
    crops = cut_out(given.images, given.positives.image, boxes, SIZE)
    for found, image, box in zip(crops, given.positives.image, boxes, strict=True):
        wanted = crop(given.images[image].numpy(), box.numpy(), SIZE)
        np.testing.assert_allclose(found.numpy(), wanted, atol=1e-9)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_half_precision_does_not_move_the_crops(half: torch.dtype) -> None:
    """Of a gradient across an image as wide as COCO's, a crop's pixels tell where they lie."""
    across = torch.arange(1333.0).expand(1, 3, 800, -1)
    boxes = torch.tensor([[700.3, 100.7, 740.9, 131.2], [11.0, 5.0, 1300.0, 790.0]])
    image = torch.zeros(2, dtype=torch.int64)
    wanted = cut_out(across, image, boxes, SIZE)
    with torch.autocast("cpu", half):
        found = cut_out(across, image, boxes, SIZE)
    torch.testing.assert_close(found, wanted)


def test_perfect_boxes_cost_nothing() -> None:
    given = batch(False)
    assert given.positives is not None
    found = given.positives
    exact = torch.stack(
        [given.boxes[i][t] for i, t in zip(found.image, found.ground_truth, strict=True)]
    ).double()
    losses = distiller()((), (), replace(given, positives=replace(found, boxes=exact)))
    assert losses["pixels"].item() == pytest.approx(0, abs=1e-6)
    assert losses["features"].item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("softmax", [False, True])
def test_no_positives_cost_nothing_and_break_nothing(softmax: bool) -> None:
    given = batch(softmax, count=0)
    losses = distiller()((), (), given)
    total = torch.stack(list(losses.values())).sum()
    assert total.item() == 0
    total.backward()
    assert given.positives is not None
    assert given.positives.boxes.grad is not None


def test_boxes_outside_the_image_and_without_area_stay_finite() -> None:
    given = batch(False)
    assert given.positives is not None
    strange = (
        torch.tensor(
            [[-5.0, -5, 3, 3], [20, 10, 90, 90], [4, 4, 4, 4], [9, 9, 3, 3], [50, 50, 60, 60]]
        )
        .double()
        .requires_grad_()
    )
    positives = replace(given.positives, boxes=strange)
    losses = distiller()((), (), replace(given, positives=positives))
    total = torch.stack(list(losses.values())).sum()
    total.backward()
    assert total.isfinite()
    assert strange.grad is not None
    assert strange.grad.isfinite().all()


def test_a_missing_teacher_is_said() -> None:
    context = Context("one-stage", (), (), ())
    with pytest.raises(ValueError, match="needs an image classifier"):
        ICD(ICDSettings(), context)


def test_float32_keeps_four_digits() -> None:
    given = batch(False)
    found = given.positives
    assert given.images is not None
    assert found is not None
    single = replace(
        given,
        images=given.images.float(),
        positives=replace(found, logits=found.logits.float(), boxes=found.boxes.float()),
    )
    losses, wanted = distiller().float()((), (), single), distiller()((), (), given)
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(wanted[name].item(), rel=1e-4)
