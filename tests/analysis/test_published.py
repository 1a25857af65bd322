"""Printed beside reproduced: every status word, and protocols never mixed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analysis.errors import AnalysisError
from analysis.plan import PublishedKey, read_plan
from analysis.published import (
    Comparison,
    compare_table,
    prediction_interval,
    rankings,
    read_published,
)
from analysis.records import read_records
from analysis.statistics.estimates import estimate
from analysis.statistics.tables import table_statistics

from .factory import MadeSuite, make_suite


def key(**parts: str) -> dict[str, str]:
    """The row of published.csv that has these columns."""
    wanted = {"student": "retinanet-r50", "schedule": "2x", "metric_set": "coco-box"} | parts
    found = [
        k.model_dump()
        for k in read_published()
        if all(k.model_dump()[name] == value for name, value in wanted.items())
    ]
    assert found, wanted
    return found[0]


MGD = key(paper="MGD", method="mgd", variant="", teacher="retinanet-x101")
BASELINE = key(paper="FGD", method="baseline")


def compared(suite: MadeSuite, **change: Any) -> dict[str, Comparison]:
    plan = read_plan(suite.suite_dir)
    table = plan.table("published").model_copy(update=change)
    cells = table_statistics(read_records(plan, suite.runs_dir), table).cells
    return {c.title: c for c in compare_table(plan, table, cells)}


def coco_suite(root: Path, mgd: list[float], **more: Any) -> MadeSuite:
    suite = make_suite(
        root,
        rows={"baseline": 37.4, "mgd": 41.0},
        fidelity="coco",
        published={"mgd": MGD, "baseline": BASELINE},
        seeds=tuple(range(len(mgd))),
        **more,
    )
    for seed, value in enumerate(mgd):
        suite.edit("pair-a", "mgd", seed, "metrics.json", AP=value)
    return suite


def test_every_row_of_the_file_is_read() -> None:
    rows = read_published()
    assert len(rows) == 287
    assert rows[PublishedKey(**MGD)].values["AP"] == 41.0
    classifiers = [row for k, row in rows.items() if k.metric_set == "coco-crops-top1"]
    assert len(classifiers) == 5
    assert all(set(row.values) == {"top1"} for row in classifiers)


def test_prediction_interval_is_wider_than_the_means() -> None:
    ours = estimate([40.0, 41.0, 42.0])
    low, high = prediction_interval(ours)
    assert (low, high) == pytest.approx(
        (41 - 4.302653 * (4 / 3) ** 0.5, 41 + 4.302653 * (4 / 3) ** 0.5)
    )
    assert low < ours.low
    assert prediction_interval(estimate([40.0])) is None


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ([41.1, 41.0, 40.9], "reproduced"),
        ([41.7, 41.6, 41.65], "above"),
        ([40.2, 40.3, 40.25], "below"),
        ([40.0, 41.0, 42.0], "not resolved"),
        ([41.0], "not resolved"),
    ],
)
def test_status(tmp_path: Path, values: list[float], status: str) -> None:
    found = compared(coco_suite(tmp_path, values))["MGD"]
    assert found.status == status
    assert found.delta == pytest.approx(sum(values) / len(values) - 41.0)
    assert found.printed_value == 41.0


def test_mini_numbers_are_never_subtracted_from_cocos(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows={"baseline": 37.4, "mgd": 41.0}, published={"mgd": MGD})
    found = compared(suite)["MGD"]
    assert (found.status, found.delta) == ("different protocol", None)
    assert found.why == "ours on digits, printed on COCO val2017"
    assert compared(suite)["Student"].status == "not printed"


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ({"schedule": "1x"}, "schedule 1x, printed with 2x"),
        ({"schedule": ""}, "schedule of our own, printed with 2x"),
    ],
)
def test_another_schedule_is_another_protocol(tmp_path: Path, what: dict, why: str) -> None:
    suite = coco_suite(tmp_path, [41.0, 41.1, 40.9])
    for run in suite.plan["runs"]:
        run.update(what)
    suite.save_plan()
    assert (compared(suite)["MGD"].status, compared(suite)["MGD"].why) == (
        "different protocol",
        why,
    )


def test_fcos_labelled_2x_is_trained_multi_scale(tmp_path: Path) -> None:
    suite = coco_suite(tmp_path, [42.7, 42.75, 42.65])
    fcos = key(paper="FGD", method="fgd", student="fcos-r50-tricks")
    suite.plan["pairs"]["pair-a"]["published_student"] = "fcos-r50-tricks"
    suite.plan["tables"][3]["cells"][1]["published"] = fcos
    for run in suite.plan["runs"]:
        run["schedule"] = "2x-ms"
    suite.save_plan()
    assert compared(suite)["MGD"].apart == ""


@pytest.mark.parametrize(
    ("ap", "status"),
    [(41.02, "reproduced"), (41.1, "reproduced"), (41.3, "above"), (40.8, "below")],
)
def test_fetched_teachers_are_held_to_rounding(tmp_path: Path, ap: float, status: str) -> None:
    suite = coco_suite(tmp_path, [41.0, 41.1])
    teacher = suite.plan["runs"][0]
    assert teacher["kind"] == "teacher"
    teacher["schedule"] = ""
    cell = {
        **suite.plan["tables"][3]["cells"][1],
        "row": "teacher",
        "title": "Teacher",
        "group": teacher["group"],
        "runs": [teacher["id"]],
        "methods": [],
        "baseline": [],
        "published": key(
            method="teacher", teacher="retinanet-x101", student="", schedule="1x", paper="mmdet-zoo"
        ),
    }
    suite.plan["tables"][3]["cells"].append(cell)
    suite.save_plan()
    suite.edit(teacher["group"], "teacher", 0, "metrics.json", AP=ap)
    found = compared(suite)["Teacher"]
    assert found.printed_value == 41.0
    assert (found.status, found.apart) == (status, "")


def test_another_student_is_another_protocol(tmp_path: Path) -> None:
    suite = coco_suite(tmp_path, [41.0, 41.1, 40.9])
    suite.plan["pairs"]["pair-a"]["published_student"] = "gfl-r50"
    suite.save_plan()
    assert compared(suite)["MGD"].status == "different protocol"


def test_failed_runs_are_not_run(tmp_path: Path) -> None:
    suite = coco_suite(tmp_path, [41.0, 41.1])
    for seed in range(2):
        suite.edit("pair-a", "mgd", seed, status="failed", reason="out of memory")
    found = compared(suite)["MGD"]
    assert (found.status, found.why, found.delta) == ("not run", "failed: out of memory", None)


def test_rows_of_the_papers_table_that_nobody_ran(tmp_path: Path) -> None:
    suite = coco_suite(tmp_path, [41.0, 41.1])
    suite.plan["not_run"] = [
        {"where": {"paper": "SSIM", "method": "l1"}, "reason": "no weight is known for it"}
    ]
    suite.save_plan()
    table = next(k.table for k in read_published() if k.paper == "SSIM" and k.method == "l1")
    found = compared(suite, paper="SSIM", paper_table=table)
    assert found["l1"].status == "not run"
    assert found["l1"].why == "no weight is known for it"
    assert found["ssim"].why == "not in this suite"


def test_unknown_published_row_is_told(tmp_path: Path) -> None:
    suite = coco_suite(tmp_path, [41.0, 41.1])
    suite.plan["tables"][3]["cells"][1]["published"]["table"] = "Table 99"
    suite.save_plan()
    with pytest.raises(AnalysisError, match=r"published.csv has no row with .*Table 99"):
        compared(suite)


def test_rankings(tmp_path: Path) -> None:
    found = rankings(list(compared(coco_suite(tmp_path, [41.0, 41.1])).values()))
    assert [(r.agreement.n, r.agreement.tau, r.across_protocols) for r in found] == [
        (2, 1.0, False)
    ]
    assert found[0].methods == ("Student", "MGD")
    mini = make_suite(
        tmp_path / "mini",
        rows={"baseline": 50.0, "mgd": 41.0},
        published={"mgd": MGD, "baseline": BASELINE},
    )
    across = rankings(list(compared(mini).values()))
    assert [(r.agreement.tau, r.across_protocols) for r in across] == [(-1.0, True)]
