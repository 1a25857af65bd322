"""How much a user's set has to train on is counted once, however many programs ask."""

from __future__ import annotations

import hashlib
import json
import pwd
import tempfile
from pathlib import Path

import pytest

from workflow.data import counts
from workflow.spec import DataSpec

ENTRIES = {"annotations": [{"image_id": image} for image in (1, 1, 2, 7)]}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Asks as a new process would."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    train = tmp_path / "train.json"
    train.write_text(json.dumps(ENTRIES), encoding="utf-8")
    digest = hashlib.sha256(train.read_bytes()).hexdigest()
    spec = DataSpec(
        name="pets",
        options={"train": digest},
        locations={"train": {"annotations": str(train)}, "tune": {}},
    )

    def ask() -> counts.TrainingCounts | None:
        counts._counted.cache_clear()
        return counts.training_counts(spec)

    yield ask
    counts._counted.cache_clear()


def test_the_file_is_read_once(asked, tmp_path: Path) -> None:
    assert asked() == counts.TrainingCounts(images=3, boxes=4)
    (tmp_path / "train.json").unlink()
    assert asked() == counts.TrainingCounts(images=3, boxes=4)


@pytest.mark.parametrize("broken", ["", "{", '{"images": 3}', "[]"])
def test_what_was_kept_badly_is_counted_again(asked, tmp_path: Path, broken: str) -> None:
    asked()
    (kept,) = (tmp_path / "cache").rglob("*.json")
    kept.write_text(broken, encoding="utf-8")
    assert asked() == counts.TrainingCounts(images=3, boxes=4)
    assert json.loads(kept.read_text(encoding="utf-8")) == {"images": 3, "boxes": 4}


def test_without_a_place_to_keep_it_it_is_counted_all_the_same(asked, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    assert asked() == counts.TrainingCounts(images=3, boxes=4)


def test_somebody_without_a_home_counts_too(asked, tmp_path: Path, monkeypatch) -> None:
    def unknown(user: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {user}")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert asked() == counts.TrainingCounts(images=3, boxes=4)
    assert list(tmp_path.rglob("counts/*.json"))
