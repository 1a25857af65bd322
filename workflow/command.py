"""How the torch-free programs end: a user's mistakes as plain lines and exit code 2."""

from __future__ import annotations

import functools
import io
import os
import sys
from typing import Protocol

from workflow.suite import SuiteError

MISTAKE = 2
"""The user's to mend."""
RESUME_ME = 75
"""Saved, call again: what the programs answer to SIGTERM and to Slurm's warning."""
NOBODY_READS = 141
"""Whoever read what was printed has seen enough, as `head` does: a shell's number for SIGPIPE."""


class UserError(Exception):
    """Something that the user can put right: a message without traceback."""


class Program(Protocol):
    def __call__(self, arguments: list[str] | None = None) -> int:
        """Runs with these arguments, or with the command line's."""
        ...


def _spell_what_the_terminal_lacks() -> None:
    """A locale without arrows and Greek, such as German in Latin-1, is no reason to say nothing."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


def speaking(main: Program) -> Program:
    @functools.wraps(main)
    def program(arguments: list[str] | None = None) -> int:
        _spell_what_the_terminal_lacks()
        try:
            code = main(arguments)
            # What lies in the buffer still belongs to what is caught here.
            sys.stdout.flush()
            return code
        except SuiteError as error:
            print(error, file=sys.stderr)
            return MISTAKE
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            return MISTAKE
        except BrokenPipeError:
            # Python flushes once more at its end, and must not trip over the same pipe.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return NOBODY_READS

    return program
