"""Mistakes that papers, codes and users fell into, each with a test across all methods."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from methods.build import build
from methods.contract import Batch, Context
from methods.settings.base import FeatureSettings
from methods.settings.catalogue import catalogue
from methods.settings.resolve import resolve

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh)
OURS = [
    key
    for key, settings in catalogue().items()
    if issubclass(settings, FeatureSettings) and not key.startswith("mmrazor-")
]
SUMS = ("mgd", "amd", "dual-mask", "fgd", "l2-sum")  # over channels and cells, divided by images
RANDOM = ("mgd", "amd", "dual-mask")  # each image has a mask of its own


def loss_at(
    row: str, height: int, channels: int, images: int = 2, repeated: bool = False, **settings: str
) -> float:
    """Of random maps for square images of this side; boxes grow with them."""
    (spec,) = resolve(row, "one-stage", {"levels": (0,), **settings}).methods
    torch.manual_seed(0)
    context = Context("one-stage", (channels,), (channels,), strides=(8,))
    distiller = build(spec, context)
    drawn = 1 if repeated else images
    maps = [
        torch.randn(drawn, channels, height // 8, height // 8).repeat(images // drawn, 1, 1, 1)
        for _ in range(2)
    ]
    box = torch.tensor([[0.25, 0.25, 0.75, 0.75]]) * height
    batch = Batch(
        padded_size=(height, height),
        image_sizes=((height, height),) * images,
        boxes=(box,) * images,
        labels=(torch.zeros(1, dtype=torch.int64),) * images,
    )
    losses = distiller((maps[0],), (maps[1],), batch)
    return torch.stack(list(losses.values())).sum().item()


@pytest.mark.parametrize("row", ["mgd", "l2-sum", "fkd-am"])
def test_sums_grow_with_the_image_and_reference_sums_do_not(row: str) -> None:
    growth = 4.0 if row in SUMS else 2.0  # a norm grows with the root
    for normalise, expected in {"paper": growth, "reference": 1.0}.items():
        small, large = (loss_at(row, side, 16, normalise=normalise) for side in (128, 256))
        assert large / small == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("row", ["l2-sum", "fgfi-noadapter"])
def test_sums_grow_with_the_width_and_reference_sums_do_not(row: str) -> None:
    for normalise, expected in {"paper": 4.0, "reference": 1.0}.items():
        narrow, wide = (loss_at(row, 128, width, normalise=normalise) for width in (8, 32))
        assert wide / narrow == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("row", ["l1-raw", "l2-raw", "ssim", "pkd", "cwd", "fitnet"])
def test_means_do_not_depend_on_the_image(row: str) -> None:
    small, large = (loss_at(row, side, 16) for side in (128, 512))
    assert large / small == pytest.approx(1, rel=0.25)


@pytest.mark.parametrize("row", [key for key in OURS if key not in RANDOM] + ["l2-sum"])
def test_an_image_twice_in_the_batch_weighs_as_one(row: str) -> None:
    one, two = (loss_at(row, 128, 8, images, repeated=True) for images in (1, 2))
    assert two / one == pytest.approx(1, rel=5e-3)


@pytest.mark.parametrize("key", OURS)
def test_adapters_end_in_no_activation(key: str) -> None:
    """mmrazor's own adapter ends in a ReLU unless told otherwise, and cannot be negative then."""
    for row in (key, *catalogue()[key].variants):
        family = catalogue()[key].variants[row].families[0] if row != key else "one-stage"
        (spec,) = resolve(row, family, {"levels": (0,)}).methods
        context = Context(family, (3,), (4,), strides=(8,))
        align = getattr(build(spec, context), "align", None)
        last = list(align[0].modules())[-1] if align else None
        assert isinstance(last, ACTIVATIONS) == (row == "fgfi-relu"), row


TAPS = {
    "neck-out": {"l1", "l2", "ssim", "pkd", "fkd", "fitnet", "fgfi"},
    "fpn-conv": {"mgd", "amd", "dual-mask", "fgd", "cwd", "l2-sum"},
}


@pytest.mark.parametrize("tap", TAPS)
def test_maps_of_reppoints_are_taken_on_the_right_side_of_its_normalisation(tap: str) -> None:
    for row in TAPS[tap]:
        (spec,) = resolve(row, "anchor-free").methods
        assert spec.settings["tap"] == tap, row
        distiller = build(spec, Context("anchor-free", (4,) * 5, (4,) * 5, (8, 16, 32, 64, 128)))
        assert distiller.tap == tap


def test_boxes_of_a_padded_batch_lie_where_the_image_is() -> None:
    """The second image fills a quarter of the padded batch; its box must not fill the whole."""
    box = torch.tensor([[0.0, 0.0, 32.0, 32.0]])
    batch = Batch((64, 64), ((64, 64), (32, 32)), (box, box), (torch.zeros(1).long(),) * 2)
    (spec,) = resolve("fitnet-gtbox", "one-stage", {"levels": (0,)}).methods
    distiller = build(spec, Context("one-stage", (4,), (4,), strides=(8,)))
    maps = (torch.randn(2, 4, 8, 8),)
    mask = distiller.explain(maps, maps, batch)["mask"][0]
    assert mask.sum(dim=(1, 2, 3)).tolist() == [16, 16]


@pytest.mark.parametrize("row", ["fgfi", "fitnet-gtbox", "fgd"])
def test_images_without_boxes_beside_others_change_nothing_for_them(row: str) -> None:
    """An empty list of boxes is neither an error nor a box at the origin."""
    (spec,) = resolve(row, "one-stage", {"levels": (0,)}).methods
    torch.manual_seed(0)
    distiller = build(spec, Context("one-stage", (4,), (4,), strides=(8,)))
    maps = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    box = torch.tensor([[8.0, 8.0, 40.0, 40.0]])
    full = Batch((64, 64), ((64, 64),), (box,), (torch.zeros(1).long(),))
    none = replace(full, boxes=(box[:0],), labels=(torch.zeros(0).long(),))
    with_box, without = (
        torch.stack(list(distiller((maps,), (-maps,), given).values())).sum().item()
        for given in (full, none)
    )
    assert with_box != without
    if row != "fgd":  # the background of an empty image counts there
        assert without == 0
