"""How programs end: 0 done, 1 failed while running, 2 the user's mistake, 75 'resume me'."""

from __future__ import annotations

import functools
import sys

from methods.settings.mistakes import BrokenMethods
from workflow.command import MISTAKE, Program, UserError

__all__ = ["DONE", "FAILURE", "UserError", "speaking"]

DONE = 0
FAILURE = 1


def speaking(main: Program) -> Program:
    """Prints a user's mistake as one line a problem, and turns it into exit code 2."""

    @functools.wraps(main)
    def program(arguments: list[str] | None = None) -> int:
        try:
            return main(arguments)
        except (UserError, BrokenMethods) as error:
            print(f"error: {error}", file=sys.stderr)
            return MISTAKE

    return program
