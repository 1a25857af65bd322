"""Verdict, status, forecast and plan, on run folders written by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import pytest
import yaml

from analysis.plan import read_plan
from tests.data import coco_files
from workflow import forecast, outcome, plan, status, verdict
from workflow.command import NOBODY_READS
from workflow.costs import (
    COCO_TRAINING_IMAGES,
    around,
    iterations,
    modelled,
    table,
    training_images,
)
from workflow.costs import devices as devices_of
from workflow.data import annotations
from workflow.forecast import Forecast
from workflow.models import catalogue
from workflow.models.zoo import _models
from workflow.outcome import Outcome
from workflow.scopes import scopes
from workflow.spec import DataSpec
from workflow.suite import load

TINY = Path(__file__).parents[1] / "suites" / "tiny.yaml"


@pytest.fixture(scope="module")
def suite():
    return load(TINY)


def finish(runs: Path, run, seconds: float) -> None:
    folder = runs / run.id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "student.pth").write_bytes(b"weights")
    (folder / "cost.json").write_text(json.dumps({"wall_seconds": seconds}))
    outcome.write(runs, Outcome(run.id, "complete"))


def test_the_verdict_lists_what_failed_and_lets_it_be_tried_again(suite, tmp_path, capsys):
    *others, student = suite.runs
    for run in others:
        finish(tmp_path, run, 1)
    outcome.write(tmp_path, Outcome(student.id, "failed", "loss is nan", "train"))
    asked = ["--suite", str(TINY), "--runs", str(tmp_path), "--scope", "all"]
    assert verdict.main(asked) == 1
    said = capsys.readouterr().err
    assert f"{student.id}: train: loss is nan" in said
    assert f"1 of {len(suite.runs)} runs" in said
    assert outcome.read(tmp_path, student.id) is None
    assert verdict.main([*asked[:-1], "teachers"]) == 0
    assert verdict.main([*asked, "--partial"]) == 0
    assert "the 1 that were not carried out are left out" in capsys.readouterr().out
    finish(tmp_path, student, 1)
    assert verdict.main(asked) == 0


def test_scopes_name_the_runs_of_each_table(suite):
    found = scopes(suite)
    assert found["all"] == list(suite.by_id)
    assert {suite.run(id).kind for id in found["teachers"]} == {"teacher", "classifier"}
    assert {suite.run(id).row for id in found["table_main"]} == {"baseline", "mgd"}


def test_status_tells_the_states_apart(suite, tmp_path):
    done, failed, running, stale, left = suite.runs
    finish(tmp_path, done, 1)
    outcome.write(tmp_path, Outcome(failed.id, "failed", "no luck", "train"))
    for run in (running, stale):
        (tmp_path / run.id / "work").mkdir(parents=True)
        (tmp_path / run.id / "history.csv").write_text("iteration,epoch\n1,0\n2,0\n")
    old = time.time() - 2 * status.FRESH_SECONDS
    os.utime(tmp_path / stale.id / "history.csv", (old, old))
    found = {one.id: one for one in status.table(suite, tmp_path)}
    assert [found[run.id].state for run in suite.runs] == [
        "done",
        "failed",
        "running",
        "interrupted",
        "left",
    ]
    assert found[running.id].detail == f"iteration 2 of {iterations(running):.0f}, 67%"
    said = status.text(suite, list(found.values()), 1.5)
    assert "1 done, 1 running, 1 interrupted, 1 failed, 1 left of 5 runs" in said
    assert left.id not in said


def test_a_forecast_learns_from_runs_that_are_done(suite, tmp_path):
    before = Forecast(suite, tmp_path).total(at_once=2)
    assert before.sources == {"model": 5}
    assert before.model_error is None
    for run in suite.runs:
        finish(tmp_path, run, 2 * modelled(run))
    after = Forecast(suite, tmp_path).total(at_once=2)
    assert after.done == 5
    assert after.device_hours_left == after.wall_hours == 0
    assert after.model_error == pytest.approx(0.5)


@pytest.mark.parametrize("tune", [False, True])
def test_a_set_of_one_s_own_is_counted_for_schedules_in_epochs(tune, tmp_path, monkeypatch):
    content = coco_files.content(images=40)
    content["annotations"] = [one for one in content["annotations"] if one["image_id"] > 10]
    coco_files.write(tmp_path, "train", content)
    coco_files.write(tmp_path, "test", coco_files.content(images=4, first_image=100))
    splits = ("train", "test", *(("tune",) if tune else ()))
    coco_files.write(tmp_path, "tune", coco_files.content(images=4, first_image=200))
    own = {name: {"annotations": f"{name}.json", "images": name} for name in splits}
    path = tmp_path / "pets.yaml"
    text = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    text["data"] = {"name": "pets", "options": own}
    text["schedules"] = {
        kind: {"epochs": 2, "batch_size": 3} for kind in ("student", "teacher", "classifier")
    }
    path.write_text(yaml.safe_dump(text), encoding="utf-8")
    pets = load(path)
    read = mock.Mock(wraps=annotations.read)
    monkeypatch.setattr(annotations, "read", read)
    found = Forecast(pets, tmp_path)
    share = 1 if tune else 0.9
    for id, run in pets.by_id.items():
        seen = 30 if run.family else 30 * 4
        assert iterations(run) == pytest.approx(2 * share * seen / 3)
        assert found.limit_minutes(id) > 0
    assert read.call_count == 1
    assert "epoch" not in status.text(pets, list(status.table(pets, tmp_path)), 1.0)
    assert forecast.main(["--suite", str(path), "--runs", str(tmp_path)]) == 0


def test_a_broken_annotation_file_does_not_stop_the_forecast(tmp_path):
    spec = load(TINY).runs[0]
    broken = tmp_path / "train.json"
    broken.write_text("<html>", encoding="utf-8")
    data = DataSpec(
        name="pets",
        options={"train": "0" * 64},
        locations={"train": {"annotations": str(broken)}},
    )
    run = spec.model_copy(update={"data": data})
    assert training_images(run) == COCO_TRAINING_IMAGES


def test_what_is_followed_on_its_way_takes_longer(suite, tmp_path):
    asked = {"attend": {"images": 2, "snapshots": 3}}
    usual = Forecast(suite, tmp_path).estimates
    followed = Forecast(load(TINY, asked), tmp_path).estimates
    for id, run in suite.by_id.items():
        once = around(run, snapshots=1) - around(run)
        passes = 3 if run.kind == "student" else 0
        assert followed[id].seconds == pytest.approx(usual[id].seconds + passes * once)
    assert any(followed[id].seconds > usual[id].seconds for id in followed)


def test_similar_runs_are_forecast_from_each_other(suite, tmp_path):
    students = [run for run in suite.runs if run.row == "mgd"]
    longer = load(TINY, {"seeds": [0, 1], "schedules": {**LONGER}})
    twins = [run for run in longer.runs if run.row == "mgd"]
    finish(tmp_path, twins[0], 80.0)
    estimates = Forecast(longer, tmp_path).estimates
    assert estimates[twins[1].id].source == "like it"
    assert estimates[twins[1].id].seconds == pytest.approx(80.0 + around(twins[1]))
    assert students[0].id not in estimates


def test_a_restored_run_counts_as_done_and_says_nothing_of_this_machine(suite, tmp_path):
    longer = load(TINY, {"seeds": [0, 1], "schedules": {**LONGER}})
    twins = [run for run in longer.runs if run.row == "mgd"]
    finish(tmp_path, twins[0], 80.0)
    (tmp_path / twins[0].id / "student.pth").unlink()
    estimates = Forecast(longer, tmp_path).estimates
    assert estimates[twins[0].id].source == "measured"
    assert estimates[twins[1].id].source == "model"


LONGER = {"student": {"iterations": 8, "batch_size": 4}}


def test_wall_time_falls_with_devices_and_never_below_the_longest_chain(suite, tmp_path):
    one, two, many = (Forecast(suite, tmp_path).total(n).wall_hours for n in (1, 2, 50))
    assert one > two > many
    estimates = Forecast(suite, tmp_path).estimates
    student = next(run for run in suite.runs if run.row == "mgd")
    chain = [student, student.teacher, student.teacher.backbone]
    assert many * 3600 == pytest.approx(sum(estimates[run.id].seconds for run in chain))


def test_only_training_detectors_takes_several_gpus():
    suite = load("papers/icd")
    kinds = {devices_of(run, 8) for run in suite.runs if run.kind == "student"}
    assert kinds == {8}
    assert {devices_of(run, 8) for run in suite.runs if run.kind == "classifier"} == {1}
    assert {devices_of(run, 8) for run in suite.runs if run.checkpoint} == {1}
    assert {devices_of(run, 0) for run in suite.runs} == {0}


def test_time_limits_leave_room_and_grow(suite, tmp_path):
    found = Forecast(load("coco"), tmp_path)
    id = next(id for id in found.suite.by_id if "/mgd/" in id)
    minutes = found.estimates[id].seconds / 60
    assert found.limit_minutes(id) > 1.4 * minutes
    assert found.limit_minutes(id, attempt=2) > 2.8 * minutes


def test_the_forecast_speaks(tmp_path, capsys):
    asked = ["--suite", "coco", "--runs", str(tmp_path), "--devices", "16", "--price", "2"]
    assert forecast.main(asked) == 0
    said = capsys.readouterr().out
    for word in ("GPU-hours", "wall time left on 16 GPUs", "GB of disk", "at the given price"):
        assert word in said


def test_a_forecast_of_one_table_counts_its_runs_and_their_teachers(tmp_path, capsys):
    two = load(TINY, {"tables": {"main": {"rows": ["baseline", "mgd"]}, "plain": {"rows": ["l2"]}}})
    found = Forecast(two, tmp_path)
    whole, one = found.total(at_once=1), found.total(at_once=1, table="plain")
    (student,) = two.tables["plain"].cells[0].runs
    needed = forecast.of_table(two, "plain")
    assert needed[-1] == student
    assert {run.id for run in two.run(student).dependencies()} < set(needed)
    assert one.runs == len(needed) < whole.runs
    assert one.device_hours == pytest.approx(
        sum(found.estimates[id].seconds for id in needed) / 3600
    )
    assert one.wall_hours < whole.wall_hours
    assert forecast.main(["--suite", str(TINY), "--table", "main", "--runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("table main: 5 runs, 0 of them done")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("--devices", "-3"), "error: --devices: input should be greater than or equal to 1"),
        (("--speed", "0"), "error: --speed: input should be greater than 0, found '0'"),
        (("--price", "much"), "error: --price: input should be a valid number"),
        (("--gpus-per-run", "1.5"), "error: --gpus-per-run: input should be a valid integer"),
        (("--table", "mian"), "unknown table 'mian'; did you mean 'main'? allowed: main"),
    ],
)
def test_a_forecast_refuses_what_cannot_be_in_one_line(asked, told, tmp_path, capsys):
    assert forecast.main(["--suite", str(TINY), "--runs", str(tmp_path), *asked]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_a_reader_that_has_seen_enough_is_no_error():
    ended = subprocess.run(
        [
            "bash",
            "-c",
            '"$0" -m workflow.suite "$1" | true; exit ${PIPESTATUS[0]}',
            sys.executable,
            str(TINY),
        ],
        cwd=TINY.parents[2],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == NOBODY_READS
    assert "BrokenPipe" not in ended.stderr


def test_known_forward_times_are_the_metafiles():
    zoo = _models()
    known = table()["coco"]["forward_ms"]
    checked = 0
    for name in catalogue.names("detectors", "coco"):
        assert name in known, f"{name} has no forward time in workflow/costs.yaml"
        entry = zoo.get(catalogue.detector(name).zoo, {})
        for time_ in entry.get("Metadata", {}).get("inference time (ms/im)", ())[:1]:
            assert known[name] == pytest.approx(time_["value"]), name
            checked += 1
    assert checked > 15
    assert set(table()["mini"]["forward_ms"]) >= set(catalogue.names("detectors", "mini"))


@pytest.mark.parametrize("name", [str(TINY), "papers/fgd", "coco"])
def test_analysis_understands_the_plan(name, tmp_path):
    assert plan.main(["--suite", name, "--out", str(tmp_path / "plan.json")]) == 0
    found = read_plan(tmp_path)
    suite = load(name)
    assert [run.id for run in found.runs] == list(suite.by_id)
    assert [table.name for table in found.tables] == list(suite.tables)
