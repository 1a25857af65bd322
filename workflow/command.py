"""How the torch-free programs end: a suite's problems as plain lines and exit code 2."""

from __future__ import annotations

import functools
import sys
from typing import Protocol

from workflow.suite import SuiteError

MISTAKE = 2
"""The user's to mend."""
RESUME_ME = 75
"""Saved, call again: what the programs answer to SIGTERM and to Slurm's warning."""


class Program(Protocol):
    def __call__(self, arguments: list[str] | None = None) -> int:
        """Runs with these arguments, or with the command line's."""
        ...


def speaking(main: Program) -> Program:
    @functools.wraps(main)
    def program(arguments: list[str] | None = None) -> int:
        try:
            return main(arguments)
        except SuiteError as error:
            print(error, file=sys.stderr)
            return MISTAKE

    return program
