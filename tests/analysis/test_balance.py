"""What a method's loss weighed beside the detector's own, where a training ended."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.balance import COLUMN, distillation_ratio
from analysis.plan import read_plan
from analysis.records import read_records

from .factory import make_suite


def history(folder: Path, **terms: list[float]) -> Path:
    steps = range(1, 1 + len(next(iter(terms.values()))))
    frame = pd.DataFrame({"iteration": steps, "epoch": 0.0, "lr": 0.1, "loss": 9.0, **terms})
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "history.csv", index=False)
    return folder


def test_it_is_of_the_last_tenth_and_of_all_terms(tmp_path: Path) -> None:
    folder = history(
        tmp_path,
        loss_cls=[50.0] * 18 + [1.0, 2.0],
        loss_bbox=[50.0] * 18 + [1.0, 0.0],
        acc=[90.0] * 20,
        **{
            "distill.mgd.features": [70.0] * 18 + [3.0, 5.0],
            "distill.icd.cls": [70.0] * 18 + [2.0, 2.0],
            "measure.mgd.hidden": [500.0] * 20,
        },
    )
    assert distillation_ratio(folder) == pytest.approx((8 + 4) / 2 / ((3 + 1) / 2))


def test_a_short_training_ends_with_its_last_step(tmp_path: Path) -> None:
    folder = history(tmp_path, loss_cls=[4.0, 2.0], **{"distill.l1.features": [1.0, 5.0]})
    assert distillation_ratio(folder) == pytest.approx(2.5)


def test_nothing_is_told_where_nothing_was_distilled_or_logged(tmp_path: Path) -> None:
    assert distillation_ratio(history(tmp_path / "alone", loss_cls=[1.0])) is None
    assert distillation_ratio(tmp_path / "fetched") is None
    nothing = {"distill.l1.features": [1.0]}
    assert distillation_ratio(history(tmp_path / "zero", loss_cls=[0.0], **nothing)) is None


def test_records_have_it(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows={"baseline": 40.0, "mgd": 41.0})
    folder = suite.folder("pair-a", "mgd", 1)
    history(folder, loss_cls=[2.0], **{"distill.mgd.features": [3.0]})
    frame = read_records(read_plan(suite.suite_dir), suite.runs_dir).frame
    assert frame.loc[suite.id("pair-a", "mgd", 1), COLUMN] == pytest.approx(1.5)
    assert pd.isna(frame.loc[suite.id("pair-a", "baseline", 1), COLUMN])
