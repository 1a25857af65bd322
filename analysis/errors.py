"""A user's mistake, told in one message, and how the programs of this room end on it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable

USER_MISTAKE = 2
"""Exit code of every program here when what it was given is wrong."""
NOBODY_READS = 141
"""Whoever read what was printed has seen enough, as `head` does: a shell's number for SIGPIPE."""


class AnalysisError(Exception):
    """What was found, where, and what is allowed: ready to be printed as it is."""


def run_program(program: Callable[[], None]) -> int:
    """Runs a command line; a user's mistake becomes one line on stderr, never a traceback."""
    _spell_what_the_terminal_lacks()
    try:
        program()
        # What lies in the buffer still belongs to what is caught here.
        sys.stdout.flush()
    except AnalysisError as error:
        print(f"error: {error}", file=sys.stderr)
        return USER_MISTAKE
    except BrokenPipeError:
        # Python flushes once more at its end, and must not trip over the same pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS
    return 0


def _spell_what_the_terminal_lacks() -> None:
    """A locale without arrows and Greek, such as German in Latin-1, is no reason to say nothing."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


def some(values: object, limit: int = 5) -> str:
    """The first few of many offenders, with how many more there are."""
    items = list(values)  # type: ignore[call-overload]
    shown = ", ".join(str(item) for item in items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"
