"""The last word on a target: fails, with a list, if any of its runs was given up.

    python -m workflow.verdict --suite demo --scope tables

Runs that were given up are forgotten here, so that the next call tries them again, and with them
whatever they learn from; what was trained so far stays. Imports no torch.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TextIO

from workflow import outcome
from workflow.command import speaking
from workflow.outcome import Outcome
from workflow.scopes import scopes, with_needs
from workflow.suite import load


@speaking
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--suite", required=True)
    parser.add_argument("--scope", required=True)
    parser.add_argument("--runs", type=Path, default=Path("results/runs"))
    parser.add_argument("--partial", action="store_true", help="runs still to come are no failure")
    options = parser.parse_args(arguments)
    suite = load(options.suite)
    wanted = scopes(suite)[options.scope]
    found = {id: outcome.read(options.runs, id) for id in wanted}
    missing = [id for id, ended in found.items() if ended is None]
    failed = _failed(found)
    # A teacher stands in no table. If its failure stayed, every later call would take it as made
    # and give its students up at once.
    needed = [id for id in with_needs(suite, wanted) if id not in found]
    failed_needs = _failed({id: outcome.read(options.runs, id) for id in needed})
    for id in (*failed, *failed_needs):
        outcome.path_of(options.runs, id).unlink(missing_ok=True)
    if not failed and not missing:
        print(f"{options.scope}: all {len(wanted)} runs complete")
    elif options.partial and not failed:
        print(
            f"{options.scope}: {len(wanted) - len(missing)} of {len(wanted)} runs complete; the"
            f" {len(missing)} that were not carried out are left out, as partial=true asks"
        )
    else:
        print(
            f"{len(failed) + len(missing)} of {len(wanted)} runs have no result:", file=sys.stderr
        )
        _list(failed)
        for id in missing:
            print(f"  {id}: not carried out", file=sys.stderr)
        if failed_needs:
            print("what they learn from has none either:", file=sys.stderr)
            _list(failed_needs)
        print("what could be made was made; the next call tries these runs again", file=sys.stderr)
        return 1
    if failed_needs:
        print("failed, and tried again when a run needs it:")
        _list(failed_needs, sys.stdout)
    return 0


def _failed(found: dict[str, Outcome | None]) -> dict[str, Outcome]:
    return {id: ended for id, ended in found.items() if ended and not ended.complete}


def _list(failed: dict[str, Outcome], stream: TextIO | None = None) -> None:
    for id, ended in failed.items():
        print(f"  {id}: {ended.stage}: {ended.reason}", file=stream or sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
