"""Run folders become records; what cannot be trusted is named with its reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.plan import read_plan
from analysis.records import Records, main, read_records

from .factory import MadeSuite, make_suite

ROWS = {"baseline": 40.0, "mgd": 41.0}


@pytest.fixture
def suite(tmp_path: Path) -> MadeSuite:
    return make_suite(tmp_path, rows=ROWS)


def read(suite: MadeSuite) -> Records:
    return read_records(read_plan(suite.suite_dir), suite.runs_dir)


def only_problem(records: Records) -> tuple[str, str]:
    assert len(records.folders) == 1, records.folders
    line = records.folders.iloc[0]
    return line["status"], line["reason"]


def test_complete_runs_are_tidy(suite: MadeSuite) -> None:
    records = read(suite)
    assert len(records.frame) == 7  # a teacher, two rows of three seeds
    assert records.folders.empty
    run = records.frame.loc[suite.id("pair-a", "mgd", 1)]
    assert run["AP"] == suite.value("pair-a", "mgd", 1)
    assert (run["group"], run["row"], run["seed"], run["kind"]) == ("pair-a", "mgd", 1, "student")
    assert run["gpu_hours"] == 0.75
    assert Path(run["folder"]) == suite.folder("pair-a", "mgd", 1)
    assert records.why_missing(run["id"]) == ""


def test_failed_and_running_are_left_out_with_reason(suite: MadeSuite) -> None:
    suite.edit("pair-a", "mgd", 1, status="failed", reason="loss became NaN at iteration 40")
    suite.edit("pair-a", "mgd", 2, status="running")
    records = read(suite)
    assert suite.id("pair-a", "mgd", 1) not in records.frame.index
    assert list(records.folders["status"]) == ["failed", "running"]
    reason = records.why_missing(suite.id("pair-a", "mgd", 1))
    assert reason == "failed: loss became NaN at iteration 40"


def test_a_run_that_was_given_up_says_where_and_why(suite: MadeSuite) -> None:
    folder = suite.folder("pair-a", "mgd", 0)
    ended = {"id": "x", "status": "failed", "stage": "predict", "reason": "out of memory"}
    (folder / "outcome.json").write_text(json.dumps(ended))
    records = read_records(read_plan(suite.suite_dir), suite.runs_dir)
    run = suite.id("pair-a", "mgd", 0)
    assert run not in records.frame.index
    assert records.why_missing(run) == "failed: predict: out of memory"
    (folder / "outcome.json").write_text('{"id": ')
    assert "truncated" in read(suite).why_missing(run)
    (folder / "outcome.json").write_text(json.dumps({**ended, "status": "complete"}))
    assert run in read_records(read_plan(suite.suite_dir), suite.runs_dir).frame.index


def test_missing_folder(suite: MadeSuite) -> None:
    shutil.rmtree(suite.folder("pair-a", "mgd", 1))
    assert only_problem(read(suite)) == ("missing", "not run yet")


def test_folder_without_record_is_incomplete(suite: MadeSuite) -> None:
    (suite.folder("pair-a", "mgd", 1) / "run.json").unlink()
    assert only_problem(read(suite)) == ("incomplete", "run.json is missing")


@pytest.mark.parametrize("file", ["run.json", "metrics.json"])
def test_truncated_json_is_incomplete(suite: MadeSuite, file: str) -> None:
    path = suite.folder("pair-a", "mgd", 1) / file
    path.write_text(path.read_text()[:-9])
    status, reason = only_problem(read(suite))
    assert status == "incomplete"
    assert str(path) in reason
    assert "truncated" in reason


def test_complete_without_metrics_is_incomplete(suite: MadeSuite) -> None:
    (suite.folder("pair-a", "mgd", 1) / "metrics.json").unlink()
    assert only_problem(read(suite)) == ("incomplete", "trained, not judged yet")


@pytest.mark.parametrize("value", [None, float("nan"), "forty"])
def test_metric_that_is_no_number_is_incomplete(suite: MadeSuite, value: object) -> None:
    suite.edit("pair-a", "mgd", 1, "metrics.json", AP=value)
    status, reason = only_problem(read(suite))
    assert status == "incomplete"
    assert "`AP` is missing" in reason


def test_other_hash_is_stale(suite: MadeSuite) -> None:
    suite.edit("pair-a", "mgd", 1, hash="f" * 64)
    status, reason = only_problem(read(suite))
    assert status == "stale"
    assert "ffffffffff" in reason


def test_older_configuration_beside_is_stale(suite: MadeSuite) -> None:
    folder = suite.folder("pair-a", "mgd", 1)
    older = folder.with_name("seed1-0123456789")
    shutil.copytree(folder, older)
    record = json.loads((older / "run.json").read_text())
    record["id"] = older.relative_to(suite.runs_dir).as_posix()
    (older / "run.json").write_text(json.dumps(record))
    records = read(suite)
    assert only_problem(records)[0] == "stale"
    assert len(records.frame) == 7


def test_two_runs_claiming_one_id(suite: MadeSuite) -> None:
    folder = suite.folder("pair-a", "mgd", 1)
    shutil.copytree(folder, folder.with_name("seed1-copy"))
    status, reason = only_problem(read(suite))
    assert status == "duplicate"
    assert suite.id("pair-a", "mgd", 1) in reason


def test_folder_claiming_another_id(suite: MadeSuite) -> None:
    suite.edit("pair-a", "mgd", 1, id=suite.id("pair-a", "mgd", 2))
    status, reason = only_problem(read(suite))
    assert status == "duplicate"
    assert suite.id("pair-a", "mgd", 2) in reason


def test_runs_of_another_suite_are_foreign(suite: MadeSuite) -> None:
    plan = suite.plan
    plan["runs"] = [run for run in plan["runs"] if run["row"] != "mgd"]
    plan["tables"] = []
    suite.save_plan()
    records = read(suite)
    assert list(records.folders["status"]) == ["foreign"] * 3
    assert set(records.frame["row"]) == {"teacher", "baseline"}


def test_other_annotations_are_not_averaged_in(suite: MadeSuite) -> None:
    suite.edit("pair-a", "mgd", 1, "metrics.json", annotations_sha256="b" * 64)
    records = read(suite)
    status, reason = only_problem(records)
    assert status == "mismatched"
    assert "bbbbbbbbbb" in reason
    assert suite.id("pair-a", "mgd", 1) not in records.frame.index


def test_plan_with_one_id_twice_is_refused(suite: MadeSuite) -> None:
    suite.plan["runs"].append(suite.plan["runs"][1])
    suite.save_plan()
    with pytest.raises(AnalysisError, match="two runs claim one id"):
        read_plan(suite.suite_dir)


def test_plan_with_unknown_key_is_refused(suite: MadeSuite) -> None:
    suite.plan["colour"] = "red"
    suite.save_plan()
    with pytest.raises(AnalysisError, match=r"plan\.json: colour"):
        read_plan(suite.suite_dir)


def test_command_line(suite: MadeSuite, capsys: pytest.CaptureFixture[str]) -> None:
    suite.edit("pair-a", "mgd", 1, status="failed", reason="out of memory")
    arguments = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert "6 of 7 runs complete, 1 failed" in shown.out
    run = suite.id("pair-a", "mgd", 1)
    assert shown.err == f"failed: {run}: out of memory\n"
    frame = pd.read_csv(suite.suite_dir / "records.csv")
    assert len(frame) == 6
    assert pd.read_csv(suite.suite_dir / "folders.csv")["reason"].item() == "out of memory"
    assert main(["--suite-dir", str(suite.suite_dir / "nowhere")]) == 2
    assert "plan.json: no such file" in capsys.readouterr().err


def test_rows_without_a_title_are_called_by_method_or_name(suite: MadeSuite) -> None:
    plan = read_plan(suite.suite_dir)
    cells = [cell.model_copy(update={"title": ""}) for cell in plan.tables[0].cells]
    assert [plan.row_title(cell) for cell in cells] == ["Baseline", "MGD"]
    named = cells[1].model_copy(update={"row": "mgd-nomask"})
    assert plan.row_title(named) == "MGD, no mask"
