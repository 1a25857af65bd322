"""A valid set broken anywhere, in any way, is told of by kind and id."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.data.coco_files import NAMES, content, write
from workflow.data.report import KINDS, SHOWN
from workflow.data.validate import main, validate

VALID = content()
Draw = Callable[[Any], Any]
Told = tuple[str, Any]  # kind and id that the report must name
INTEGERS = st.integers(-(10**40), 10**40)
NO_NUMBER = st.one_of(
    st.none(), st.booleans(), st.text(), st.lists(st.integers()), st.just({}),
    st.sampled_from([float("nan"), float("inf"), float("-inf"), 10**400]),
)  # fmt: skip
NO_ID = st.one_of(NO_NUMBER, st.floats(), st.integers(2**53, 2**80))


def annotation(data: dict, draw: Draw) -> dict:
    return draw(st.sampled_from(data["annotations"]))


def break_box_value(data: dict, draw: Draw) -> Told:
    found = annotation(data, draw)
    found["bbox"][draw(st.integers(0, 3))] = draw(NO_NUMBER)
    return "box-not-numbers", found["id"]


def break_box_shape(data: dict, draw: Draw) -> Told:
    found = annotation(data, draw)
    wrong = st.one_of(
        NO_NUMBER.filter(lambda v: not isinstance(v, list)),
        st.lists(st.floats(0, 9), max_size=7).filter(lambda box: len(box) != 4),
    )
    found["bbox"] = draw(wrong)
    return "box-not-numbers", found["id"]


def negative_box(data: dict, draw: Draw) -> Told:
    found = annotation(data, draw)
    found["bbox"][draw(st.integers(2, 3))] = -draw(st.floats(1e-9, 1e300))
    return "box-negative", found["id"]


def empty_box(data: dict, draw: Draw) -> Told:
    found = annotation(data, draw)
    found["bbox"][draw(st.integers(2, 3))] = draw(st.sampled_from([0, 0.0, -0.0]))
    return "box-zero-area", found["id"]


def box_outside(data: dict, draw: Draw) -> Told:
    found = annotation(data, draw)
    axis = draw(st.integers(0, 1))
    if draw(st.booleans()):
        found["bbox"][axis] = -draw(st.floats(1.01, 1e308))
    else:
        found["bbox"][axis] = (64, 48)[axis] + draw(st.floats(1.01, 1e308))
    return "box-outside", found["id"]


def duplicate(data: dict, draw: Draw) -> Told:
    items = data[draw(st.sampled_from(["images", "annotations", "categories"]))]
    one, other = draw(st.permutations(range(len(items))))[:2]
    items[one]["id"] = items[other]["id"]
    return "duplicate-id", items[other]["id"]


def break_id(data: dict, draw: Draw) -> Told:
    section = draw(st.sampled_from(["images", "annotations", "categories"]))
    number = draw(st.integers(0, len(data[section]) - 1))
    data[section][number]["id"] = draw(NO_ID)
    names = {"images": "image", "annotations": "annotation", "categories": "category"}
    return "id", f"{names[section]} entry {number}"


def break_reference(data: dict, draw: Draw) -> Told:
    found = annotation(data, draw)
    found[draw(st.sampled_from(["image_id", "category_id"]))] = draw(NO_ID)
    return "id", found["id"]


def unknown_image(data: dict, draw: Draw) -> Told:
    found = annotation(data, draw)
    # A list: another breaker may have left what no set can hold.
    known = [image["id"] for image in data["images"]]
    wrong = st.integers(-(2**53) + 1, 2**53 - 1).filter(lambda value: value not in known)
    found["image_id"] = draw(wrong)
    return "unknown-image", found["id"]


def unknown_category(data: dict, draw: Draw) -> Told:
    found = annotation(data, draw)
    found["category_id"] = draw(st.integers(-9, 99).filter(lambda value: value not in (5, 10, 15)))
    return "unknown-category", found["id"]


def break_area(data: dict, draw: Draw) -> Told:
    found = annotation(data, draw)
    found["area"] = draw(st.one_of(NO_NUMBER, st.floats(-1e9, 0)))
    return "area", found["id"]


def break_crowd(data: dict, draw: Draw) -> Told:
    found = annotation(data, draw)
    found["iscrowd"] = draw(
        st.one_of(st.none(), st.text(), INTEGERS).filter(lambda value: value not in (0, 1))
    )
    return "crowd", found["id"]


def no_object(data: dict, draw: Draw) -> Told:
    section = draw(st.sampled_from(["images", "annotations", "categories"]))
    number = draw(st.integers(0, len(data[section]) - 1))
    data[section][number] = draw(st.one_of(NO_NUMBER, INTEGERS).filter(lambda v: v != {}))
    names = {"images": "image", "annotations": "annotation", "categories": "category"}
    return "entry", f"{names[section]} entry {number}"


def break_section(data: dict, draw: Draw) -> Told:
    section = draw(st.sampled_from(["images", "annotations", "categories"]))
    if draw(st.booleans()):
        del data[section]
    else:
        data[section] = draw(NO_NUMBER.filter(lambda value: not isinstance(value, list)))
    return "section", section


def break_size(data: dict, draw: Draw) -> Told:
    found = draw(st.sampled_from(data["images"]))
    wrong = st.one_of(NO_NUMBER, st.floats(), st.integers(max_value=0))
    found[draw(st.sampled_from(["width", "height"]))] = draw(wrong)
    return "image-size", found["id"]


def break_file_name(data: dict, draw: Draw) -> Told:
    found = draw(st.sampled_from(data["images"][1:]))
    bad = ["", "/etc/passwd", "../up.jpg", "a/../../b.jpg", "a\\b.jpg", "a\0b", "0001.jpg"]
    found["file_name"] = draw(st.one_of(st.sampled_from(bad), NO_NUMBER.filter(_no_text)))
    return "file-name", found["id"]


def _no_text(value: Any) -> bool:
    return not isinstance(value, str)


def empty_class(data: dict, draw: Draw) -> Told:
    victim = draw(st.sampled_from(data["categories"]))["id"]
    for item in data["annotations"]:
        if item["category_id"] == victim:
            item["category_id"] = 5 if victim != 5 else 10
    return "empty-class", victim


def break_category_name(data: dict, draw: Draw) -> Told:
    found = draw(st.sampled_from(data["categories"][1:]))
    found["name"] = draw(st.sampled_from([None, "", 7, data["categories"][0]["name"]]))
    return "category-name", found["id"]


BREAKERS = [
    break_box_value, break_box_shape, negative_box, empty_box, box_outside, duplicate, break_id,
    break_reference, unknown_image, unknown_category, break_area, break_crowd, no_object,
    break_section, break_size, break_file_name, empty_class, break_category_name,
]  # fmt: skip

MIXABLE = [b for b in BREAKERS[:12] if b is not break_box_shape]
"""What can be done to a set that others of these have broken already."""


@pytest.mark.parametrize("breaker", BREAKERS, ids=lambda breaker: breaker.__name__)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(source=st.data())
def test_a_set_broken_at_random_is_told_of_by_kind_and_id(tmp_path, breaker, source):
    data = copy.deepcopy(VALID)
    kind, identity = breaker(data, source.draw)
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(data))
    report = validate(path, None)
    assert not report.ok
    assert kind in report.problems, report.lines()
    assert identity in [entry["id"] for entry in report.problems[kind].first], report.lines()
    assert all(problem.kind in KINDS for problem in report.problems.values())


@settings(max_examples=60, deadline=None)
@given(source=st.data())
def test_several_faults_at_once_never_crash_it(tmp_path_factory, source):
    data = copy.deepcopy(VALID)
    for breaker in source.draw(st.permutations(MIXABLE))[:4]:
        breaker(data, source.draw)
    path = tmp_path_factory.mktemp("broken") / "broken.json"
    path.write_text(json.dumps(data))
    assert not validate(path, None).ok


@settings(max_examples=80, deadline=None)
@given(
    source=st.recursive(
        st.one_of(st.none(), st.booleans(), INTEGERS, st.floats(), st.text()),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(
                st.sampled_from(["images", "annotations", "categories", "id", "bbox"]), inner
            ),
        ),
    )
)
def test_any_json_at_all_gets_a_report(tmp_path_factory, source):
    path = tmp_path_factory.mktemp("any") / "any.json"
    path.write_text(json.dumps(source))
    assert not validate(path, None).ok


def test_a_valid_set_is_valid_and_counted(tmp_path):
    report = validate(*write(tmp_path, "good", VALID), classes=NAMES)
    assert report.ok, report.lines()
    assert report.problems == {}
    assert report.counts["images"] == 6
    assert report.counts["annotations"] == 24


def test_rounding_over_the_border_is_forgiven(tmp_path):
    data = copy.deepcopy(VALID)
    data["annotations"][0]["bbox"] = [-0.5, 0, 64.9, 48.2]
    assert validate(*write(tmp_path, "good", data)).ok


def test_only_the_first_of_a_kind_are_named_but_all_are_counted(tmp_path):
    data = content(images=10)
    for item in data["annotations"]:
        item["bbox"][2] = -1
    annotations, _ = write(tmp_path, "bad", data)
    problem = validate(annotations, None).problems["box-negative"]
    assert problem.count == 40
    assert len(problem.first) == SHOWN == 20
    assert [entry["id"] for entry in problem.first] == list(range(1001, 1021))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ('{"images": [}', "line 1 column 13"),
        ("<!DOCTYPE html><html>Not found</html>", "HTML page"),
        ("[" * 100_000, "no JSON"),
        ("[]", "a JSON list where an object"),
        ("7", "a JSON number where an object"),
        ("\x80", "no JSON"),
    ],
)
def test_what_is_no_coco_file_is_said_in_one_line(tmp_path, text, said, capsys):
    path = tmp_path / "wrong.json"
    path.write_bytes(text.encode("latin-1"))
    assert main([str(path)]) == 2
    out = capsys.readouterr().out
    assert said in out
    assert len(out.splitlines()) == 2


def test_endless_nesting_is_told_whatever_another_library_did_to_python(tmp_path):
    limit = sys.getrecursionlimit()
    path = tmp_path / "deep.json"
    path.write_text("[" * 300_000)
    sys.setrecursionlimit(1 << 20)
    try:
        report = validate(path, None)
        assert sys.getrecursionlimit() == 1 << 20
    finally:
        sys.setrecursionlimit(limit)
    assert list(report.problems) == ["unreadable"]


def test_files_are_looked_for_measured_and_decoded(tmp_path, capsys):
    annotations, folder = write(tmp_path, "set", VALID)
    (folder / "0002.jpg").unlink()
    (folder / "0003.jpg").write_bytes((folder / "0003.jpg").read_bytes()[:-400])
    (folder / "0004.jpg").write_text("<html>")
    (folder / "0005.jpg").write_bytes((folder / "0006.jpg").read_bytes())
    data = copy.deepcopy(VALID)
    data["images"][4]["width"] = 63
    annotations.write_text(json.dumps(data))
    report = tmp_path / "report.json"
    assert main([str(annotations), str(folder), "--report", str(report)]) == 2
    found = {
        problem["kind"]: [entry["id"] for entry in problem["first"]]
        for problem in json.loads(report.read_text())["problems"]
    }
    assert found == {"missing-file": [2], "unreadable-image": [3, 4], "wrong-size": [5]}
    assert "0002.jpg" in capsys.readouterr().out


def test_expected_classes_are_compared(tmp_path):
    annotations, _ = write(tmp_path, "set", VALID)
    report = validate(annotations, None, classes=("cat", "dog", "cow"))
    assert [entry["id"] for entry in report.problems["classes"].first] == [15, "cow"]


def test_the_program_tolerates_empty_classes_when_told_to(tmp_path, capsys):
    data = copy.deepcopy(VALID)
    data["categories"].append({"id": 20, "name": "owl"})
    annotations, folder = write(tmp_path, "set", data)
    assert main([str(annotations), str(folder)]) == 2
    assert main([str(annotations), str(folder), "--allow-empty-classes"]) == 0
    assert "owl" in capsys.readouterr().out


def test_missing_files_and_folders_are_the_users_to_mend(tmp_path: Path, capsys):
    assert main([str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().out
    annotations, _ = write(tmp_path, "set", VALID)
    assert main([str(annotations), str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
