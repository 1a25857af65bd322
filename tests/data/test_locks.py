"""Shared file systems have locks only where somebody switched them on."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from workflow import carry_out, doctor
from workflow.command import MISTAKE
from workflow.data import fetch_coco, make
from workflow.data.folder import Busy, NoLocks, only_one
from workflow.download import DownloadError, fetch
from workflow.finding import OK, WRONG
from workflow.suite import load

TINY = Path(__file__).parents[1] / "suites" / "tiny.yaml"


@pytest.fixture(params=[errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP], ids=errno.errorcode.get)
def no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_who_holds_a_lock_is_no_matter_of_the_file_system(tmp_path: Path) -> None:
    with only_one(tmp_path / "set"), pytest.raises(Busy), only_one(tmp_path / "set", wait=False):
        pass


@pytest.mark.parametrize("wait", [True, False])
def test_absent_locks_are_told_with_the_folder(no_locks: None, wait: bool, tmp_path: Path) -> None:
    with pytest.raises(NoLocks) as caught, only_one(tmp_path / "set", wait):
        pass
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}: its file system gives no locks (")
    assert "-o flock" in said
    assert "\n" not in said


def test_every_program_tells_it_in_one_line(
    no_locks: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(carry_out, "Child", lambda: None)  # or this process keeps its signals
    suite = load(TINY)
    run = next(run for run in suite.runs if not run.dependencies())
    words = ["--suite", str(TINY), "--run", run.id, "--runs", str(tmp_path)]
    assert carry_out.main(words) == MISTAKE
    said = capsys.readouterr().err
    assert said.startswith(f"error: {tmp_path / run.id / 'work'}: its file system gives no locks")
    assert said.count("\n") == 1
    with pytest.raises(DownloadError, match="gives no locks"):
        fetch("http://127.0.0.1:9/file.pth", tmp_path)


def test_a_place_that_takes_no_files_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    inside = tmp_path / "file" / "data"
    said = f"error: {inside}: cannot be written to: Not a directory\n"
    words = ["--name", "digits", "--option", "train=1"]
    assert make.main([*words, "--root", str(inside)]) == MISTAKE
    assert capsys.readouterr().err == said
    assert fetch_coco.main(["--root", str(inside)]) == MISTAKE
    assert capsys.readouterr().err == said
    with pytest.raises(DownloadError, match=r"file/data: cannot be written to: Not a directory"):
        fetch("http://127.0.0.1:9/file.pth", inside)
    monkeypatch.setattr(carry_out, "Child", lambda: None)  # or this process keeps its signals
    suite = load(TINY)
    run = next(run for run in suite.runs if not run.dependencies())
    place = ["--suite", str(TINY), "--run", run.id, "--runs", str(inside)]
    assert carry_out.main(place) == MISTAKE
    assert "cannot be written to: Not a directory" in capsys.readouterr().err


def test_the_doctor_tries_the_places_of_runs_and_data(
    tmp_path: Path,
) -> None:
    places = (tmp_path / "data", tmp_path / "results" / "runs")
    assert [found.state for found in doctor.locks(*places)] == [OK, OK]
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_finds_absent_locks(no_locks: None, tmp_path: Path) -> None:
    found = list(doctor.locks(tmp_path, tmp_path))
    assert [one.state for one in found] == [WRONG, WRONG]
    assert all(str(tmp_path) in one.text and "-o flock" in one.mend for one in found)
