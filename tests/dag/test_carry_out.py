"""One run's job: steps once, retries that resume, an ending that is always told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from workflow import carry_out, outcome
from workflow.command import RESUME_ME
from workflow.data.folder import only_one
from workflow.devices import devices
from workflow.stages import Stage
from workflow.suite import load

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "suites" / "tiny.yaml"


@pytest.fixture(scope="module")
def suite():
    return load(TINY)


@pytest.fixture
def do(tmp_path, suite, monkeypatch):
    """Runs the program with steps that are one-line Python programs."""

    def run_with(programs: dict[str, str], kind: str = "classifier", **options: int) -> int:
        run = next(run for run in suite.runs if run.kind == kind)

        def steps(*_):
            folder = tmp_path / run.id
            return [
                Stage(name, (sys.executable, "-c", code), folder / f"{name}.made")
                for name, code in programs.items()
            ]

        monkeypatch.setattr(carry_out, "stages", steps)
        # Handlers of this process must come back when the program is done.
        handled = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP)
        before = {number: signal.getsignal(number) for number in handled}
        monkeypatch.chdir(tmp_path)
        try:
            arguments = ["--suite", str(TINY), "--run", run.id, "--runs", str(tmp_path)]
            for name, value in options.items():
                arguments += [f"--{name}", str(value)]
            return carry_out.main(arguments)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    run_with.id = next(run.id for run in suite.runs if run.kind == "classifier")
    run_with.ended = lambda: outcome.read(tmp_path, run_with.id)
    run_with.folder = tmp_path / run_with.id
    return run_with


def touch(path: Path, count: Path) -> str:
    return f"open(r'{path}', 'w'); open(r'{count}', 'a').write('x')"


def test_steps_are_done_once(do, tmp_path):
    do.folder.mkdir(parents=True)
    programs = {
        name: touch(do.folder / f"{name}.made", tmp_path / f"{name}.count") for name in ("a", "b")
    }
    assert do(programs) == 0
    assert do.ended().complete
    (do.folder / "b.made").unlink()
    assert do(programs) == 0
    assert (tmp_path / "a.count").read_text() == "x"
    assert (tmp_path / "b.count").read_text() == "xx"


def test_a_failure_is_tried_again_and_in_the_end_told(do):
    programs = {"train": "import sys; print('error: the disk is full'); sys.exit(1)"}
    assert do(programs, attempt=1, attempts=2) == carry_out.TRY_AGAIN
    assert do.ended() is None
    assert do(programs, attempt=2, attempts=2) == 0
    assert not do.ended().complete
    assert do.ended().reason == "the disk is full"
    assert do.ended().stage == "train"


def test_a_users_mistake_is_not_tried_again(do):
    assert do({"train": "import sys; sys.exit(2)"}, attempt=1, attempts=3) == 0
    assert do.ended().reason.startswith("ended with 2")


def test_what_the_run_says_of_itself_is_believed(do):
    record = json.dumps({"status": "failed", "reason": "loss is nan at iteration 7"})
    do.folder.mkdir(parents=True)
    code = f"import sys; open('{do.id}/run.json', 'w').write('''{record}'''); sys.exit(1)"
    assert do({"train": code}, attempt=1, attempts=3) == 0
    assert do.ended().reason == "loss is nan at iteration 7"


def test_what_an_earlier_attempt_said_is_not_told_again(do):
    """Neither its last word in the log nor its record: this one died of something else."""
    do.folder.mkdir(parents=True)
    (do.folder / "work").mkdir()
    (do.folder / "work" / "train.log").write_text("error: the data set is not there\n")
    record = {"status": "failed", "reason": "loss is nan at iteration 7"}
    (do.folder / "run.json").write_text(json.dumps(record))
    programs = {"train": "import sys; print('CUDA out of memory'); sys.exit(1)"}
    assert do(programs, attempt=1, attempts=2) == carry_out.TRY_AGAIN
    assert do(programs, attempt=2, attempts=2) == 0
    assert do.ended().reason == "ended with 1: CUDA out of memory"


def test_a_run_that_an_earlier_call_still_trains_is_waited_for(do, monkeypatch):
    monkeypatch.setattr(carry_out, "SECONDS_BETWEEN_LOOKS", 0.02)
    held, free = threading.Event(), threading.Event()

    def train() -> None:
        with only_one(do.folder / "work" / "run"):
            held.set()
            free.wait(timeout=30)
            (do.folder / "train.made").touch()

    threading.Thread(target=train, daemon=True).start()
    assert held.wait(timeout=30)
    threading.Timer(0.2, free.set).start()
    assert do({"train": "raise SystemExit('error: nothing was left to do')"}) == 0
    assert do.ended().complete


def test_saved_means_go_on(do):
    programs = {"train": f"import sys; sys.exit({RESUME_ME})"}
    assert do(programs, attempt=1, attempts=2) == RESUME_ME
    assert do(programs, attempt=2, attempts=2) == 0
    assert "out of time" in do.ended().reason


def test_a_warning_that_a_program_dies_of_means_go_on_too(do):
    """It was only starting, or is one that does not pass its trainings' codes on."""
    code = "import os, signal, time; os.kill(os.getppid(), signal.SIGUSR1); time.sleep(60)"
    assert do({"train": code}, attempt=1, attempts=2) == RESUME_ME
    assert do({"train": code}, attempt=2, attempts=2) == 0
    assert "out of time" in do.ended().reason


def test_a_killed_program_is_named(do):
    programs = {"train": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"}
    assert do(programs) == 0
    assert "SIGKILL" in do.ended().reason
    assert "memory" in do.ended().reason


def test_more_gpus_than_there_are_is_told_and_nothing_is_started(do, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert do({"train": "raise SystemExit(1)"}, gpus=8, attempts=3) == 0
    assert "8 GPUs were asked for, and 2 can be used here" in do.ended().reason


def test_a_job_that_waits_for_a_gpu_ends_when_it_is_told_to(do, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("SLURM_JOB_ID", "0")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)

    def tell() -> None:
        while signal.getsignal(signal.SIGTERM) is before:
            time.sleep(0.01)  # or this process would die of it
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=tell, daemon=True).start()
    with devices(1):
        assert do({"train": "raise SystemExit(1)"}, gpus=1) == RESUME_ME
    assert do.ended() is None


def test_who_needs_a_failed_run_says_so_without_trying(do, suite, tmp_path):
    teacher = next(run for run in suite.runs if run.kind == "teacher")
    outcome.write(tmp_path, outcome.Outcome(teacher.backbone.id, "failed", "no luck", "train"))
    assert do({"train": "raise SystemExit(0)"}, kind="teacher") == 0
    ended = outcome.read(tmp_path, teacher.id)
    assert ended.stage == "needs"
    assert "no luck" in ended.reason


def test_who_needs_weights_that_were_not_kept_is_told_what_to_do(do, suite, tmp_path):
    teacher = next(run for run in suite.runs if run.kind == "teacher")
    outcome.write(tmp_path, outcome.Outcome(teacher.backbone.id, "complete"))
    assert do({"train": "raise SystemExit(0)"}, kind="teacher") == 0
    ended = outcome.read(tmp_path, teacher.id)
    assert ended.stage == "needs"
    assert "python -m workflow.restore --suite" in ended.reason


@pytest.mark.parametrize(
    ("number", "passed"),
    [
        (signal.SIGTERM, "SIGTERM"),
        (signal.SIGUSR1, "SIGUSR1"),
        (signal.SIGHUP, "SIGTERM"),  # the terminal went away
    ],
)
def test_signals_reach_the_program_and_mean_resume(tmp_path, suite, number, passed):
    """A program that saves on a signal and says so, asked by a scheduler that warns us."""
    child = (
        "import signal, sys, time\n"
        "def save(number, frame):\n"
        f"    open(r'{tmp_path}/saved', 'w').write(signal.Signals(number).name)\n"
        f"    sys.exit({RESUME_ME})\n"
        "signal.signal(signal.SIGTERM, save); signal.signal(signal.SIGUSR1, save)\n"
        f"open(r'{tmp_path}/ready', 'w')\n"
        "time.sleep(60)\n"
    )
    run = next(run for run in suite.runs if run.kind == "classifier")
    parent = (
        # Where these tests run under nohup, it would be let through, and rightly.
        "import signal, sys\nsignal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
        "from pathlib import Path\nfrom workflow import carry_out\n"
        "from workflow.stages import Stage\n"
        f"made = Path(r'{tmp_path}') / 'never'\n"
        f"step = Stage('train', (sys.executable, '-c', {child!r}), made)\n"
        "carry_out.stages = lambda *_: [step]\n"
        f"sys.exit(carry_out.main(['--suite', r'{TINY}', '--run', '{run.id}', '--runs', "
        f"r'{tmp_path}', '--attempt', '1', '--attempts', '3']))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT)
    deadline = time.monotonic() + 30
    while not (tmp_path / "ready").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, number)
    assert process.wait(timeout=30) == RESUME_ME
    assert (tmp_path / "saved").read_text() == passed
    assert outcome.read(tmp_path, run.id) is None
