"""What goes wrong with data and is the user's to mend: told in one message, exit code 2."""

from collections.abc import Sequence

from workflow.wording import Location, spell


class DataError(Exception):
    """A message for a person: which file, key or id, what was found, what is allowed."""


class OptionsError(DataError):
    """What a suite says of its data is wrong; `problems` are the places below `data` and words."""

    def __init__(self, name: str, problems: Sequence[tuple[Location, str]]) -> None:
        self.problems = tuple(problems)
        told = "; ".join(f"{spell(at)}: {message}" for at, message in self.problems)
        super().__init__(f"data set {name!r}: {told}")
