"""Every kind of training takes a step, and what cannot is told with its reason."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from methods import lp
from workflow import rehearse
from workflow.compat import install
from workflow.rehearse import kinds, main
from workflow.suite import load

install()
SUITE = """\
title: Own
data: {name: digits, options: {train: 12, tune: 2, test: 4}}
seeds: [0, 1]
pairs: [nano-retinanet-wide-r18-r18]
rows: [baseline]
"""


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "own.yaml"
    path.write_text(SUITE)
    yield path
    torch.use_deterministic_algorithms(False)


def with_rows(path: Path, *rows: str) -> str:
    path.write_text(SUITE.replace("[baseline]", f"[baseline, {', '.join(rows)}]"))
    return str(path)


def test_seeds_are_no_kinds_and_settings_are(suite: Path) -> None:
    own = load(with_rows(suite, "mgd", "{row: mgd, name: heavy, settings: {weight: 9}}"))
    rows = [run.row for run in kinds(own)]
    assert sorted(rows) == ["baseline", "heavy", "mgd", "teacher"]
    assert all(run.seed == 0 for run in kinds(own))


def test_a_table_is_rehearsed_with_its_teachers_and_its_baseline(suite: Path) -> None:
    suite.write_text(SUITE + "tables: {one: {title: One, rows: [baseline]}}\n")
    assert [run.row for run in kinds(load(str(suite)), "one")] == ["baseline"]
    suite.write_text(SUITE + "tables: {one: {title: One, rows: [mgd]}}\n")
    assert {run.row for run in kinds(load(str(suite)), "one")} == {"baseline", "mgd", "teacher"}


def test_it_needs_nothing_and_leaves_nothing(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--suite", with_rows(suite, "mgd", "icd+fkd"), "--data", str(tmp_path / "none")]
    monkeypatch.chdir(tmp_path)
    assert main(words) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert "4 kinds of training, 4 can start" in told.out
    assert all(f" {row}: loss " in told.out for row in ("baseline", "teacher", "mgd", "icd+fkd"))
    assert [path.name for path in tmp_path.iterdir()] == ["own.yaml"]


def test_a_level_that_a_pair_lacks_is_told_before_any_training(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = "{row: mgd, name: deep, settings: {levels: [0, 7]}}"
    assert main(["--suite", with_rows(suite, row, "mgd")]) == 1
    told = capsys.readouterr()
    assert "nano-retinanet-wide-r18-r18 deep: levels [7] of tap `fpn-conv`" in told.err
    assert "allowed: [0, 1" in told.err
    assert " mgd: loss" in told.out, "the others are tried all the same"
    assert "4 kinds of training, 3 can start" in told.out


def test_a_method_that_breaks_is_told_with_its_line(
    suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forward(self, student, teacher, batch):
        return {"features": student[0] @ torch.ones(3, 1)}

    monkeypatch.setattr(lp.Lp, "forward", forward)
    assert main(["--suite", with_rows(suite, "l2")]) == 1
    line = forward.__code__.co_firstlineno + 1
    told = capsys.readouterr().err
    assert "l2: RuntimeError: " in told
    assert f"({__file__}:{line})" in told


def test_a_method_that_cannot_be_built_is_told_with_its_line_too(
    suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(settings, context):
        return context.levels

    monkeypatch.setattr(lp, "build", build)
    assert main(["--suite", with_rows(suite, "l2", "mgd")]) == 1
    told = capsys.readouterr()
    assert "l2: AttributeError: 'Context' object has no attribute 'levels'" in told.err
    assert f"({__file__}:{build.__code__.co_firstlineno + 1})" in told.err
    assert " mgd: loss" in told.out


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (
            lambda student: {"features": student[0].sum() * float("nan")},
            "distill.l2.features = nan",
        ),
        (lambda _: {}, "method `l2`: expected its losses by name, found {}"),
    ],
)
def test_a_loss_that_is_no_number_or_not_there(
    suite: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    loss,
    reason: str,
) -> None:
    monkeypatch.setattr(lp.Lp, "forward", lambda _self, student, _teacher, _batch: loss(student))
    assert main(["--suite", with_rows(suite, "l2")]) == 1
    assert reason in capsys.readouterr().err


def test_a_student_that_learns_nothing_is_told(
    suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearse, "weight_sums", lambda _model: [0])
    assert main(["--suite", str(suite)]) == 1
    assert "baseline: the first step changes nothing" in capsys.readouterr().err


def test_full_takes_the_batch_of_a_training_and_tells_its_pace(
    suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    made = rehearse.noise_batch
    monkeypatch.setattr(
        rehearse, "noise_batch", lambda images, *rest: seen.append(images) or made(images, *rest)
    )
    assert main(["--suite", str(suite), "--full"]) == 0
    (run,) = kinds(load(str(suite)))
    assert seen == [run.schedule.batch_size]
    told = capsys.readouterr().out
    assert " s a step, " in told
    assert " hours at this pace" in told


def test_an_unknown_table_is_the_users_mistake(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--suite", str(suite), "--table", "nowhere"]) == 2
    assert "unknown table 'nowhere'" in capsys.readouterr().err


def test_snakemake_rehearses(suite: Path, tmp_path: Path) -> None:
    with_rows(suite, "{row: mgd, name: deep, settings: {levels: [0, 7]}}")
    places = [f"{key}={tmp_path / key}" for key in ("data", "results")]
    called = subprocess.run(
        ["snakemake", "rehearse", "--cores", "1", "--config", f"suite={suite}", *places],
        capture_output=True,
        text=True,
    )
    assert called.returncode == 1
    assert "deep: levels [7]" in called.stdout + called.stderr
