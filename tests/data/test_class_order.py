"""Labels follow the set's classes, however each split numbers and orders its categories."""

from __future__ import annotations

import dataclasses
import json
from itertools import chain
from pathlib import Path

import pytest

import workflow.compat

workflow.compat.install()

from tests.data import coco_files  # noqa: E402
from tests.data.test_user_set import options  # noqa: E402
from workflow.data import make  # noqa: E402
from workflow.data.catalogue import DataSet, resolve  # noqa: E402
from workflow.data.crops import CropOptions, list_crops  # noqa: E402
from workflow.data.errors import DataError  # noqa: E402
from workflow.running import loading  # noqa: E402
from workflow.running.errors import UserError  # noqa: E402

IDS = {"train": {"cat": 5, "dog": 10, "hen": 15}, "test": {"hen": 7, "cat": 9, "dog": 2}}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for split, images, first in (("train", 30, 1), ("test", 6, 100)):
        content = coco_files.content(images=images, first_image=first)
        renumbered = {IDS["train"][name]: id for name, id in IDS[split].items()}
        for item in content["annotations"]:
            item["category_id"] = renumbered[item["category_id"]]
        content["categories"] = [{"id": id, "name": name} for name, id in IDS[split].items()]
        coco_files.write(tmp_path, split, content)
    return tmp_path


def names_by_category(split: str) -> dict[int, str]:
    return {id: name for name, id in IDS["test" if split == "test" else "train"].items()}


def shown(data: DataSet, split: str) -> list[list[str]]:
    """Names of every image's boxes, by the file alone."""
    content = json.loads(data.splits[split].annotations.read_text())
    names = names_by_category(split)
    found: dict[int, list[str]] = {image["id"]: [] for image in content["images"]}
    for item in content["annotations"]:
        found[item["image_id"]].append(names[item["category_id"]])
    return list(found.values())


@pytest.mark.parametrize("classes", [None, ["hen", "dog", "cat"], ["cat", "hen", "dog"]])
def test_detector_crops_and_predictions_agree_on_every_split(home, classes):
    asked = options("train", "test") | ({"classes": classes} if classes else {})
    data = make.ensure(resolve("pets", asked, home), home / "data")
    assert data.classes == (tuple(classes) if classes else ("dog", "hen", "cat"))
    for split in data.splits:
        opened = loading.open_split(data, split, [], training=split == "train")
        labels = [
            [data.classes[box["bbox_label"]] for box in opened.get_data_info(n)["instances"]]
            for n in range(len(opened))
        ]
        assert labels == shown(data, split)
        names = names_by_category(split)
        assert tuple(names[id] for id in opened.cat_ids) == data.classes
        crops = list_crops(data.splits[split], data.classes, CropOptions())
        assert [data.classes[crop.label] for crop in crops] == [*chain(*shown(data, split))]


def test_a_split_with_other_names_is_refused_in_one_line(home):
    content = coco_files.content(images=6, first_image=100)
    content["categories"][1]["name"] = "cow"
    coco_files.write(home, "test", content)
    spec = resolve("pets", options("train", "test"), home)
    with pytest.raises(DataError) as caught:
        make.ensure(spec, home / "data")
    assert str(caught.value) == (
        f"{home / 'train.json'}: `categories`: found 'dog' that are no classes of the set, and "
        "lacks 'cow'; every split has the set's classes, in any order: cat, cow, hen"
    )


def test_a_class_named_twice_is_refused(home):
    asked = options("train", "test") | {"classes": ["cat", "dog", "cat", "hen"]}
    with pytest.raises(DataError, match=r"options\.classes: every name once, found .* cat$"):
        resolve("pets", asked, home)


def test_a_file_without_one_of_the_classes_is_not_opened(home):
    data = make.ensure(resolve("pets", options("train", "test"), home), home / "data")
    more = dataclasses.replace(data, classes=("cow", *data.classes))
    with pytest.raises(UserError, match=r"test\.json: `categories` lacks 'cow' of .*; found 'hen'"):
        loading.open_split(more, "test", [])
