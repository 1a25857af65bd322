"""The doctor finds what is wrong, and has a mend for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from workflow import doctor
from workflow.doctor import ABSENT, OK, WRONG, Finding


def only(findings: list[Finding], subject: str) -> Finding:
    (found,) = [finding for finding in findings if finding.subject == subject]
    return found


def test_the_program_reports_on_every_subject(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "workflow.doctor"]
    folders = ["--data", str(tmp_path / "data"), "--runs", str(tmp_path / "runs")]
    root = Path(__file__).parents[1]
    result = subprocess.run([*command, *folders], cwd=root, capture_output=True, text=True)
    lines = result.stdout.splitlines()
    for subject in ("python", "torch", "pins", "opencv", "operators", "gpu", "threads", "memory",
                    "disk, runs", "disk, data", "slurm", "data sets"):  # fmt: skip
        assert any(line[4:].startswith(subject) for line in lines), subject
    to_mend = [line for line in lines if line.startswith(WRONG)]
    assert result.returncode == (1 if to_mend else 0)
    assert lines[-1] == (f"{len(to_mend)} to mend" if to_mend else "ready")
    assert result.stderr == ""


def test_a_package_off_its_pin_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numpy = next(found for found in distributions() if found.metadata["Name"] == "numpy").version
    pins = tmp_path / "requirements.txt"
    pins.write_text(f"numpy=={numpy}\npandas==0.0.1\nno-such-package==1.0\n")
    monkeypatch.setattr(doctor, "PINS", pins)
    found = only(list(doctor.packages()), "pins")
    assert found.state == WRONG
    assert "(pinned 0.0.1)" in found.text
    assert "no-such-package is missing" in found.text
    assert "numpy" not in found.text
    assert found.mend == "pip install -r requirements.txt"


def test_another_system_s_packages_are_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = tmp_path / "requirements.txt"
    pins.write_text("# made\nno-such-package==1.0 ; sys_platform == 'beos'\n    # via torch\n")
    monkeypatch.setattr(doctor, "PINS", pins)
    assert only(list(doctor.packages()), "pins").text == "all 0 packages are as pinned"
    pins.write_text(f"no-such-package==1.0 ; sys_platform == '{sys.platform}'\n")
    assert "no-such-package is missing" in only(list(doctor.packages()), "pins").text


def test_another_cuda_build_of_a_pinned_release_is_as_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = next(found for found in distributions() if found.metadata["Name"] == "torch").version
    pins = tmp_path / "requirements.txt"
    pins.write_text(f"torch=={torch.partition('+')[0]}\n")
    monkeypatch.setattr(doctor, "PINS", pins)
    assert only(list(doctor.packages()), "pins").state == OK


def test_a_missing_system_library_of_opencv_has_a_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)  # import raises, as it does without libGL
    (found,) = doctor.opencv()
    assert found.state == WRONG
    assert "apt-get install libgl1" in found.mend


def test_more_threads_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: 512)
    found = only(list(doctor.processor()), "threads")
    assert found.state == WRONG
    assert "OMP_NUM_THREADS=" in found.mend


@pytest.mark.parametrize(("free", "state"), [(10**12, OK), (5 * 10**9, ABSENT), (10**8, WRONG)])
def test_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": free}))
    found = list(doctor.disk(tmp_path / "not/yet/there", tmp_path))
    assert [finding.state for finding in found] == [state, state]
    assert all(bool(finding.mend) == (state != OK) for finding in found)


def test_data_sets_with_missing_files(tmp_path: Path) -> None:
    whole, broken, odd = (tmp_path / name for name in ("whole-1", "broken-2", "odd-3"))
    for folder in (whole, broken, odd):
        folder.mkdir()
        (folder / "manifest.json").write_text(json.dumps({"files": {"a.png": "", "b.png": ""}}))
        (folder / "a.png").touch()
    (whole / "b.png").touch()
    (odd / "manifest.json").write_text("not JSON")
    found = {finding.text.partition(":")[0]: finding for finding in doctor.data_sets(tmp_path)}
    assert found["whole-1"].state == OK
    assert found["broken-2"].state == WRONG
    assert "1 of 2 files missing (b.png)" in found["broken-2"].text
    assert found["odd-3"].state == WRONG
    assert all(finding.mend for finding in found.values() if finding.state == WRONG)


def test_no_data_set_is_no_mistake(tmp_path: Path) -> None:
    (found,) = doctor.data_sets(tmp_path)
    assert found.state == ABSENT


def test_a_cluster_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, body in (("sbatch", "echo slurm 22.05.8"), ("sinfo", "echo down >&2; exit 1")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (found,) = doctor.cluster()
    assert found.state == ABSENT
    assert found.text == "slurm 22.05.8, but no partition answers"
    (tmp_path / "sinfo").write_text("#!/bin/sh\necho 'gpu* up 4 nodes'\n")
    (found,) = doctor.cluster()
    assert (found.state, found.text) == (OK, "slurm 22.05.8; partition gpu* up 4 nodes")


def test_an_examination_that_fails_does_not_end_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("no such device")

    monkeypatch.setattr(doctor, "devices", fail)
    found = list(doctor.examine(tmp_path, tmp_path))
    assert only(found, "devices").text == "OSError: no such device"
    assert found[-1].subject == "data sets"
