"""A pair of one's own: what is wrong with it is told where a suite names it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.suite.own import MINIMAL
from workflow.models import catalogue
from workflow.suite import SuiteError, load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "pairs.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)[0]
Told = Callable[[str, str], str]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """What a suite with the guide's pair says, once something in its file was changed."""
    folder = tmp_path / "definitions"
    shutil.copytree(catalogue.DEFINITIONS, folder)
    monkeypatch.setattr(catalogue, "DEFINITIONS", folder)

    def changed(old: str, new: str) -> str:
        assert old in EXAMPLE
        (folder / "mini-own.yaml").write_text(EXAMPLE.replace(old, new), encoding="utf-8")
        catalogue._entries.cache_clear()
        suite = tmp_path / "own.yaml"
        suite.write_text(MINIMAL.replace("mini-retinanet-r34-r18", "my-wide-narrow"))
        try:
            load(suite)
        except SuiteError as error:
            (problem,) = error.problems
            return str(problem).removeprefix(f"{suite}:")
        return ""

    yield changed
    catalogue._entries.cache_clear()


def test_the_guide_s_pair_is_one(told: Told) -> None:
    assert told("family", "family") == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "student: my-narrow",
            "student: my-narow",
            "student: unknown detector 'my-narow'; did you mean 'my-narrow'",
        ),
        (
            "teacher: mini-ret",
            "teacher: mini-rat",
            "teacher: unknown detector 'mini-ratinanet-r34'",
        ),
        (
            "teacher: mini-retinanet-r34",
            "teacher: mini-crops-r18",
            "teacher: 'mini-crops-r18' is a",
        ),
        (
            "classifier: mini-crops-r18",
            "classifier: my-narrow",
            "classifier: 'my-narrow' is of the",
        ),
        (
            "inheritable: true\n    schedule: mini-student",
            "schedule: mini-pupil",
            "schedule: unknown schedule 'mini-pupil'; did you mean 'mini-",
        ),
        (
            "family: one-stage\n    teacher",
            "family: two-stage\n    teacher",
            "student: 'my-narrow' is of the family 'one-stage', expected 'two-stage'",
        ),
        (
            "family: one-stage\n    teacher",
            "family: onestage\n    teacher",
            "family: input should be",
        ),
        ("inheritable: true", "inheritble: true", "inheritble: unknown key 'inheritble'; did you"),
    ],
)
def test_what_is_wrong_with_it_is_one_line(told: Told, old: str, new: str, said: str) -> None:
    found = told(old, new)
    assert found.startswith("4: pairs[0]: definitions/mini-own.yaml: pairs.my-wide-narrow."), found
    assert said in found


def test_a_file_that_cannot_be_read_is_named(told: Told) -> None:
    found = told("pairs:", "pairs: {{")
    assert found.startswith("1: mini-own.yaml: is not YAML: ")


@pytest.mark.parametrize(
    ("new", "said"),
    [
        # Copied, and the name forgotten: the first of the two would be lost without a word.
        ("pairs:\n  my-wide-narrow: {}\n", "the key 'my-wide-narrow' stands twice (line 11)"),
        ("pairs:\n  - my-wide-narrow\nothers:\n", "mini-own.yaml: pairs: expected keys and values"),
        ("pairs:\n  other: mini\n", "mini-own.yaml: pairs.other: expected keys and values, found"),
    ],
)
def test_what_is_no_definition_is_told(told: Told, new: str, said: str) -> None:
    assert said in told("pairs:\n", new)


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("{base: mini-student, iterations: many}", "iterations: input should be a valid integer"),
        ("{base: mini-student, milestones: [2/x]}", "milestones or warmup_ratio: expected numbers"),
        ("{base: mini-pupil}", "base: unknown schedule 'mini-pupil'; did you mean 'mini-"),
        ("{base: my-own}", "base: 'my-own' has this one as base"),
    ],
)
def test_a_schedule_that_is_wrong_is_told(told: Told, schedule: str, said: str) -> None:
    last = "inheritable: true\n    schedule: "
    found = told(f"{last}mini-student", f"{last}my-own\n\nschedules: {{my-own: {schedule}}}")
    assert f"definitions/mini-own.yaml: schedules.my-own.{said}" in found
