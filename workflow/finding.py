"""One line of what the doctor reports."""

from __future__ import annotations

from dataclasses import dataclass

GIGABYTE = 10**9

OK, ABSENT, WRONG = "ok", "--", "!!"


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    subject: str
    text: str
    state: str = OK
    mend: str = ""

    def __str__(self) -> str:
        line = f"{self.state}  {self.subject:<12}  {self.text}"
        return f"{line}\n    {'':<12}  -> {self.mend}" if self.mend else line
