"""Everything that is wrong with a suite, said at once and to a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from workflow.suite.source import Location, Source
from workflow.wording import described, spell, unknown_name, within


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: "
        return where + (f"{self.key}: " if self.key else "") + self.message


class SuiteError(Exception):
    """All problems of a suite. Its text is one problem a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        # Two rows may trip over the same line; a person needs to read it once.
        self.problems = tuple(dict.fromkeys(sorted(problems, key=lambda p: (p.file, p.line))))
        super().__init__("\n".join(map(str, self.problems)))


class Collector:
    """Gathers problems against one source file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self._told: set[Location] = set()

    def add(self, location: Location, message: str) -> None:
        file, line = self.source.place(location)
        self.problems.append(Problem(file, line, spell(location), message))
        self._told.add(location)

    def unknown(self, location: Location, what: str, found: str, allowed: Iterable[str]) -> None:
        self.add(location, unknown_name(what, found, allowed))

    def validation(
        self,
        error: ValidationError,
        model: type[BaseModel],
        at: Location = (),
        told: Collection[Location] = (),
    ) -> None:
        """Turns pydantic's errors into problems; `at` is where the validated part stands, `told`
        what was said before."""
        for relative, message in described(error, model, told):
            self.add((*at, *relative), message)

    def told_in(self, *locations: Location) -> bool:
        """Whether something is wrong in one of these places, so that what they lack or what lacks
        them may only follow from that."""
        return any(within(told, around) for told in self._told for around in locations)

    def stop_if_any(self) -> None:
        if self.problems:
            raise SuiteError(self.problems)
