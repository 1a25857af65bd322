"""The last word on a target: fails, with a list, if any of its runs was given up.

    python -m workflow.verdict --suite demo --scope tables

Runs that were given up are forgotten here, so that the next call tries them again; what they have
trained so far stays. Imports no torch.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from workflow import outcome
from workflow.command import speaking
from workflow.scopes import scopes
from workflow.suite import load


@speaking
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--suite", required=True)
    parser.add_argument("--scope", required=True)
    parser.add_argument("--runs", type=Path, default=Path("results/runs"))
    parser.add_argument("--partial", action="store_true", help="runs still to come are no failure")
    options = parser.parse_args(arguments)
    wanted = scopes(load(options.suite))[options.scope]
    found = {id: outcome.read(options.runs, id) for id in wanted}
    missing = [id for id, ended in found.items() if ended is None]
    failed = {id: ended for id, ended in found.items() if ended and not ended.complete}
    if not failed and not missing:
        print(f"{options.scope}: all {len(wanted)} runs complete")
        return 0
    if options.partial and not failed:
        print(
            f"{options.scope}: {len(wanted) - len(missing)} of {len(wanted)} runs complete; the"
            f" {len(missing)} that were not carried out are left out, as partial=true asks"
        )
        return 0
    print(f"{len(failed) + len(missing)} of {len(wanted)} runs have no result:", file=sys.stderr)
    for id, ended in failed.items():
        print(f"  {id}: {ended.stage}: {ended.reason}", file=sys.stderr)
        outcome.path_of(options.runs, id).unlink(missing_ok=True)
    for id in missing:
        print(f"  {id}: not carried out", file=sys.stderr)
    print("what could be made was made; the next call tries these runs again", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
