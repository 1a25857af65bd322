"""Which GPUs a job gets, with locks in a folder of the test's own; no GPU is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from workflow import devices as module
from workflow.devices import StoppedWaiting, TooFewDevices, devices

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _nobody_said_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LOOKS", 0.01)


def test_gpus_are_held_by_one_job_at_a_time(tmp_path: Path) -> None:
    with devices(1, tmp_path, count=3) as first, devices(2, tmp_path, count=3) as second:
        assert len({*first.split(","), *second.split(",")}) == 3
    with devices(3, tmp_path, count=3) as all_of_them:
        assert all_of_them == "0,1,2"


def test_nothing_is_said_where_there_is_nothing_to_choose(tmp_path: Path) -> None:
    with devices(0, tmp_path, count=3) as none_wanted:
        assert none_wanted == ""
    with devices(2, tmp_path, count=0) as none_there:
        assert none_there == ""


@pytest.mark.parametrize("given", ["", "-1", "-1,0", "NoDevFiles"])
def test_hidden_gpus_are_not_used(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    with devices(1, tmp_path, count=3) as found:
        assert found == ""


def test_jobs_share_out_what_the_session_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-ab/1")
    with devices(1, tmp_path) as first, devices(1, tmp_path) as second:
        assert [first, second] == ["3", "GPU-ab/1"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    with devices(1, tmp_path, count=4) as first, devices(3, tmp_path, count=4) as second:
        assert [first, second] == ["0", "1,2,3"]


def test_more_than_there_are_is_refused_in_words(tmp_path: Path) -> None:
    with (
        pytest.raises(TooFewDevices, match=r"8 GPUs were asked for.*2 can be .*config gpus=2"),
        devices(8, tmp_path, count=2),
    ):
        raise AssertionError("nothing may start")


def test_a_job_of_slurm_keeps_to_what_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    with devices(1, tmp_path) as one:
        # Of another job, on another device that Slurm calls 0 too.
        monkeypatch.setenv("SLURM_JOB_ID", "2")
        with devices(1, tmp_path) as other:
            assert one == other == "0"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    with devices(1, tmp_path, count=4) as unknown:
        assert unknown == ""


def test_two_jobs_that_want_all_do_not_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is shown a free device and loses the race for the next, again and again."""
    free = module._free

    def one_at_a_time(folder, names, wanted, mine):
        return free(folder, names, min(1, wanted), mine)

    monkeypatch.setattr(module, "_free", one_at_a_time)
    found: list[str] = []

    def job() -> None:
        with devices(4, tmp_path, count=4) as mine:
            found.append(mine)

    jobs = [threading.Thread(target=job, daemon=True) for _ in range(3)]
    for thread in jobs:
        thread.start()
    for thread in jobs:
        thread.join(timeout=20)
    assert found == ["0,1,2,3"] * 3


def test_a_job_that_is_told_to_end_waits_no_longer(tmp_path: Path) -> None:
    with devices(2, tmp_path, count=2):
        asked = iter((False, True))
        with pytest.raises(StoppedWaiting), devices(1, tmp_path, 2, lambda: next(asked)):
            raise AssertionError("there was no free device")
    with devices(2, tmp_path, count=2) as given_back:
        assert given_back == "0,1"


def test_a_device_stays_taken_while_a_killed_jobs_program_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    program = (
        f"import os, time; open(r'{tmp_path}/pid', 'w').write(str(os.getpid()))\n"
        f"os.rename(r'{tmp_path}/pid', r'{tmp_path}/ready'); time.sleep(60)"
    )
    job = (
        "import os, sys\nfrom pathlib import Path\nfrom workflow.child import Child\n"
        "from workflow.devices import devices\n"
        f"with devices(1, Path(r'{tmp_path}')), open(os.devnull, 'wb') as log:\n"
        f"    Child().run((sys.executable, '-c', {program!r}), dict(os.environ), log)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", job], cwd=ROOT)
    while not (tmp_path / "ready").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    living = int((tmp_path / "ready").read_text())
    with pytest.raises(StoppedWaiting), devices(1, tmp_path, told_to_stop=lambda: True):
        pass
    os.kill(living, signal.SIGKILL)
    with devices(1, tmp_path) as visible:
        assert visible == "0"
