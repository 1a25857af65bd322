"""How the programs of the analysis end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.errors import NOBODY_READS, USER_MISTAKE, AnalysisError, run_program, some

ROOT = Path(__file__).parents[2]


def test_a_mistake_is_one_line_and_no_traceback(capsys):
    def program():
        raise AnalysisError("runs.csv: no column 'ap'")

    assert run_program(program) == USER_MISTAKE
    assert capsys.readouterr().err == "error: runs.csv: no column 'ap'\n"


def test_a_sign_that_the_locale_lacks_stops_nothing():
    code = "from analysis.errors import run_program\nrun_program(lambda: print('a → b'))"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )
    assert (ended.stdout, ended.stderr) == ("a ? b\n", "")


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_has_seen_enough_is_no_error(lines):
    """Whether what is printed fills the pipe, or waits in Python's buffer until the end."""
    code = (
        "from analysis.errors import run_program\n"
        f"raise SystemExit(run_program(lambda: print('a line\\n' * {lines})))"
    )
    ended = subprocess.run(
        ["bash", "-c", '"$0" -c "$1" | true; exit ${PIPESTATUS[0]}', sys.executable, code],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == NOBODY_READS
    assert ended.stderr == ""


def test_many_offenders_are_counted():
    assert some(range(7)) == "0, 1, 2, 3, 4 and 2 more"
    assert some(range(5)) == "0, 1, 2, 3, 4"
