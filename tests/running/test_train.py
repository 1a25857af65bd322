"""Whole trainings through the program's own entry: what they leave behind, and when they refuse."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch

import methods
from methods.settings.catalogue import catalogue
from tests.running.tiny import BATCH, ITERATIONS, Tiny, record, same, weights
from workflow import train
from workflow.running.environment import processor_name
from workflow.running.folder import file_sha256


def test_the_run_folder_vouches_for_its_student(baseline: Path) -> None:
    found = record(baseline)
    assert found["status"] == "complete"
    assert found["reason"] is None
    assert found["student_sha256"] == file_sha256(baseline / "student.pth")
    assert found["hash"].startswith(baseline.name.split("-")[1])
    assert found["dataset_fingerprint"]
    assert found["versions"]["mmdet"] == "3.3.0"
    assert found["finished"] >= found["started"]
    assert not list((baseline / "work" / "checkpoints").iterdir())


def test_a_student_records_the_very_weights_that_it_learned_from(
    distilled: Path, tiny: Tiny
) -> None:
    teacher = tiny.teacher.id
    told = record(distilled)["learned_from"]
    assert told == {teacher: file_sha256(tiny.root / teacher / "student.pth")}


def test_history_has_every_term_of_every_logged_step(distilled: Path) -> None:
    with (distilled / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["iteration"]) for row in rows] == list(range(1, ITERATIONS + 1))
    assert list(rows[0])[:4] == ["iteration", "epoch", "lr", "loss"]
    assert list(rows[0])[-2:] == ["seconds", "data_seconds"]
    terms = [name for name in rows[0] if name.startswith(("loss_", "distill."))]
    assert {"loss_cls", "loss_bbox"} < set(terms)
    assert any(name.startswith("distill.mgd.") for name in terms)
    for row in rows:
        assert float(row["loss"]) == pytest.approx(
            sum(float(row[name]) for name in terms), rel=1e-4
        )
    drawn = round(ITERATIONS * BATCH / float(rows[-1]["epoch"]))
    assert drawn in (11, 12)  # an image without digits teaches nothing and is left out


def test_cost_is_complete(distilled: Path) -> None:
    cost = json.loads((distilled / "cost.json").read_text())
    assert cost["iterations"] == ITERATIONS
    assert cost["device"] == f"cpu ({processor_name()})"
    assert cost["gpu_hours"] is cost["energy_joules"] is cost["peak_device_bytes"] is None
    assert cost["peak_process_bytes"] > 1e8
    assert cost["wall_seconds"] > 0
    assert cost["images_per_second"] > 0
    assert 0 <= cost["data_wait_share"] < 1
    assert cost["teacher_share"] > 0
    assert cost["loss_share"] > 0
    parts = (cost[f"{part}_share"] for part in ("teacher", "student", "loss"))
    assert sum(parts) == pytest.approx(1)


def test_the_student_is_plain_mmdet_weights(distilled: Path, tiny: Tiny) -> None:
    """No teacher, no distiller; mmdet's own loader takes it."""
    from mmdet.apis import init_detector
    from mmengine.config import Config

    from workflow.data.catalogue import describe
    from workflow.models.build import build_config
    from workflow.models.schema import DetectorDefinition

    model = DetectorDefinition.model_validate(record(distilled)["spec"]["model"])
    config = build_config(model, describe(tiny.data, tiny.data_root))
    config = Config({"model": config.model, "test_dataloader": {"dataset": {"pipeline": []}}})
    detector = init_detector(config, str(distilled / "student.pth"), palette="random", device="cpu")
    assert detector.dataset_meta["classes"][:2] == ["zero", "one"]
    assert same(dict(detector.state_dict()), weights(distilled))


def test_without_weight_a_method_changes_nothing(tiny: Tiny, baseline: Path) -> None:
    """Initial weights, data order, augmentation: the seed's, never the method's."""
    spec = tiny.student("mgd", {"alpha": 0.0})
    assert train.main(tiny.arguments(spec)) == 0
    assert same(weights(tiny.root / spec.id), weights(baseline))


def test_a_method_with_weight_changes_the_student(baseline: Path, distilled: Path) -> None:
    assert not same(weights(baseline), weights(distilled))


def test_a_seed_changes_the_student_and_is_all_that_does(tiny: Tiny, baseline: Path) -> None:
    other = tiny.student("baseline", seed=1)
    assert train.main(tiny.arguments(other)) == 0
    assert not same(weights(tiny.root / other.id), weights(baseline))

    again = [*tiny.arguments(tiny.student("baseline")), "--workers", "2"]
    again[again.index("--root") + 1] = str(tiny.root.parent / "again")
    assert train.main(again) == 0
    assert same(
        weights(tiny.root.parent / "again" / tiny.student("baseline").id), weights(baseline)
    )


def test_a_complete_run_is_left_alone(tiny: Tiny, baseline: Path) -> None:
    before = (baseline / "student.pth").stat().st_mtime_ns, record(baseline)
    assert train.main(tiny.arguments(tiny.student("baseline"))) == 0
    assert ((baseline / "student.pth").stat().st_mtime_ns, record(baseline)) == before


def test_a_loss_that_is_no_number_stops_the_run(
    tiny: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    wild = {"optimiser": {"type": "SGD", "lr": 1e12}, "clip": None, "warmup_iterations": 0}
    spec = tiny.student("baseline", schedule=wild)
    assert train.main(tiny.arguments(spec, "--checkpoint-every", "1")) == 1
    found = record(tiny.root / spec.id)
    assert found["status"] == "failed"
    assert "loss_" in found["reason"]
    assert "last good checkpoint: work/checkpoints/iteration-" in found["reason"]
    assert found["reason"] in capsys.readouterr().err
    assert not (tiny.root / spec.id / "student.pth").exists()
    last = torch.load(
        tiny.root / spec.id / found["reason"].split("checkpoint: ")[1], weights_only=True
    )
    assert f"iteration {last['iteration'] + 1}:" in found["reason"]


def test_a_mistake_is_one_line_and_exit_code_2(
    tiny: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tiny.student("mgd", teacher=tiny.run("teacher", "nobody", "teacher"))
    assert train.main(tiny.arguments(missing)) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: the teacher's run digits/nobody/teacher/")
    assert message.count("\n") == 1
    assert not (tiny.root / missing.id).exists()


def test_a_broken_file_of_a_method_is_named(
    tiny: Tiny,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = tiny.student("mgd", seed=17)  # that no other test has trained
    (tmp_path / "own.py").write_text("def own(:\n", encoding="utf-8")
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path)])
    catalogue.cache_clear()
    try:
        assert train.main(tiny.arguments(spec)) == 2
    finally:
        catalogue.cache_clear()
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert "own.py:1: is not Python: " in message
    assert "Traceback" not in message


def test_bfloat16_trains_on_a_cpu_too(tiny: Tiny) -> None:
    spec = tiny.student("baseline", schedule={"precision": "bfloat16", "iterations": 2})
    assert train.main(tiny.arguments(spec)) == 0
    found = weights(tiny.root / spec.id)
    assert all(value.dtype != torch.bfloat16 for value in found.values())
    shutil.rmtree(tiny.root / spec.id)
