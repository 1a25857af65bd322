"""What a suite will take, on run folders written by hand."""

from __future__ import annotations

import json
from unittest import mock

import pytest
import yaml

from tests.dag.finished import TINY, finish
from tests.data import coco_files
from workflow import forecast, status
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
from workflow.spec import DataSpec
from workflow.suite import load


@pytest.fixture(scope="module")
def suite():
    return load(TINY)


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
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # nobody has counted it yet
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
        kept = passes * table()["mini"]["snapshot_mb"] * 1e6
        assert followed[id].disk_bytes == pytest.approx(usual[id].disk_bytes + kept)
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


def test_runs_on_as_many_gpus_are_alike(suite, tmp_path):
    """Or eight GPUs' seconds would be one's time limit, and an eighth of its GPU-hours."""
    longer = load(TINY, {"seeds": [0, 1], "schedules": {**LONGER}})
    done, other = (run for run in longer.runs if run.row == "mgd")
    finish(tmp_path, done, 80.0)
    cost = {"wall_seconds": 80.0, "gpu_hours": 8 * 80.0 / 3600}
    (tmp_path / done.id / "cost.json").write_text(json.dumps(cost))
    on_eight, on_one = (Forecast(longer, tmp_path, gpus=count) for count in (8, 1))
    assert on_eight.estimates[other.id].source == "like it"
    assert on_one.estimates[other.id].source == "model"
    assert on_one.hours(done.id) == on_eight.hours(done.id)
    assert on_one.hours(done.id) == pytest.approx(8 * on_one.estimates[done.id].seconds / 3600)


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
