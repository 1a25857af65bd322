"""A suite's file becomes runs in order; what is wrong with it is said at once, with its place."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.suite.own import MINIMAL, problems_of
from workflow.suite import Suite, SuiteError, load, names

ROOT = Path(__file__).parents[2]


def ids(suite: Suite) -> list[str]:
    return [run.id for run in suite.runs]


def test_dependencies_stand_before_what_needs_them_and_once(write):
    suite = load(write(MINIMAL))
    seen: set[str] = set()
    for run in suite.runs:
        assert {needed.id for needed in run.dependencies()} <= seen
        assert run.id not in seen
        seen.add(run.id)
    kinds = [run.kind for run in suite.runs]
    assert kinds.count("teacher") == 1
    assert kinds.count("classifier") == 2
    assert kinds.count("student") == 4


def test_headings_are_one_line_however_yaml_writes_them(write):
    text = MINIMAL.replace("title: Minimal", "title: >\n  A folded\n\n  title")
    table = "tables:\n  one:\n    title: |\n      Two\n      lines\n    rows: [baseline]\n"
    suite = load(write(text + table))
    assert suite.title == "A folded title"
    assert suite.tables["one"].title == "Two lines"


def test_the_split_changes_no_run(write):
    reported, tuning = load(write(MINIMAL)), load(write(MINIMAL + "split: tune\n", "tune.yaml"))
    assert ids(tuning) == ids(reported)
    assert (reported.split, tuning.split) == ("test", "tune")
    judged = {run.kind: tuning.judged(run) for run in tuning.runs}
    assert judged == {"classifier": ["test"], "teacher": ["tune"], "student": ["tune"]}


def test_nothing_is_chosen_on_images_that_are_trained_on(write):
    text = MINIMAL.replace("data: digits", "data: coco") + "split: tune\n"
    told = problems_of(write(text))
    assert any(line.startswith("8: split: nothing can be chosen on") for line in told)
    held_out = text.replace("data: coco", "data: {name: coco, options: {hold_out: true}}")
    assert load(write(held_out)).split == "tune"
    assert load(write(text.replace("data: coco", "data: coco-1pct"))).split == "tune"
    (told,) = problems_of(write(MINIMAL + "split: train\n"))
    assert told.startswith("8: split: input should be 'test' or 'tune'")


def test_two_suites_share_their_runs(write):
    one = load(write(MINIMAL))
    other = load(write(MINIMAL.replace("  - mgd\n", "  - amd\n"), "other.yaml"))
    shared = set(ids(one)) & set(ids(other))
    assert {run.kind for run in one.runs if run.id in shared} == {
        "student",
        "teacher",
        "classifier",
    }
    assert not any("/mgd/" in id or "/amd/" in id for id in shared)


def test_a_changed_weight_changes_exactly_the_runs_that_have_it(write):
    plain = set(ids(load(write(MINIMAL + "  - amd\n"))))
    changed = set(ids(load(write(MINIMAL + "  - amd\nsettings: {mgd: {alpha: 0.1}}\n"))))
    assert {id.split("/")[2] for id in plain ^ changed} == {"mgd"}
    assert len(plain ^ changed) == 4  # two seeds, before and after


def test_comments_titles_and_order_change_no_run(write):
    before = set(ids(load(write(MINIMAL))))
    text = MINIMAL.replace("Minimal", "Another title").replace("rows:", "rows:  # a comment")
    after = set(ids(load(write(text + "resources: {threads: 2}\nattend: {images: 3}\n"))))
    assert before == after


def test_every_default_stands_in_the_run(write):
    suite = load(write(MINIMAL))
    run = next(run for run in suite.runs if run.row == "mgd")
    settings = run.methods[0].settings
    assert settings["masked"] == 0.65
    assert settings["normalise"] == "paper"
    assert run.options.inherit
    assert run.options.clip == 35.0


def test_a_field_of_the_suite_reaches_every_method_that_has_it(write):
    text = MINIMAL + "  - pkd\nsettings: {normalise: reference}\n"
    runs = {run.row: run for run in load(write(text)).runs if run.kind == "student"}
    assert runs["mgd"].methods[0].settings["normalise"] == "reference"
    assert runs["baseline"].methods == ()


def weights(suite: Suite, row: str = "mgd") -> dict[tuple[str, str], set[float]]:
    """(table, pair) -> what the row weighs there."""
    return {
        (name, cell.group): {suite.run(run).methods[0].settings["weight"] for run in cell.runs}
        for name, table in suite.tables.items()
        for cell in table.cells
        if cell.row == row
    }


def test_a_pair_may_have_settings_of_its_own(write):
    text = MINIMAL.replace("r34-r18]", "r34-r18, mini-reppoints-r34-r18]")
    text += (
        "settings: {mgd: {weight: 2, masked: 0.5}}\n"
        "pair_settings: {mini-reppoints-r34-r18: {mgd: {weight: 3}}}\n"
        "tables:\n  all: {}\n  lighter: {settings: {mgd: {weight: 4}}}\n"
        "  own: {pair_settings: {mini-retinanet-r34-r18: {mgd: {weight: 5}}}}\n"
    )
    suite = load(write(text))
    first, second = "mini-retinanet-r34-r18", "mini-reppoints-r34-r18"
    assert weights(suite) == {
        ("all", first): {2},
        ("all", second): {3},
        ("lighter", first): {4},
        ("lighter", second): {4},
        ("own", first): {5},
        ("own", second): {3},
    }
    masked = {run.methods[0].settings["masked"] for run in suite.runs if run.row == "mgd"}
    assert masked == {0.5}
    without = load(write(text.replace("{mgd: {weight: 3}}", "{}")))
    assert {id.split("/")[1] for id in set(ids(suite)) ^ set(ids(without))} == {second}


def test_the_nearer_place_wins_whether_it_is_of_one_method_or_of_all(write):
    text = MINIMAL.replace("rows:", "  - mini-reppoints-r34-r18\nrows:").replace(
        "[mini-retinanet-r34-r18]", "\n  - mini-retinanet-r34-r18"
    )
    text += (
        "settings: {weight: 3, mgd: {weight: 0.04}}\n"
        "pair_settings: {mini-reppoints-r34-r18: {weight: 0.2}}\n"
        "tables: {main: {}, other: {settings: {weight: 4}, seeds: [0]}}\n"
    )
    suite = load(write(text))

    def weights(table: str, row: str) -> list[float]:
        cells = [cell for cell in suite.tables[table].cells if cell.row == row]
        return [suite.by_id[cell.runs[0]].methods[0].settings["weight"] for cell in cells]

    assert weights("main", "mgd") == [0.04, 0.2]
    assert weights("other", "mgd") == [4, 4]


def test_a_borrowed_table_keeps_the_settings_of_its_pairs(write):
    own = "pair_settings: {mini-retinanet-r34-r18: {mgd: {weight: 3}}}\ntables: {t: {}}\n"
    write(MINIMAL + own, "base.yaml")
    text = "title: More\ndata: digits\nseeds: [0]\ntables: {mine: {like: base.yaml t}}\n"
    assert weights(load(write(text))) == {("mine", "mini-retinanet-r34-r18"): {3}}


def test_a_variant_keeps_the_value_that_makes_it_one(write):
    text = MINIMAL + "  - mgd-lambda-0.30\nsettings: {mgd: {masked: 0.5, weight: 3.0}}\n"
    text += "tables: {t: {rows: [mgd-alpha-x2]}}\n"
    runs = {run.row: run for run in load(write(text)).runs if run.methods}
    assert runs["mgd"].methods[0].settings["masked"] == 0.5
    assert runs["mgd-lambda-0.30"].methods[0].settings["masked"] == 0.3
    assert runs["mgd-alpha-x2"].methods[0].settings["weight"] == 6.0


def test_a_grid_is_spread_and_named(write):
    text = MINIMAL + "  - {row: mgd, grid: {masked: [0.2, 0.4], alpha: [1.0]}}\n"
    rows = {run.row for run in load(write(text)).runs if run.kind == "student"}
    assert rows == {"baseline", "mgd", "mgd-masked=0.2-alpha=1.0", "mgd-masked=0.4-alpha=1.0"}


def test_other_teachers(write):
    text = MINIMAL
    for other in ("self", "untrained", "shuffled"):
        text += f"  - {{row: mgd, name: mgd-{other}, run: {{teacher: {other}}}}}\n"
    suite = load(write(text))
    runs = {(run.row, run.seed): run for run in suite.runs}
    own = runs["mgd-self", 1]
    assert own.teacher == runs["baseline", 1]
    assert own.teacher_model["name"] == "mini-retinanet-r18"
    untrained = runs["mgd-untrained", 0]
    assert untrained.teacher is None
    assert untrained.teacher_model["name"] == "mini-retinanet-r34"
    assert runs["mgd-shuffled", 0].teacher == runs["mgd", 0].teacher


def test_a_table_brings_its_own_runs(write):
    text = MINIMAL + "tables: {extra: {rows: [baseline, ssim], seeds: [5]}}\n"
    suite = load(write(text))
    assert {(run.row, run.seed) for run in suite.runs if run.seed == 5} == {
        ("baseline", 5),
        ("ssim", 5),
    }
    cell = suite.tables["extra"].cells[1]
    assert [suite.run(id).row for id in cell.baseline] == ["baseline"]
    assert [suite.run(id).seed for id in cell.baseline] == [5]


def test_a_row_of_a_table_is_the_suites_own_only_where_it_says_nothing_else(write):
    table = """\
tables:
  controls:
    rows:
      - mgd
      - {row: mgd, name: mgd-untrained, run: {teacher: untrained, inherit: false}}
      - {row: mgd, name: mgd-shuffled, run: {teacher: shuffled}}
"""
    suite = load(write(MINIMAL + table))
    found = {
        cell.row: [suite.run(id) for id in cell.runs] for cell in suite.tables["controls"].cells
    }
    assert list(found) == ["mgd", "mgd-untrained", "mgd-shuffled"]
    assert [runs[0].options.teacher for runs in found.values()] == [None, "untrained", "shuffled"]
    assert found["mgd-untrained"][0].teacher is None
    assert not found["mgd-untrained"][0].options.inherit
    assert len({run.id for runs in found.values() for run in runs}) == 6


def test_a_suite_extends_another(write):
    write(MINIMAL, "base.yaml")
    suite = load(write("title: More\nextends: base.yaml\nseeds: [7]\n"))
    assert suite.title == "More"
    assert {run.seed for run in suite.runs if run.kind == "student"} == {7}


def test_a_table_is_taken_from_another_suite(write):
    write(MINIMAL + "tables: {both: {title: Both, rows: [baseline, ssim]}}\n", "base.yaml")
    text = "title: More\ndata: digits\nseeds: [3]\ntables: {mine: {like: base.yaml both}}\n"
    suite = load(write(text))
    assert suite.tables["mine"].title == "Both"
    assert {run.row for run in suite.runs if run.kind == "student"} == {"baseline", "ssim"}
    assert {run.seed for run in suite.runs if run.kind == "student"} == {3}
    wrong = write(text.replace("base.yaml both", "base.yaml bath"), "wrong.yaml")
    assert problems_of(wrong) == [
        "4: tables.mine.like: unknown table of base.yaml 'bath'; did you mean 'both'? allowed: both"
    ]


def test_overrides_lie_over_the_file(write):
    suite = load(write(MINIMAL), {"seeds": [9]})
    assert {run.seed for run in suite.runs if run.kind == "student"} == {9}


def test_impossible_combinations(write):
    inherit = MINIMAL.replace("[mini-retinanet-r34-r18]", "[mini-faster-rcnn-cascade-r34-r18]")
    told = problems_of(write(inherit + "  - baseline-inherit\n"))
    assert any("cannot inherit" in text and text.startswith("8:") for text in told)
    # A method that inherits by default simply does not, where its pair cannot.
    run = next(run for run in load(write(inherit)).runs if run.row == "mgd")
    assert not run.options.inherit
    twice = problems_of(write(MINIMAL + "  - mgd+mgd-nomask\n"))
    assert any("twice" in text for text in twice)


def test_a_row_that_printed_numbers_cannot_tell_apart(write):
    text = MINIMAL.replace("mini-retinanet-r34-r18", "retinanet-x101-r50").replace("digits", "coco")
    table = "tables: {t: {published: {paper: FGD, table: Table 3}, rows: [%s]}}\n"
    unclear = problems_of(write(text + table % "fgd-noinherit"))
    assert "which printed row is 'fgd-noinherit'?" in unclear[0]
    none = problems_of(write(text + table % "mgd"))
    assert "published.csv has no row with" in none[0]
    paper = problems_of(write(text + (table % "fgd").replace("FGD", "FDG")))
    assert "unknown paper 'FDG'; did you mean" in paper[0]


def test_an_unknown_suite_is_told_with_the_nearest():
    with pytest.raises(SuiteError, match=r"unknown suite 'dmo'; did you mean 'demo'"):
        load("dmo")


@pytest.mark.parametrize("name", names())
def test_shipped_suites_load_without_torch_and_fast(name):
    code = (
        "import sys, workflow.suite\n"
        f"suite = workflow.suite.load({name!r})\n"
        "assert suite.runs\n"
        "heavy = {'torch', 'mmdet', 'mmengine', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    # About a second, told by this machine at this load: a busy neighbour on the same core makes the
    # same work up to twice as long, that of the yardstick too. The largest takes five of them.
    assert any(_seconds_of(code) < 8 * _yardstick() for _ in range(3))


@cache
def _yardstick() -> float:
    return min(_seconds_of("import pydantic.main, yaml") for _ in range(3))


def _seconds_of(code: str) -> float:
    """Processor time of a program of its own: waiting for a turn is not counted."""
    before = os.times()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    after = os.times()
    user = after.children_user - before.children_user
    return user + after.children_system - before.children_system


def test_the_program_ends_with_two_and_no_traceback(write):
    path = write(MINIMAL.replace("- mgd", "- mgdd"))
    ended = subprocess.run(
        [sys.executable, "-m", "workflow.suite", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert f"{path}:7: rows[1]: unknown row 'mgdd'; did you mean 'mgd'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_readme_counts_the_runs_of_the_coco_suite():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"whole COCO suite ({len(load('coco').runs)} runs," in text


def test_the_example_of_the_documentation_is_one(write):
    page = (ROOT / "docs" / "suites.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    suite = load(write(example))
    rows = {run.row for run in suite.runs if run.kind == "student"}
    assert {"amd-strict", "mgd-masked=0.3", "icd+fkd"} <= rows
    assert [cell.row for cell in suite.tables["gate"].cells] == [
        "amd",
        "amd-mask-only",
        "amd-strict",
    ]


def test_the_search_of_the_documentation_judges_on_tune(write):
    page = (ROOT / "docs" / "suites.md").read_text(encoding="utf-8")
    example = page.split("## Choosing a weight")[1].split("```yaml\n")[1].split("```")[0]
    suite = load(write(example))
    rows = {run.row for run in suite.runs if run.kind == "student"}
    assert rows == {f"amd-nomask-weight={factor}" for factor in ("0.2", "1", "5")}
    assert suite.file.split == "tune"
