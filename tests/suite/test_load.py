"""A suite's file becomes runs in order; what is wrong with it is said at once, with its place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workflow.suite import Suite, SuiteError, load, names

ROOT = Path(__file__).parents[2]
MINIMAL = """\
title: Minimal
data: digits
seeds: [0, 1]
pairs: [mini-retinanet-r34-r18]
rows:
  - baseline
  - mgd
"""


@pytest.fixture
def write(tmp_path):
    def writer(text: str, name: str = "own.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return writer


def problems_of(path: Path) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        load(path)
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]


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


def test_problems_are_told_all_at_once(write):
    path = write("""\
title: Wrong
data: {name: digits, options: {trane: 10}}
seeds: [0, -1]
pairs: [mini-retinanet-r34-r81, ssd300]
colour: red
rows:
  - baselin
  - {row: mgd, setings: {alpha: 3}}
  - {row: mgd, settings: {alpha: -3, alfa: 2}}
  - {row: amd, settings: {theta: high}}
tables:
  main: {rows: [mgd-teacher-3xms], pairs: [mini-retinanet-r34-r18]}
figures:
  f: {kind: curve}
""")
    told = problems_of(path)
    lines = [int(text.split(":")[0]) for text in told]
    assert lines == sorted(lines)
    for line, *words in [
        (2, "data.options.trane", "unknown key", "did you mean 'train'", "allowed: contrast"),
        (3, "seeds[1]", "greater than or equal to 0", "-1"),
        (4, "pairs[0]", "did you mean 'mini-retinanet-r34-r18'"),
        (5, "colour", "unknown key", "allowed", "rows"),
        (7, "rows[0]", "did you mean 'baseline'"),
        (8, "rows[1].setings", "did you mean 'settings'"),
        (8, "'ssd300' has none"),
        (9, "rows[2].settings.alpha", "greater than or equal to 0"),
        (9, "rows[2].settings.alfa", "did you mean 'alpha'"),
        (10, "rows[3].settings.theta", "'high'"),
        (12, "tables.main.rows[0]", "unknown teacher '3xms'"),
        (14, "figures.f.kind", "'curves'", "'curve'"),
    ]:
        assert any(
            text.startswith(f"{line}: ") and all(word in text for word in words) for text in told
        ), f"nothing about line {line} and {words} in\n" + "\n".join(told)


def test_data_are_told_as_everything_else_is(write):
    def told(data: str) -> list[str]:
        return problems_of(write(MINIMAL.replace("data: digits", f"data: {data}")))

    assert told("{name: digits, options: {trian: 100}}") == [
        "2: data.options.trian: unknown key 'trian'; did you mean 'train' or 'version'? allowed: "
        "contrast, seed, test, train, tune, version"
    ]
    (plain,) = told("digit")
    assert plain.startswith("2: data: unknown data set 'digit'; did you mean 'digits'? allowed: ")
    (named,) = told("{name: coco-10pt, options: {tune: 10}}")
    assert named.startswith("2: data.name: unknown data set 'coco-10pt'; did you mean 'coco-10pct'")
    mine = "{name: pets, options: {train: {annotations: a, images: b}, test: {annotations: a}}}"
    assert told(mine) == ["2: data.options.test.images: field required"]
    lost = told(mine.replace("a}}}", "a, images: b}}}"))
    assert [line.split(": no ")[0] for line in lost] == [
        f"2: data.options.{split}.{what}"
        for split in ("train", "test")
        for what in ("annotations", "images")
    ]
    assert told("3") == ["2: data: expected keys and values, found 3"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("schedules: {student: {iterations: -5}}", "iterations: input should be greater than"),
        ("schedules: {student: {epochs: 0}}", "epochs: input should be greater than or equal to 1"),
        ("schedules: {teacher: {batch_size: 0}}", "batch_size: input should be greater than"),
        ("schedules: {student: {warmup_iterations: -1}}", "warmup_iterations: input should be"),
        ("schedules: {student: {warmup_ratio: 2}}", "warmup_ratio: input should be less than"),
        ("schedules: {student: {milestones: [0.5, 1.5]}}", "milestones[1]: input should be less"),
        ("schedules: {student: {decay: 0}}", "decay: input should be greater than 0, found 0"),
        ("schedules: {student: {decay: .nan}}", "decay: nan is no number that can be used"),
        ("schedules: {student: {clip: 0}}", "clip: input should be greater than 0, found 0"),
        ("schedules: {student: {image_scale: [[0, 8]]}}", "image_scale[0][0]: input should be"),
        ("schedules: {student: {optimiser: {lr: 1e-3}}}", "such as 0.001 or 1.0e-3, found '1e-3'"),
        ("schedules: {student: {optimiser: {lr: 0}}}", "optimiser: lr: expected a number above 0"),
        (
            "schedules: {student: {optimiser: {weight_decay: .inf}}}",
            "weight_decay: expected a numb",
        ),
        ("schedules: {student: {paramwise: {custom_keys: {neck: {lr_mult: -1}}}}}", "neck.lr_mult"),
        ("teacher_seed: -1", "teacher_seed: input should be greater than or equal to 0, found -1"),
        ("seeds: [0, 4294967296]", "seeds[1]: input should be less than 4294967296"),
        ("seeds: [0, 1, 0]", "seeds: seed 0 stands twice"),
        ("settings: {mgd: {alpha: .inf}}", "rows[1].settings.alpha: inf is no number that can be"),
        ("settings: {levels: []}", "rows[1].settings.levels: at least 1 needed, found none"),
        ("settings: {levels: [-1]}", "levels[0]: input should be greater than or equal to 0"),
        (
            "tables: {t: {rows: [{row: mgd, name: a, run: {clip: -1}}]}}",
            "run.clip: input should be",
        ),
    ],
)
def test_numbers_that_no_training_can_use_are_refused(write, lines, told):
    text = MINIMAL.replace("seeds: [0, 1]\n", "") if lines.startswith("seeds") else MINIMAL
    (problem,) = problems_of(write(text + lines + "\n"))
    assert told in problem


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("[0, 1]", "[-1]", "3: seeds[0]: input should be greater than or equal to 0, found -1"),
        ("[0, 1]", "[]", "3: seeds: at least 1 needed, found none"),
        (
            "[mini-retinanet-r34-r18]",
            "name",
            "4: pairs: input should be a valid list, found 'name'",
        ),
        ("[mini-retinanet-r34-r18]", "[3]", "4: pairs[0]: input should be a valid string, found 3"),
        ("title: Minimal\n", "", "1: title: field required"),
    ],
)
def test_what_only_follows_from_a_mistake_is_not_told(write, right, wrong, told):
    """And what does not follow from it is, in the same breath."""
    text = MINIMAL + "tables: {t: {rows: [mgd]}}\ncolour: red\n"
    colour = f"{8 if 'title' in right else 9}: colour: unknown key 'colour'"
    found = problems_of(write(text.replace(right, wrong)))
    assert [problem.split("; ")[0] for problem in found] == [told, colour]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: [unclosed\n", "is not YAML"),
        ("- a list\n", "expected keys and values"),
        ("title: a\ntitle: b\n", "the key 'title' stands twice"),
        ("title: a\nextends: nowhere\n", "unknown suite 'nowhere'"),
        ("title: a\nextends: own.yaml\n", "extends this file in turn"),
        ("title: a\ndata: digits\nseeds: [0]\nextends: 3\n", "expected a suite's name or file"),
    ],
)
def test_files_that_are_no_suites(write, text, words):
    assert any(words in problem for problem in problems_of(write(text)))


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


def test_the_row_to_compare_with_is_one_of_the_tables(write):
    table = "tables:\n  parts:\n    kind: ablation\n    full: %s\n    rows: [baseline, amd, mgd]\n"
    assert load(write(MINIMAL + table % "amd")).tables["parts"].full == "amd"
    assert problems_of(write(MINIMAL + table % "mdg")) == [
        "11: tables.parts.full: unknown row of this table 'mdg'; did you mean 'mgd' or 'amd'? "
        "allowed: amd, baseline, mgd"
    ]
    # Where a row is misspelt, that is the only mistake.
    misspelt = (table % "amd").replace("[baseline, amd,", "[baseline, amdd,")
    (problem,) = problems_of(write(MINIMAL + misspelt))
    assert problem.startswith("12: tables.parts.rows[1]: unknown row 'amdd'")
    blocks = "tables: {parts: {full: amd-tau=0.3, blocks: [{rows: [mgd]}, {rows: [%s]}]}}\n"
    assert load(write(MINIMAL + blocks % "{row: amd, settings: {tau: 0.3}}"))


TABLES = (
    "tables:\n  t: {rows: [baseline, mgd, {row: mgd, grid: {masked: [0.3]}}]}\n  u: {rows: [amd]}\n"
)


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        ("kind: effects, options: {metric: APX}", "options.metric: input should be 'AP', 'AP50'"),
        ("kind: sweep, options: {metric: top1}", "options.metric: input should be 'AP', 'AP50'"),
        (
            "kind: effects, options: {metrik: AP}",
            "options.metrik: unknown key 'metrik'; did you mean 'metric'? allowed: against, metric",
        ),
        ("kind: gates, options: {rows: [mgd]}", "options.rows: unknown key 'rows'; allowed: none"),
        ("kind: gallery, options: {images: 0}", "options.images: input should be greater than"),
        (
            "kind: atlas, table: t, options: {rows: [baseline, amd]}",
            "options.rows[1]: unknown row of this figure 'amd'; ",
        ),
        (
            "kind: sweep, options: {field: mask}",
            "options.field: unknown setting that the figure's rows change 'mask'; did you mean "
            "'masked'? allowed: masked",
        ),
        ("kind: effects, table: v", "table: unknown table 'v'; allowed: t, u"),
    ],
)
def test_figures_are_refused_before_anything_is_trained(write, figure, told):
    (problem,) = problems_of(write(MINIMAL + TABLES + f"figures:\n  f: {{{figure}}}\n"))
    assert problem.startswith(f"12: figures.f.{told}")


def test_figures_that_can_be_drawn_are_not_refused(write):
    figures = """\
figures:
  e: {kind: effects, options: {metric: AP50, against: own-control}}
  s: {kind: sweep, table: t, options: {field: masked, own: 0.65}}
  a: {kind: atlas, options: {rows: [amd, mgd-masked=0.3], images: 2, ids: [3]}}
"""
    assert list(load(write(MINIMAL + TABLES + figures)).figures) == ["e", "s", "a"]


def test_an_unknown_suite_is_told_with_the_nearest():
    with pytest.raises(SuiteError, match=r"unknown suite 'dmo'; did you mean 'demo'"):
        load("dmo")


@pytest.mark.parametrize("name", names())
def test_shipped_suites_load_without_torch_in_a_second(name):
    code = (
        "import sys, workflow.suite\n"
        f"suite = workflow.suite.load({name!r})\n"
        "assert suite.runs\n"
        "heavy = {'torch', 'mmdet', 'mmengine', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    before = os.times()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    after = os.times()
    spent = after.children_user + after.children_system
    assert spent - before.children_user - before.children_system < 1


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
