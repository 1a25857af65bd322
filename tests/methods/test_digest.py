"""Which edits of a dropped-in method make its runs others."""

from __future__ import annotations

from pathlib import Path

import pytest

import methods
from methods.settings import sources
from methods.settings.base import MethodSpec
from methods.settings.digest import digest
from workflow.spec import DataSpec, RunSpec

TEXT = '''\
"""Own."""
from methods.helper import factor
from methods.parts.align import align_levels
from methods.settings.base import FeatureSettings


class OwnSettings(FeatureSettings):
    method = "own"
    title = "Own"


def build(settings, context):
    """Its loss."""
    return factor(2)
'''
HELPER = "def factor(times):\n    return 3 * times\n"


@pytest.fixture
def number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path)])

    def numbered(text: str = TEXT, helper: str = HELPER) -> str:
        (tmp_path / "own.py").write_text(text)
        (tmp_path / "helper.py").write_text(helper)
        sources.tree_of.cache_clear()
        return digest("methods.own", {"methods.parts", "methods.settings"})

    yield numbered
    sources.tree_of.cache_clear()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("factor(2)", "factor(2.0)"),
        ('method = "own"', 'method = "own"\n    epsilon: float = 1e-6'),
        ("return factor", "context = None\n    return factor"),
    ],
)
def test_what_the_code_does_counts(number, old: str, new: str) -> None:
    assert number(TEXT.replace(old, new)) != number()


def test_so_does_what_it_imports_from_its_neighbours(number) -> None:
    assert number(helper=HELPER.replace("3", "4")) != number()
    again = TEXT.replace("from methods.helper import factor", "from .helper import factor")
    other = number(again, HELPER.replace("3", "4"))
    assert other != number(again)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return factor(2)", "return factor(2)  # twice"),
        ("factor(2)", "factor( 2 )"),
        ('"""Its loss."""', '"""Another sentence."""'),
        ('    """Its loss."""\n', ""),
        ('title = "Own"', 'title = "Ours"\n    variants = {}'),
    ],
)
def test_words_and_rows_do_not(number, old: str, new: str) -> None:
    assert number(TEXT.replace(old, new)) == number()


def test_a_run_has_the_number_and_a_shipped_method_s_has_none() -> None:
    def run(code: str) -> RunSpec:
        spec = MethodSpec(method="own", settings={}, code=code)
        return RunSpec(
            kind="student",
            group="pair",
            row="own",
            seed=0,
            data=DataSpec(name="digits"),
            model={},
            family="one-stage",
            methods=(spec,),
        )

    assert run("a").id != run("b").id
    assert run("").id != run("a").id
