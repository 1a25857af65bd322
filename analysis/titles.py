"""What people call a row: its name in words, made from the titles of the methods in it.

`icd+fkd` reads `Classifier-to-detector + FKD`, `mgd-x0.2` reads `MGD, weight ×0.2`, and a row of a
grid, `mgd-tau=0.5`, reads `MGD, tau 0.5`. A name that is made otherwise stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

CONTROLS = {
    "baseline": "Baseline",
    "baseline-inherit": "Inheriting alone",
    "baseline-clip35": "Baseline, clipped at 35",
    "baseline-inherit-clip35": "Inheriting alone, clipped at 35",
}
GRID = re.compile(r"-(?=[A-Za-z_]\w*=)")
"""Before every `field=value` that a grid adds to a row's name."""
FACTOR = re.compile(r"(.*)-x(\d+(?:\.\d+)?(?:e-?\d+)?)")
WITHOUT = re.compile(r"\bno(mask|gate|adapter|psi)\b")


def title_of(row: str, methods: Sequence[str], titles: Mapping[str, str]) -> str:
    """`methods`: the keys of the row's methods, in the order of its name."""
    if row in CONTROLS:
        return CONTROLS[row]
    if not methods:
        return row[:1].upper() + row[1:]
    base, *settings = GRID.split(row)
    parts = _parts(base, methods)
    if parts is None:
        return row
    told = [_part(part, key, titles) for part, key in zip(parts, methods, strict=True)]
    return ", ".join([" + ".join(told), *(_setting(text, titles) for text in settings)])


def _parts(base: str, methods: Sequence[str]) -> list[str] | None:
    """One piece of the name for each method; a variant may have a `+` of its own."""
    parts: list[str] = []
    for piece in base.split("+"):
        following = methods[len(parts)] if len(parts) < len(methods) else None
        if following is not None and (piece == following or piece.startswith(f"{following}-")):
            parts.append(piece)
        elif parts:
            parts[-1] += f"+{piece}"
        else:
            return None
    return parts if len(parts) == len(methods) else None


def _part(part: str, key: str, titles: Mapping[str, str]) -> str:
    factor = FACTOR.fullmatch(part)
    name = factor[1] if factor else part
    variant = name.removeprefix(key).removeprefix("-")
    words = WITHOUT.sub(r"no \1", variant.replace("-", " "))
    words = words.replace("noinherit", "not inheriting")
    told = [titles.get(key, key), *([words] if words else [])]
    return ", ".join([*told, *([_setting(f"weight={factor[2]}", titles)] if factor else [])])


def _setting(text: str, titles: Mapping[str, str]) -> str:
    """`tau 0.5` from `tau=0.5`; a joined row's settings name their method first."""
    field, value = text.split("=", 1)
    if field == "weight":
        return f"weight ×{value}"  # a factor on all losses of the method
    if field in titles and "=" in value:
        return f"{titles[field]}: {_setting(value, titles)}"
    return f"{field.replace('_', ' ')} {value}"
