"""Every COCO pair with every method: builds, takes one true step, and predicts."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import lru_cache

import pytest

from tests.models.cocoset import make_set
from tests.models.pair_step import PairSteps, rows_for
from workflow.data.catalogue import DataSet
from workflow.models import catalogue

Builder = Callable[..., PairSteps]
PAIRS = catalogue.names("pairs", "coco")
QUICK = ("retinanet-r101-r18", "faster-mobilenetv2", "reppoints-r101-r50", "ssd300")
"""One pair of each family; the rest is slow."""


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    return make_set(tmp_path_factory.mktemp("few"))


@pytest.fixture(scope="module")
def built(few: DataSet) -> Builder:
    """Building takes as long as some steps: methods of a pair, one behind the other, share it."""

    @lru_cache(maxsize=1)
    def build(pair: str, alias: str = "") -> PairSteps:
        gc.collect()  # the pair before: an X101 teacher takes half a gigabyte
        return PairSteps(pair, few, alias)

    return build


@pytest.mark.parametrize(
    "pair",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in PAIRS],
)
def test_every_method_at_once(pair: str, built: Builder) -> None:
    """One step of a student that all methods teach, each of which must pull at it."""
    log = built(pair).step(*rows_for(pair))
    assert log["loss"] > 0


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
def test_every_method_by_itself(pair: str, row: str, built: Builder) -> None:
    log = built(pair).step(row)
    assert log["loss"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pair", "alias"),
    [(pair, alias) for pair in PAIRS for alias in catalogue.pair(pair).teachers],
)
def test_every_further_teacher(pair: str, alias: str, built: Builder) -> None:
    row = "mgd" if catalogue.pair(pair).teacher else "icd"
    log = built(pair, alias).step(row)
    assert log["loss"] > 0
