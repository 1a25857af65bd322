"""A user's mistake, told in one message, and how the programs of this room end on it."""

from __future__ import annotations

import sys
from collections.abc import Callable

USER_MISTAKE = 2
"""Exit code of every program here when what it was given is wrong."""


class AnalysisError(Exception):
    """What was found, where, and what is allowed: ready to be printed as it is."""


def run_program(program: Callable[[], None]) -> int:
    """Runs a command line; a user's mistake becomes one line on stderr, never a traceback."""
    try:
        program()
    except AnalysisError as error:
        print(f"error: {error}", file=sys.stderr)
        return USER_MISTAKE
    return 0


def some(values: object, limit: int = 5) -> str:
    """The first few of many offenders, with how many more there are."""
    items = list(values)  # type: ignore[call-overload]
    shown = ", ".join(str(item) for item in items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"
