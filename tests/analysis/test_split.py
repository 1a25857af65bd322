"""A suite that chooses on the tune split reads that split's files alone, and says so everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.figures.kinds import KINDS
from analysis.figures.wanted import Wanted
from analysis.plan import FigurePlan, read_plan
from analysis.records import Records, read_records
from analysis.report.cautions import cautions
from analysis.report.provenance import provenance
from analysis.statistics.images import ImageUncertainty
from analysis.statistics.tables import table_statistics
from analysis.tables.conditions import conditions

from .factory import MadeSuite, make_suite

ROWS = {"baseline": 40.0, "mgd": 41.0}


@pytest.fixture
def suite(tmp_path: Path) -> MadeSuite:
    """Judged on tune; what lies under the reported split's names cannot be read."""
    made = make_suite(tmp_path, rows=ROWS, seeds=(0,), predictions=True)
    for folder in made.runs_dir.glob("*/*/*/*"):
        for name in ("metrics.json", "predictions.json.gz"):
            if (folder / name).is_file():
                stem, rest = name.split(".", 1)
                (folder / name).rename(folder / f"{stem}-tune.{rest}")
                (folder / name).write_text("not these")
    (truth,) = tmp_path.glob("data/*/annotations/test.json")
    truth.rename(truth.with_name("tune.json"))
    made.plan["split"] = "tune"
    made.save_plan()
    return made


def read(suite: MadeSuite) -> Records:
    return read_records(read_plan(suite.suite_dir), suite.runs_dir)


def test_records_are_of_the_split(suite: MadeSuite) -> None:
    records = read(suite)
    students = records.frame[records.frame["kind"] == "student"]
    assert list(students["split"]) == ["tune", "tune"]
    told = json.loads((suite.folder("pair-a", "mgd", 0) / "metrics-tune.json").read_text())
    assert records.frame.loc[suite.id("pair-a", "mgd", 0), "AP"] == told["AP"]


def test_classifiers_stay_on_test_and_are_no_rivals(suite: MadeSuite) -> None:
    run = dict(suite.plan["runs"][0])
    run |= {"id": "digits/crops/classifier/seed0-0123456789", "kind": "classifier", "hash": "c"}
    suite.plan["runs"].append(run)
    suite.save_plan()
    folder = suite.runs_dir / run["id"]
    folder.mkdir(parents=True)
    record = {"id": run["id"], "hash": "c", "status": "complete"}
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "metrics.json").write_text(json.dumps({"top1": 90.0, "annotations_sha256": "b" * 64}))
    frame = read(suite).frame
    assert frame.loc[run["id"], "split"] == "test"
    assert len(frame[frame["kind"] == "student"]) == 2


@pytest.mark.parametrize("kind", ["errors", "gallery", "effects"])
def test_figures_of_detections_read_the_split(suite: MadeSuite, kind: str) -> None:
    images = ImageUncertainty(suite.root / "data", suite.suite_dir / "measured", resamples=20)
    wanted = Wanted(FigurePlan(name=kind, kind=kind), read(suite), images)
    pages = KINDS[kind](wanted)
    assert images.problems == {}
    assert "tune" in " ".join([*(page.caption for page in pages), *wanted.notes]).lower()


def test_captions_and_the_report_say_so(suite: MadeSuite) -> None:
    records = read(suite)
    images = ImageUncertainty(suite.root / "data", suite.suite_dir / "measured", resamples=20)
    table = table_statistics(records, records.plan.tables[0], images)
    assert "digits tune split (30 images)" in conditions(records, table.cells)
    origin = provenance(records)
    assert "30 tune images" in [images for _, images, _, _ in origin.data]
    titles = [caution.title for caution in cautions(records, [], origin, [], [])]
    assert "All figures are of the tune split: for choosing, not for reporting" in titles
