"""What mmdet's model zoo says of its checkpoints. Imports no torch.

Everything is read from the `metafile.yml` files in mmdet's wheel: the address, the eight digits of
the SHA-256 in the file's name, and the box AP on val2017.
"""

from __future__ import annotations

import difflib
import importlib.util
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import yaml

BOX_TASK, BOX_AP = "Object Detection", "box AP"


class ZooError(ValueError):
    """A model that the zoo does not have, or not in the expected form."""


@dataclass(frozen=True)
class ZooModel:
    name: str
    config: str
    """Path below the packaged configurations."""
    url: str
    sha256_prefix: str
    box_ap: float | None
    """Percent, on val2017; None where the metafile has none."""

    @property
    def file_name(self) -> str:
        return unquote(Path(urlparse(self.url).path).name)


@cache
def packaged_configs() -> Path:
    """Where mmdet's wheel keeps its configurations; found without importing mmdet."""
    found = importlib.util.find_spec("mmdet")
    if found is None or found.origin is None:
        raise ZooError("mmdet is not installed: `make env` installs it")
    return Path(found.origin).parent / ".mim" / "configs"


def zoo_model(name: str) -> ZooModel:
    models = _models()
    if name not in models:
        near = difflib.get_close_matches(name, models, n=3)
        hint = f"; the nearest are {', '.join(near)}" if near else ""
        raise ZooError(f"mmdet's zoo has no model `{name}`{hint}")
    entry = models[name]
    url = entry.get("Weights", "")
    digits = re.search(r"-([0-9a-f]{8})\.pth$", url)
    if digits is None:
        raise ZooError(f"zoo model `{name}`: its address carries no hash: {url!r}")
    return ZooModel(
        name=name,
        config=entry["Config"].removeprefix("configs/"),
        url=url,
        sha256_prefix=digits[1],
        box_ap=_box_ap(entry),
    )


def _box_ap(entry: dict[str, Any]) -> float | None:
    for result in entry.get("Results", ()):
        if result.get("Task") == BOX_TASK and BOX_AP in result.get("Metrics", {}):
            return float(result["Metrics"][BOX_AP])
    return None


@cache
def _models() -> dict[str, dict[str, Any]]:
    """Every model of every metafile by name; the few without weights are left out."""
    found: dict[str, dict[str, Any]] = {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # 200 files: six times faster in C
    for path in sorted(packaged_configs().glob("*/metafile.yml")):
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
        models = document if isinstance(document, list) else (document or {}).get("Models", ())
        for entry in models:
            if isinstance(entry, dict) and "Weights" in entry:
                found.setdefault(entry["Name"], entry)
    return found
