"""A part of a page that a program writes, between two marks."""

from __future__ import annotations

from analysis.errors import AnalysisError

BEGIN, END = "<!-- {} -->", "<!-- end of figures -->"


def replaced(page: str, mark: str, content: str) -> str:
    """The page with `content` where `mark` opens."""
    begin = BEGIN.format(mark)
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(END)
    if not (found and closed):
        raise AnalysisError(f"the page has no {begin!r} with {END!r} behind it")
    return f"{before}{begin}\n{content}\n{closed}{after}"
