"""Every method has a page that names all its rows, and the index links to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from methods.settings.catalogue import catalogue

DOCS = Path(__file__).parents[2] / "docs"
SHIPPED = [key for key, kind in catalogue().items() if kind.__module__.startswith("methods.set")]
INDEX = (DOCS / "methods.md").read_text(encoding="utf-8")


def page_of(key: str) -> Path:
    """Named after the file of the mathematics: one page for methods that share it."""
    name = catalogue()[key].module.rpartition(".")[2].replace("_", "-")
    return DOCS / "methods" / f"{name}.md"


def written_out(page: str) -> str:
    """`a-{x,y}` and `a-x` `-y` as `a-x` `a-y`."""

    def braces(match: re.Match[str]) -> str:
        return " ".join(f"`{match[1]}{each.strip()}`" for each in match[2].split(","))

    page = re.sub(r"`([\w.+-]*)\{([^}`]*)\}`", braces, page)
    words, base = [], ""
    for name in re.findall(r"`([^`\n]+)`", page):
        if name.startswith("-"):
            words.append(base.rpartition("-")[0] + name)
        else:
            base = name
            words.append(name)
    return " ".join(words) + " "


@pytest.mark.parametrize("key", SHIPPED)
def test_page_names_every_row(key: str) -> None:
    page = page_of(key)
    assert f"(methods/{page.name})" in INDEX
    names = set(written_out(page.read_text(encoding="utf-8")).split())
    missing = [row for row in (key, *catalogue()[key].named_variants()) if row not in names]
    assert not missing, f"{page.name} does not name {missing}"
