"""The page's text and parts, without a browser: complete, self-contained, honest about gaps."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analysis.report.__main__ import main

from .drawn import REASON, draw
from .factory import MadeSuite, make_suite

ROWS = {"baseline": 40.0, "mgd": 41.5, "amd": 43.0}


class Page(HTMLParser):
    """Attributes of every element, and the text that people read."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._silent = False
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._silent = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text = " ".join(f"{self.text} {data}".split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def report(suite: MadeSuite) -> str:
    places = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    assert main([*places, "--data", str(suite.root / "data")]) == 0
    return (suite.suite_dir / "report.html").read_text(encoding="utf-8")


def test_needs_no_other_file(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=ROWS)
    folder = draw(suite, {"atlas": (90, 30)})
    content = report(suite)
    page = Page(content)
    (image,) = page.of("img")
    assert image["src"] is not None
    assert base64.b64decode(image["src"].split(",")[1]) == (folder / "atlas.png").read_bytes()
    assert (image["width"], image["height"]) == ("90", "30")
    assert image["alt"] == "Noise in place of the atlas"
    assert "What the atlas shows." in page.text
    sources = [a.get("src") for tag, a in page.elements if tag in ("script", "iframe")]
    assert not any(sources)
    assert not re.search(r"https?://|@import|url\(", content)


def test_the_same_bytes_again(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=ROWS)
    draw(suite, {"atlas": (9, 9)})
    assert report(suite) == report(suite)


def test_the_answer_stands_first(tmp_path: Path) -> None:
    text = Page(report(make_suite(tmp_path, rows=ROWS, noise=0.05))).text
    order = ["better than the baseline: AMD", "The main table", "The whole suite", "Trained"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_without_any_run(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=ROWS)
    suite.runs_dir.rename(tmp_path / "elsewhere")
    text = Page(report(suite)).text
    assert "No run has finished yet" in text
    assert "Nothing to compare yet RetinaNet 1: " in text
    assert "10 runs not run yet" in text
    assert "digits/pair-a/baseline/{seed0-" in text
    assert "nothing has been measured" in text


def test_lost_and_left_over_runs_are_warned_of(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=ROWS)
    suite.edit("pair-a", "amd", 0, status="failed", reason="loss became NaN at iteration 31")
    suite.edit("pair-a", "mgd", 1, hash="0" * 64)
    old = suite.folder("pair-a", "amd", 1)
    copy = old.with_name("seed1-0000000000")
    copy.mkdir()
    claim = json.loads((old / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps(claim))
    text = Page(report(suite)).text
    assert "1 run failed" in text
    assert "loss became NaN at iteration 31: digits/pair-a/amd/seed0" in text
    assert "1 run stale" in text
    assert "1 run folder that is not read" in text
    assert "made by the same" not in text


def test_mixed_origins_are_warned_of(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=ROWS)
    assert "Warnings" not in Page(report(suite)).text
    revision = "a" * 40 + "+changes"
    suite.edit("pair-a", "amd", 0, versions={"torch": "2.0.0"}, code_revision=revision)
    suite.edit("pair-a", "amd", 1, hardware={"processor": "Abacus", "cores": 1, "devices": ["H1"]})
    suite.edit("pair-a", "amd", 2, file="metrics.json", warnings=["3 boxes leave their image"])
    teacher = "digits/a/teacher/seed0-0123456789"
    for seed, weights in enumerate(("a" * 64, "b" * 64, "b" * 64)):
        suite.edit("pair-a", "mgd", seed, learned_from={teacher: weights})
    text = Page(report(suite)).text
    assert "same training of their teacher" in text
    assert f"{teacher}: aaaaaaaaaa (1 run), bbbbbbbbbb (2 runs)" in text
    assert "different versions of software torch: 2.14.1, 2.0.0" in text
    assert "Abacus, 1 core, H1" in text
    assert "by different revisions of this code, with uncommitted changes" in text
    assert "3 boxes leave their image: digits/pair-a/amd/seed2-" in text


def test_figures_that_are_missing_say_why(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=ROWS)
    folder = draw(suite, {"errors": None, "atlas": (9, 9), "curves": (9, 9)})
    (folder / "atlas.png").unlink()
    (folder / "curves.png").write_text("no picture")
    suite.plan["figures"].append({"name": "late", "kind": "effects", "title": "Comes late"})
    suite.save_plan()
    page = Page(report(suite))
    assert not page.of("img")
    for told in (REASON, "atlas.png cannot be read", "curves.png is no PNG", "not been drawn yet"):
        assert f"{told}" in page.text
    assert "4 figures not drawn" in page.text


@pytest.mark.parametrize("content", ["{", '[{"name": "atlas"}]'])
def test_a_broken_index_is_told(tmp_path: Path, content: str) -> None:
    suite = make_suite(tmp_path, rows=ROWS)
    folder = draw(suite, {"atlas": (9, 9)})
    (folder / "index.json").write_text(content)
    text = Page(report(suite)).text
    assert "index.json" in text
    assert "The main table" in text


def test_texts_from_outside_stay_texts(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=ROWS)
    suite.plan["title"] = suite.plan["description"] = "<script>alert(1)</script>"
    suite.plan["not_run"] = [{"where": {"paper": "<b>X</b>"}, "reason": "<img src=x>"}]
    draw(suite, {"atlas": (9, 9)})
    suite.edit("pair-a", "amd", 0, status="failed", reason="<i>&quot;</i>")
    page = Page(report(suite))
    assert len(page.of("script")) == 1
    assert len(page.of("img")) == 1
    assert not page.of("b")
    assert not page.of("i")
    assert "<script>alert(1)</script>" in page.text


def test_costs_are_summed_over_all_runs(tmp_path: Path) -> None:
    """Nine students and a teacher of half an hour each, the distilled ones half as long again."""
    suite = make_suite(tmp_path, rows=ROWS)
    suite.edit("pair-a", "amd", 0, file="cost.json", attempts=3, energy_joules=7.2e6)
    text = Page(report(suite)).text
    assert "teachers 1 0 0.50 0.50 – students 9 1 6.00 6.00 2.00 (1 of 9 measured)" in text
    assert "all 10 1 6.50 6.50 2.00 (1 of 10 measured)" in text


def test_every_run_can_be_traced_and_made_again(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=ROWS)
    suite.edit("pair-a", "amd", 0, command="/opt/x/bin/python -m workflow.train --run 'a b'")
    page = Page(report(suite))
    titles = {attributes.get("title") for attributes in page.of("code")}
    assert {run["hash"] for run in suite.plan["runs"]} <= titles
    assert "python -m workflow.train --run 'a b'" in page.text
    assert "/opt/x" not in page.text
    assert "snakemake --config suite=made" in page.text
    assert "torch 2.14.1" in page.text


def test_a_missing_plan_is_a_users_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--suite-dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "plan.json: no such file" in error
