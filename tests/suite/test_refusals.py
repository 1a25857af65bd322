"""What no training could make sense of is refused when the suite is read, each mistake once."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest

from tests.suite.own import MINIMAL, problems_of
from workflow.suite import load


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


def the_problem_with(lines, write):
    """The only one that these lines make of the minimal suite, whose own seeds give way to them."""
    text = MINIMAL.replace("seeds: [0, 1]\n", "") if lines.startswith("seeds") else MINIMAL
    (problem,) = problems_of(write(text + lines + "\n"))
    return problem


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
        (
            "schedules: {student: {optimiser: {weight_decay: 1e-4}}}",
            "weight_decay: expected a number such as 0.001 or 1.0e-3, found '1e-4'",
        ),
        (
            "schedules: {student: {paramwise: {custom_keys: {neck: {lr_mult: 1e-1}}}}}",
            "custom_keys.neck.lr_mult: expected a number such as 0.001 or 1.0e-3, found '1e-1'",
        ),
        ("schedules: {student: {optimiser: {lr: 0}}}", "optimiser: lr: expected a number above 0"),
        (
            "schedules: {student: {optimiser: {weight_decay: .inf}}}",
            "weight_decay: expected a numb",
        ),
        ("schedules: {student: {paramwise: {custom_keys: {neck: {lr_mult: -1}}}}}", "neck.lr_mult"),
        ("teacher_seed: -1", "teacher_seed: input should be greater than or equal to 0, found -1"),
        ("seeds: [0, 4294967296]", "seeds[1]: input should be less than 4294967296"),
        ("seeds: [0, 1, 0]", "seeds: seed 0 stands twice"),
        ("settings: {mgd: {alpha: .inf}}", "settings.mgd.alpha: inf is no number that can be"),
        ("settings: {levels: []}", "8: settings.levels: at least 1 needed, found none"),
        ("settings: {levels: [-1]}", "levels[0]: input should be greater than or equal to 0"),
        (
            "tables: {t: {rows: [{row: mgd, name: a, run: {clip: -1}}]}}",
            "run.clip: input should be",
        ),
    ],
)
def test_numbers_that_no_training_can_use_are_refused(write, lines, told):
    assert told in the_problem_with(lines, write)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            "settings: {mgd: {weight: no}}",
            "8: settings.mgd.weight: input should be a number, found F",
        ),
        (
            "settings: {levels: [0, on]}",
            "8: settings.levels: input should be numbers, found [0, Tr",
        ),
        ("attend: {images: yes}", "8: attend.images: input should be a number, found True"),
        ("resources: {gpus: yes}", "8: resources.gpus: input should be a number, found True"),
        ("seeds: [yes]", "7: seeds: input should be numbers, found [True]"),
        (
            "schedules: {student: {iterations: yes}}",
            "iterations: input should be a number, found T",
        ),
    ],
)
def test_a_switch_is_no_number(write, lines, told):
    """YAML's `no` would be a weight of 0, its `yes` one GPU."""
    assert told in the_problem_with(lines, write)


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
        ("title: a\ntitle: b\n", "2: is not YAML: the key 'title' stands twice"),
        ("title: a\nno: b\n", "2: is not YAML: the key no is no text to YAML; put it in quotes"),
        ("title: a\n? [b]\n: c\n", "2: is not YAML: a key is one word, found a list"),
        ("title: ä\ntitle: a\x07b\n", "2: is not YAML: control characters are not allowed, found"),
        ("title: a\nseeds: 2024-13-45\n", "2: is not YAML: '2024-13-45' is no timestamp; text is"),
        ("title: a\nseeds: [010]\n", "2: is not YAML: '010' would be read as 8: a leading 0 means"),
        (
            "title: 12:30\n",
            "1: is not YAML: '12:30' would be read as 750: a leading 0 means base 8",
        ),
        ("title: a\nx: 1:30.5\n", "2: is not YAML: '1:30.5' would be read as 90.5: a leading 0"),
        ("title: &a [*a]\n", "1: is not YAML: it nests too deep, or holds itself"),
        (
            "".join(
                f"{name}: &{name} [{', '.join([of] * 9)}]\n"
                for name, of in zip("abcdefg", "x *a *b *c *d *e *f".split(), strict=True)
            ),
            "is not YAML: more than 100,000 parts, with what its aliases repeat",
        ),
        ("title: a\nextends: nowhere\n", "unknown suite 'nowhere'"),
        (f"title: a\nextends: {'a' * 300}.yaml\n", "2: extends: there is no such file"),
        ("title: a\nextends: own.yaml\n", "extends this file in turn"),
        ("title: a\ndata: digits\nseeds: [0]\nextends: 3\n", "expected a suite's name or file"),
    ],
)
def test_files_that_are_no_suites(write, text, words):
    assert any(words in problem for problem in problems_of(write(text)))


def test_what_holds_itself_is_told_under_any_recursion_limit(write):
    """mmrazor raises Python's limit beyond what the stack can hold: the process would die."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)
    try:
        told = problems_of(write("title: &a [*a]\n"))
    finally:
        sys.setrecursionlimit(before)
    assert told == ["1: is not YAML: it nests too deep, or holds itself"]


def test_a_file_that_may_not_be_read_is_told(write, monkeypatch):
    path = write(MINIMAL)

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    assert problems_of(path) == ["1: cannot be read: Permission denied"]


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


def test_settings_of_pairs_are_checked_where_they_stand(write):
    text = (
        MINIMAL
        + "pair_settings:\n  %s: {%s: {weight: 3}}\ntables: {t: {pair_settings: {ssd: {}}}}\n"
    )
    unknown, table = problems_of(write(text % ("mini-retinanet-r34-r81", "mgd")))
    place = "9: pair_settings.mini-retinanet-r34-r81: unknown pair"
    assert unknown.startswith(place)
    assert "did you mean 'mini-retinanet-r34-r18'" in unknown
    assert table.startswith("10: tables.t.pair_settings.ssd: unknown pair 'ssd'")
    method, _ = problems_of(write(text % ("mini-retinanet-r34-r18", "mdg")))
    assert method.startswith("9: pair_settings.mini-retinanet-r34-r18.mdg: unknown method or field")
    assert "did you mean 'mgd'" in method


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


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            "settings: {mgd: {weight: auto}}",
            "8: settings.mgd.weight: input should be a valid number",
        ),
        ("settings: {weight: high}", "8: settings.weight: input should be a valid number"),
        (
            "tables: {t: {rows: [{row: icd+fkd, grid: {fkd: [0.2, 1]}}]}}",
            "8: tables.t.rows[0]: settings of `icd+fkd` are given per method (icd, fkd): expected "
            "fields of `fkd` and their values, found 0.2",
        ),
    ],
)
def test_values_of_another_kind_are_told_where_they_stand(write, lines, told):
    found = problems_of(write(MINIMAL + lines + "\n"))
    assert found[0].startswith(told)
    # Of a row that lays a number over it nothing else is said.
    assert len(found) == (2 if "grid" in lines else 1)


def test_a_number_as_yaml_reads_it_is_one_beside_a_factor(write):
    text = MINIMAL.replace("- mgd", "- mgd-x0.5") + "settings: {mgd: {weight: 1e-3}}\n"
    distilled = [run for run in load(write(text)).runs if run.methods]
    assert {run.methods[0].settings["weight"] for run in distilled} == {0.0005}
