"""What a reader must know before trusting a number: lost runs, mixed machines, odd predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.files import read_json
from analysis.findings.pairs import PairAnswer
from analysis.findings.sentences import ONE_SEED, counted
from analysis.records import Records
from analysis.report.pictures import Picture
from analysis.report.provenance import Provenance
from analysis.split import REPORTED, images_of, metrics_of
from analysis.tables.model import RunLink, compact_runs

WORDS = {
    "missing": "not run yet",
    "running": "still running, or interrupted",
    "failed": "failed",
    "incomplete": "incomplete",
    "stale": "stale: made from another configuration than the suite's",
    "duplicate": "duplicate: two folders claim one run",
    "mismatched": "scored on other annotations than the rest",
}
SHORT = 600
"""Letters up to which details are shown without being asked for."""
UNCOMMITTED = "+"
"""In a code revision: what follows the commit says that files were changed since."""


@dataclass(frozen=True)
class Caution:
    title: str
    details: tuple[str, ...] = ()

    @property
    def short(self) -> bool:
        """Whether the details are worth more than the room they take on the page."""
        return sum(map(len, self.details)) <= SHORT


def cautions(
    records: Records,
    pairs: Sequence[PairAnswer],
    provenance: Provenance,
    pictures: Sequence[Picture],
    image_problems: Sequence[str],
) -> list[Caution]:
    found = [
        *_not_the_reported_split(records),
        *_one_seed(pairs),
        *_lost_runs(records),
        *_other_folders(records),
    ]
    found += [*_mixed(provenance), *_odd_predictions(records)]
    undrawn = tuple(f"{p.title}: {p.note}" for p in pictures if not p.source)
    if undrawn:
        found.append(Caution(f"{counted(len(undrawn), 'figure')} not drawn", undrawn))
    if image_problems:
        found.append(
            Caution(
                f"Uncertainty over {images_of(records.plan.split)} is not known everywhere",
                tuple(image_problems),
            )
        )
    return found


def _not_the_reported_split(records: Records) -> list[Caution]:
    split = records.plan.split
    if split == REPORTED:
        return []
    title = f"All figures are of the {split} split: for choosing, not for reporting"
    return [Caution(title, (f"What is chosen here is to be judged on the {REPORTED} split.",))]


def _one_seed(pairs: Sequence[PairAnswer]) -> list[Caution]:
    compared = [pair for pair in pairs if pair.gains]
    if compared and max(pair.seeds for pair in compared) == 1:
        return [Caution(ONE_SEED)]
    return []


def _lost_runs(records: Records) -> list[Caution]:
    """Planned runs that no number here rests on, by what became of them."""
    planned = records.folders[records.folders["id"].isin(set(records.plan.by_id))]
    found = []
    for status, word in WORDS.items():
        own = planned[planned["status"] == status].drop_duplicates("id")
        if len(own):
            by_reason = own.groupby("reason", sort=False)["id"].apply(list)
            details = tuple(
                ": ".join(filter(None, (str(reason), compact_runs(_links(ids)))))
                for reason, ids in by_reason.items()
            )
            found.append(Caution(f"{counted(len(own), 'run')} {word}", details))
    return found


def _links(ids: Sequence[str]) -> tuple[RunLink, ...]:
    return tuple(RunLink(id, Path(id)) for id in ids)


def _other_folders(records: Records) -> list[Caution]:
    """Left-overs beside the planned runs; other suites' runs are nobody's worry."""
    others = records.folders[~records.folders["id"].isin(set(records.plan.by_id))]
    others = others[others["status"] != "foreign"]
    if not len(others):
        return []
    details = tuple(f"{line.folder}: {line.reason}" for line in others.itertuples())
    title = counted(len(others), "run folder that is", "run folders that are")
    return [Caution(f"{title} not read: copies, or rows of another configuration", details)]


def _mixed(provenance: Provenance) -> list[Caution]:
    """Figures from different software or machines are still shown, but the reader is told."""
    found = []
    versions = tuple(
        f"{name}: {', '.join(numbers)}"
        for name, numbers in provenance.versions.items()
        if len(numbers) > 1
    )
    if versions:
        found.append(Caution("The runs were made with different versions of software", versions))
    if len(provenance.machines) > 1:
        title = "The runs were made on different kinds of machines"
        found.append(Caution(title, provenance.machines))
    if provenance.copies:
        title = "Not all runs learned from the same training of their teacher or backbone"
        found.append(Caution(title, provenance.copies))
    changed = sum(UNCOMMITTED in revision for revision in provenance.revisions)
    if len(provenance.revisions) > 1 or changed:
        several = len(provenance.revisions) > 1
        title = "The runs were made by " + ("different revisions of this" if several else "this")
        title += " code" + (", with uncommitted changes" if changed else "")
        found.append(Caution(title, provenance.revisions))
    return found


def _metrics(records: Records, id: str) -> Path:
    return metrics_of(records.runs_dir / id, records.plan.split_of(records.plan.by_id[id]))


def _odd_predictions(records: Records) -> list[Caution]:
    """What the evaluation had to say about single runs."""
    told: dict[str, list[str]] = {}
    for id in map(str, records.frame.index):
        try:
            texts = read_json(_metrics(records, id)).get("warnings") or []
        except AnalysisError as error:
            texts = [str(error)]
        for text in texts:
            told.setdefault(str(text), []).append(id)
    details = tuple(f"{text}: {compact_runs(_links(ids))}" for text, ids in told.items())
    return [Caution("The evaluation found something odd", details)] if details else []
