"""Which factor a search over factors comes to, by the rule of docs/protocol.md.

    python -m analysis.factors --results results/reference/mini_tuning{,_further,_pairs}

Reads the `records.csv` of suites whose rows have a grid over one field (`mgd-weight=0.2`), and
prints what every factor ended at, and what the loss then weighed beside the detector's own;
`--into` writes that into a page, `--figure` draws it. Of the
factors within a margin of the best the one nearest to the search's start is taken: 1, or on a
further pair what the first took. Where the best lies at an end and beats its neighbour by more than
the margin, the search has to go on there. A factor that several folders have counts as the last of
them has it. Ends with 1 while a search has to go on.
"""

from __future__ import annotations

import argparse
import csv
import math
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from analysis import marked
from analysis.balance import COLUMN as RATIO
from analysis.errors import AnalysisError, run_program
from analysis.figures.factors import draw
from analysis.figures.style import applied, save
from analysis.files import write_text
from analysis.metrics import HEADLINE
from analysis.records import RECORDS_FILE
from analysis.tables.factors import page, shortcuts
from analysis.titles import CONTROLS

MARGIN = 0.5
"""AP that one training of each cannot tell apart."""
STEP = 5.0
MARK = "factors that were tried"


@dataclass(frozen=True)
class Search:
    """One method on one pair."""

    group: str
    row: str
    tried: Mapping[float, float]
    """Factor -> AP, in the factors' order."""
    start: float = 1.0
    ratios: Mapping[float, float] = field(default_factory=dict)
    """Factor -> what the loss weighed at the end, beside the detector's own; where it is known."""

    @property
    def taken(self) -> float:
        best = max(self.tried.values())
        near = [factor for factor, found in self.tried.items() if best - found <= MARGIN]
        far = {factor: round(abs(math.log(factor / self.start)), 6) for factor in near}
        return min(near, key=lambda factor: (far[factor], -self.tried[factor]))

    def lost(self, factor: float) -> float:
        """AP below the best, where this had been taken instead."""
        return max(self.tried.values()) - self.tried[factor]

    @property
    def goes_on(self) -> float | None:
        """The factor to try next."""
        factors = list(self.tried)
        if len(factors) == 1:
            return factors[0] * STEP
        for end, neighbour, step in (
            (factors[0], factors[1], 1 / STEP),
            (factors[-1], factors[-2], STEP),
        ):
            highest = self.tried[end] == max(self.tried.values())
            if highest and self.tried[end] - self.tried[neighbour] > MARGIN:
                return end * step
        return None


@dataclass(frozen=True)
class Ended:
    """Means over the seeds of a row."""

    ap: float
    ratio: float | None


def searches(folders: Iterable[Path], over: str = "weight") -> list[Search]:
    found: dict[tuple[str, str], dict[float, Ended]] = defaultdict(dict)
    for (group, row), ended in read(folders).items():
        spelt = re.fullmatch(rf"(.+)-{re.escape(over)}=([0-9.e+-]*[0-9])(-\D.*=.*)?", row)
        if spelt:
            # What a grid tries besides makes another search of every value.
            found[group, spelt[1] + (spelt[3] or "")][float(spelt[2])] = ended
    if not found:
        raise AnalysisError(f"no row of these folders has a grid over {over!r}")
    made: list[Search] = []
    for (group, row), tried in found.items():
        ends = sorted(tried.items())
        known = (search.taken for search in made if search.row == row)
        made.append(
            Search(
                group,
                row,
                tried={factor: ended.ap for factor, ended in ends},
                start=next(known, 1.0),
                ratios={factor: end.ratio for factor, end in ends if end.ratio is not None},
            )
        )
    return made


def read(folders: Iterable[Path]) -> dict[tuple[str, str], Ended]:
    """By pair and row, as the last folder that has it tells it."""
    found: dict[tuple[str, str], Ended] = {}
    for folder in folders:
        found |= _students(folder / RECORDS_FILE)
    return found


def _students(records: Path) -> dict[tuple[str, str], Ended]:
    seeds: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    try:
        with records.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
    except OSError as error:
        raise AnalysisError(f"{records} cannot be read: {error.strerror}") from None
    for line in lines:
        if line["kind"] == "student" and line[HEADLINE]:
            seeds[line["group"], line["row"]].append(line)
    return {of: _ended(own) for of, own in seeds.items()}


def _ended(lines: Sequence[Mapping[str, str]]) -> Ended:
    # Results that were kept before ratios were have no such column.
    ratios = [float(line[RATIO]) for line in lines if line.get(RATIO)]
    return Ended(
        ap=fmean(float(line[HEADLINE]) for line in lines),
        ratio=fmean(ratios) if len(ratios) == len(lines) else None,
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="analysis.factors", description="the factors to take")
    parser.add_argument("--results", type=Path, nargs="+", required=True, help="folders of suites")
    parser.add_argument("--field", default="weight", help="what the rows' grid is over")
    parser.add_argument("--into", type=Path, help="a page in Markdown, instead of the screen")
    parser.add_argument("--figure", type=Path, help="a picture: both its .png and its .pdf")
    given = parser.parse_args(arguments)
    unfinished: list[str] = []

    def program() -> None:
        found = searches(given.results, given.field)
        told = "\n\n".join(filter(None, (page(found), shortcuts(found))))
        if given.into is None:
            print(told)
        else:
            text = given.into.read_text(encoding="utf-8")
            write_text(given.into, marked.replaced(text, MARK, told))
        if given.figure is not None:
            ends = read(given.results).items()
            controls = {of: ended.ap for of, ended in ends if of[1] in CONTROLS}
            with applied():
                figure = draw(found, controls, given.field)
                where: Path = given.figure
                stem = where.stem if where.suffix in (".png", ".pdf") else where.name
                save(figure, where.parent, stem)
        unfinished.extend(
            f"{search.group}: {search.row} goes on with {search.goes_on:g}"
            for search in found
            if search.goes_on is not None
        )

    code = run_program(program)
    for sentence in unfinished:
        print(sentence, file=sys.stderr)
    return code or int(bool(unfinished))


if __name__ == "__main__":
    sys.exit(main())
