"""Checks a suite and lists its runs; without a name, lists the suites.

python -m workflow.suite demo
"""

from __future__ import annotations

import argparse
import sys

from workflow.command import speaking
from workflow.suite import load, names


@speaking
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("suite", nargs="?", help="a shipped suite, or the path of your own")
    options = parser.parse_args(arguments)
    if options.suite is None:
        print("\n".join(names()))
        return 0
    suite = load(options.suite)
    print("\n".join(suite.by_id))
    kinds = [run.kind for run in suite.runs]
    counts = ", ".join(f"{kinds.count(kind)} {kind}s" for kind in sorted(set(kinds), reverse=True))
    print(f"{suite.name}: {counts}; tables: {', '.join(suite.tables) or 'none'}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
