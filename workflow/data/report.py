"""What a check of a data set found: all problems counted, the first of each kind with ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

SHOWN = 20  # of each kind
KINDS = {
    "unreadable": "the file is no COCO-format JSON",
    "section": "`images`, `annotations` or `categories` is missing or no list",
    "entry": "entries that are no JSON object",
    "id": "ids that are missing or no whole number",
    "duplicate-id": "ids used more than once",
    "category-name": "category names that are missing, empty or used twice",
    "classes": "categories that are not the expected classes",
    "empty-class": "categories with no annotation",
    "file-name": "file names that are missing, used twice or lead out of the image folder",
    "image-size": "image widths or heights that are no positive whole number",
    "missing-file": "image files that are not there",
    "wrong-size": "image files whose size is not the one stated",
    "unreadable-image": "image files that cannot be decoded",
    "unknown-image": "annotations of an unknown image",
    "unknown-category": "annotations of an unknown category",
    "box-not-numbers": "boxes that are not four finite numbers",
    "box-negative": "boxes of negative width or height",
    "box-zero-area": "boxes of zero area",
    "box-outside": "boxes that reach outside their image",
    "area": "areas that are missing or no positive number",
    "crowd": "crowd flags that are not 0 or 1",
    "count": "numbers that are not the expected ones",
    "id-zero": "annotations with id 0, which pycocotools takes for 'no match'; number from 1",
}


@dataclass
class Problem:
    kind: str
    count: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)  # {"id": ..., "found": ...}


@dataclass
class Report:
    """Errors forbid training; the kinds named in `tolerated` are told, and no more."""

    annotations: str
    tolerated: frozenset[str] = frozenset({"id-zero"})
    counts: dict[str, int] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)

    def add(self, kind: str, where: Any, found: str = "") -> None:
        self.add_all(kind, [where], lambda _: found)

    def add_all(self, kind: str, where: Iterable[Any], found: Callable[[int], str]) -> None:
        """`found(i)` describes the i-th of `where`, and is asked only for those that are shown."""
        assert kind in KINDS, kind
        for number, identity in enumerate(where):
            problem = self.problems.setdefault(kind, Problem(kind))
            problem.count += 1
            if len(problem.first) < SHOWN:
                identity = identity.item() if hasattr(identity, "item") else identity
                problem.first.append({"id": identity, "found": found(number)})

    @property
    def errors(self) -> list[Problem]:
        return [p for p in self.problems.values() if p.kind not in self.tolerated]

    @property
    def ok(self) -> bool:
        return not self.errors

    def lines(self) -> list[str]:
        """For a person: one line of counts, then one for each kind of problem."""
        counts = ", ".join(f"{value:,} {key}" for key, value in self.counts.items())
        verdict = "valid" if self.ok else "NOT valid"
        lines = [f"{self.annotations}: {verdict}" + (f" ({counts})" if counts else "")]
        for problem in self.problems.values():
            word = "note" if problem.kind in self.tolerated else "error"
            shown = "; ".join(_one(entry) for entry in problem.first)
            rest = problem.count - len(problem.first)
            more = f"; and {rest:,} more" if rest else ""
            what = f"{KINDS[problem.kind]} [{problem.kind}], {problem.count:,}"
            lines.append(f"  {word}: {what}: {shown}{more}")
        return lines

    def to_json(self) -> dict[str, Any]:
        return {
            "annotations": self.annotations,
            "valid": self.ok,
            "counts": self.counts,
            "problems": [
                {
                    "kind": problem.kind,
                    "meaning": KINDS[problem.kind],
                    "severity": "note" if problem.kind in self.tolerated else "error",
                    "count": problem.count,
                    "first": problem.first,
                }
                for problem in self.problems.values()
            ],
        }


def _one(entry: dict[str, Any]) -> str:
    return f"{entry['id']} ({entry['found']})" if entry["found"] else str(entry["id"])
