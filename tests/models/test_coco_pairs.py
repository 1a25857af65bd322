"""Every COCO pair with every method: builds, takes one true step, and predicts."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from functools import lru_cache

import pytest

from tests.models.cocoset import make_set
from tests.models.pair_step import PairSteps, rows_for
from workflow.data.catalogue import DataSet
from workflow.models import catalogue

PAIRS = catalogue.names("pairs", "coco")
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


@pytest.fixture(scope="module")
def steps_of(few: DataSet) -> Callable[[str], PairSteps]:
    """Building takes as long as a step: the methods of a pair, one behind the other, share it."""

    @lru_cache(maxsize=1)
    def built(pair: str) -> PairSteps:
        return PairSteps(pair, few)

    return built


@pytest.mark.parametrize("pair", PAIRS)
def test_every_method_is_among_the_rows_of_a_pair(pair: str) -> None:
    definition, rows = catalogue.pair(pair), rows_for(pair)
    wanted = {"mgd", "amd", "fgd", "fkd", "ssim", "cwd", "pkd"} if definition.teacher else set()
    wanted |= {"icd"} if definition.classifier else set()
    wanted |= {"icd+fkd"} if definition.classifier and definition.teacher else set()
    assert wanted | {"baseline"} <= set(rows)
    assert ("icd" in rows) == bool(definition.classifier)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pair", "row"),
    [(pair, row) for pair in PAIRS for row in rows_for(pair)],
)
def test_every_pair_with_every_method(
    pair: str, row: str, steps_of: Callable[[str], PairSteps]
) -> None:
    log = steps_of(pair).step(row)
    assert log["loss"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pair", "alias"),
    [(pair, alias) for pair in PAIRS for alias in catalogue.pair(pair).teachers],
)
def test_every_further_teacher(pair: str, alias: str, few: DataSet) -> None:
    row = "mgd" if catalogue.pair(pair).teacher else "icd"
    log = PairSteps(pair, few, alias).step(row)
    assert log["loss"] > 0
