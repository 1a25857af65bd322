"""Anybody's set: named by its content, checked before it exists, never used when it failed."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from tests.data import coco_files
from workflow.data import catalogue, make
from workflow.data.catalogue import describe, resolve
from workflow.data.errors import DataError, OptionsError
from workflow.data.state import fingerprint, require_valid
from workflow.spec import DataSpec


@pytest.fixture
def home(tmp_path: Path) -> Path:
    coco_files.write(tmp_path, "train", coco_files.content(images=30))
    coco_files.write(tmp_path, "test", coco_files.content(images=6, first_image=100))
    return tmp_path


def options(*splits: str) -> dict:
    return {split: {"annotations": f"{split}.json", "images": split} for split in splits}


def ids(path: Path) -> list[int]:
    return [image["id"] for image in json.loads(path.read_text())["images"]]


def test_a_set_is_laid_out_like_any_other(home):
    spec = resolve("pets", options("train", "test"), home)
    dataset = make.ensure(spec, home / "data")
    assert dataset.classes == coco_files.NAMES
    assert dataset.image_size is None
    train, tune = (ids(dataset.splits[s].annotations) for s in ("train", "tune"))
    assert len(tune) == 3
    assert sorted(train + tune) == ids(home / "train.json")
    assert ids(dataset.splits["test"].annotations) == ids(home / "test.json")
    for split in dataset.splits.values():
        for image in json.loads(split.annotations.read_text())["images"]:
            assert (split.images / image["file_name"]).is_file()
    require_valid(dataset)


def test_a_named_tune_split_is_used_as_it_is(home):
    coco_files.write(home, "tune", coco_files.content(images=4, first_image=200))
    dataset = make.ensure(resolve("pets", options("train", "tune", "test"), home), home / "data")
    assert ids(dataset.splits["tune"].annotations) == [200, 201, 202, 203]
    assert ids(dataset.splits["train"].annotations) == ids(home / "train.json")


def test_where_a_set_lies_is_no_part_of_what_it_is(home, tmp_path_factory):
    spec = resolve("pets", options("train", "test"), home)
    first = make.ensure(spec, home / "data")
    moved = tmp_path_factory.mktemp("elsewhere") / "moved"
    home.rename(moved)
    home.mkdir()
    again = resolve("pets", options("train", "test"), moved)
    assert again.model_dump() == spec.model_dump()
    second = make.ensure(again, moved / "data")  # the links that led nowhere are made anew
    require_valid(second)
    assert second.root.name == first.root.name
    (moved / "other").mkdir()
    assert fingerprint(make.ensure(again, moved / "other")) == fingerprint(second)


def test_paths_may_begin_at_home(home, monkeypatch):
    monkeypatch.setenv("HOME", str(home))
    given = {
        split: {"annotations": f"~/{split}.json", "images": f"~/{split}"}
        for split in ("train", "test")
    }
    elsewhere = resolve("pets", given, Path("/elsewhere"))
    assert elsewhere.locations == resolve("pets", options("train", "test"), home).locations


def test_files_that_may_not_be_read_are_told_with_their_keys(home, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(catalogue, "sha256_of", refuse)
        with pytest.raises(OptionsError) as caught:
            resolve("pets", options("train", "test"), home)
    assert [problem for _, problem in caught.value.problems] == [
        f"{home / name} cannot be read: Permission denied" for name in ("train.json", "test.json")
    ]
    look = os.stat

    def closed(path, *rest, **more):
        return refuse() if str(path).startswith(f"{home}/te") else look(path, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", closed)
        with pytest.raises(OptionsError) as caught:
            resolve("pets", options("train", "test"), home)
    told = [problem for _, problem in caught.value.problems]
    assert told == [f"no file {home / 'test.json'}", f"no folder {home / 'test'}"]


def test_other_annotations_are_another_set(home):
    before = resolve("pets", options("train", "test"), home)
    coco_files.write(home, "test", coco_files.content(images=5, first_image=100))
    assert resolve("pets", options("train", "test"), home).options != before.options


def test_a_set_that_fails_is_never_made_and_never_trained_on(home):
    broken = coco_files.content(images=30)
    broken["annotations"][7]["bbox"][2] = -3
    broken["annotations"][9]["image_id"] = 77
    coco_files.write(home, "train", broken)
    spec = resolve("pets", options("train", "test"), home)
    with pytest.raises(DataError) as caught:
        make.ensure(spec, home / "data")
    assert "[box-negative], 1: 1008" in str(caught.value)
    assert "[unknown-image], 1: 1010" in str(caught.value)
    with pytest.raises(DataError, match="is not there"):
        require_valid(describe(spec, home / "data"))


def test_annotations_changed_after_the_check_are_noticed(home):
    dataset = make.ensure(resolve("pets", options("train", "test"), home), home / "data")
    changed = coco_files.content(images=6, first_image=100)
    changed["annotations"].pop()
    (home / "test.json").write_text(json.dumps(changed))
    with pytest.raises(DataError, match="changed since it was checked"):
        require_valid(dataset)


def test_an_image_in_two_splits_is_a_leak(home):
    shared = {"annotations": "test.json", "images": "train"}
    both = coco_files.content(images=5)
    (home / "test.json").write_text(json.dumps(both))
    spec = resolve("pets", {**options("train"), "test": shared}, home)
    with pytest.raises(DataError, match=r"images in two splits: 0001\.jpg \(train and test\)"):
        make.ensure(spec, home / "data")


def test_a_class_that_nothing_shows_in_training_is_refused_in_testing_only_told(home):
    content = coco_files.content(images=6, first_image=100)
    content["annotations"] = [a for a in content["annotations"] if a["category_id"] != 10]
    coco_files.write(home, "test", content)
    make.ensure(resolve("pets", options("train", "test"), home), home / "data")
    train = coco_files.content(images=30)
    train["annotations"] = [a for a in train["annotations"] if a["category_id"] != 10]
    coco_files.write(home, "train", train)
    with pytest.raises(DataError, match="empty-class"):
        make.ensure(resolve("pets", options("train", "test"), home), home / "data")


def rare(images: int, showing: dict[int, int]) -> dict:
    """Every image shows a cat; so many of them a dog or a hen, by the category's id."""
    content = coco_files.content(images=images, boxes=1)
    for item in content["annotations"]:
        item["category_id"] = 5
    for category, count in showing.items():
        for item in content["annotations"][:count]:
            number = len(content["annotations"]) + 2000
            content["annotations"].append(item | {"id": number, "category_id": category})
    return content


@pytest.mark.parametrize("crowds", [(), (13, 14, 22)])
def test_a_class_of_one_image_is_held_out_of_nothing(home, crowds):
    content = rare(30, {10: 1, 15: 9})
    for image in crowds:  # chosen after image 1; nobody learns from a crowd
        item = next(one for one in content["annotations"] if one["image_id"] == image)
        number = len(content["annotations"]) + 2000
        content["annotations"].append(item | {"id": number, "category_id": 10, "iscrowd": 1})
    coco_files.write(home, "train", content)
    dataset = make.ensure(resolve("pets", options("train", "test"), home), home / "data")
    train, tune = (ids(dataset.splits[s].annotations) for s in ("train", "tune"))
    assert 1 in train
    assert len(tune) == 3
    assert sorted(train + tune) == ids(home / "train.json")


def test_where_nothing_can_be_held_out_a_tune_split_is_asked_for(home):
    content = coco_files.content(images=3, boxes=1)
    coco_files.write(home, "train", content)
    with pytest.raises(DataError, match=r"train\.json: no image can be held out.* `tune` split$"):
        make.ensure(resolve("pets", options("train", "test"), home), home / "data")


def test_what_is_held_out_where_no_class_is_rare_stays_the_same(home):
    dataset = make.ensure(resolve("pets", options("train", "test"), home), home / "data")
    assert ids(dataset.splits["tune"].annotations) == [16, 17, 19]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("pets", {}, "name: unknown data set 'pets'.* a set of your own has `options: {train: "),
        ("pets", options("train"), "'pets': options.test: field required$"),
        ("pets", {"train": {"annotations": "x"}}, "images: field required; options.test: field"),
        ("pets", {"tune": {"image": "x"}}, "unknown key 'image'; did you mean 'images'. allowed"),
        ("pets", {**options("train"), "test": {"annotations": "x", "images": "test"}}, "no file"),
        ("pets", {**options("train"), "test": {"annotations": "test.json", "images": "x"}}, "no f"),
        ("a/b", {}, "letters, digits"),
        ("digits", {"train": 0}, "options.train: input should be greater than .* 1, found 0"),
        ("digits", {"trian": 9}, "options.trian: unknown key 'trian'; did you mean 'train'"),
        ("digit", {"train": 5}, "unknown data set 'digit'; did you mean 'digits'"),
        ("coco", {"tune": 0}, "tune: "),
    ],
)
def test_what_a_suite_says_wrongly_is_told(home, name, given, said):
    with pytest.raises(DataError, match=said):
        resolve(name, given, home)


def test_locations_never_reach_a_hash_and_are_needed_only_for_making(home):
    spec = resolve("pets", options("train", "test"), home)
    reread = DataSpec.model_validate_json(spec.model_dump_json())
    assert str(home) not in spec.model_dump_json()
    assert describe(reread, "data") == describe(spec, "data")
    with pytest.raises(DataError, match=r"workflow\.data\.make --suite"):
        make.ensure(reread, home / "data")
