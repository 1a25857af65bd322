"""Every COCO pair with every method: builds, takes one true step, and predicts."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.models.cocoset import make_set
from tests.models.pair_step import LARGER, SCALE, PairSteps, rows_for
from workflow.data.catalogue import DataSet
from workflow.models import catalogue

QUICK = {
    "retinanet-r101-r18": ("mgd", "fkd"),
    "faster-mobilenetv2": ("amd",),
    "reppoints-r101-r50": ("fgd",),
    "ssd300": ("icd",),
}
"""One pair of each family, with a method or two; the rest is slow."""


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    return make_set(tmp_path_factory.mktemp("few"))


@pytest.fixture(autouse=True)
def _let_go() -> Iterator[None]:
    """An X101 teacher takes half a gigabyte."""
    yield
    gc.collect()


@pytest.mark.parametrize("pair", QUICK)
def test_one_pair_of_each_family(pair: str, few: DataSet) -> None:
    steps = PairSteps(pair, few)
    for row in ("baseline", *QUICK[pair]):
        log = steps.step(row)
        assert log["loss"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("pair", catalogue.names("pairs", "coco"))
def test_every_pair_with_every_method(pair: str, few: DataSet) -> None:
    two_stage = catalogue.pair(pair).family == "two-stage"
    steps = PairSteps(pair, few, SCALE if two_stage else LARGER)
    rows = rows_for(pair)
    assert ("mgd" in rows) == bool(steps.pair.teacher)
    assert ("icd" in rows) == bool(steps.pair.classifier)
    for row in rows:
        log = steps.step(row)
        assert log["loss"] > 0, row
