"""COCO's layout, in small: verified, cut to splits without leaks, and refused when broken."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data import coco_files
from workflow.data import coco, make, subsets
from workflow.data.catalogue import resolve
from workflow.data.coco import Expected
from workflow.data.coco_names import COCO_CLASSES
from workflow.data.errors import DataError
from workflow.data.state import fingerprint, require_valid, verify

TRAIN, VAL, TUNE = 1200, 20, 100


def coco_content(images: int, seed: int, first: int) -> dict:
    """Categories as rare as in COCO: the n-th is shown by one image in n, all 80 at least once."""
    rng = np.random.default_rng(seed)
    data = coco_files.content(images, boxes=0, first_image=first)
    data["categories"] = [{"id": n + 1, "name": name} for n, name in enumerate(COCO_CLASSES)]
    annotations = []
    for place, image in enumerate(data["images"]):
        if place % 40 == 39:
            continue  # some images are empty
        shown = {place % 80} | set(np.flatnonzero(rng.random(80) < 0.5 / np.arange(1, 81)))
        for category in sorted(int(c) for c in shown):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image["id"],
                    "category_id": category + 1,
                    "bbox": [1.0, 2.0, 30.0, 20.0],
                    "area": 480.5,
                    "iscrowd": 0,
                    "segmentation": [[1.5, 2, 31, 2, 31, 22]],
                }
            )
    if images < 80:  # val must show every class too
        image = data["images"][0]["id"]
        for category in range(80):
            extra = {"id": len(annotations) + 1, "image_id": image, "category_id": category + 1}
            box = {"bbox": [1, 1, 9, 9], "area": 81, "iscrowd": 0, "segmentation": []}
            annotations.append(extra | box)
    data["annotations"] = annotations
    return data


@pytest.fixture(scope="module")
def contents() -> dict[str, dict]:
    return {"train2017": coco_content(TRAIN, 0, 1), "val2017": coco_content(VAL, 1, 9001)}


@pytest.fixture
def copy_of_coco(tmp_path, contents, monkeypatch) -> Path:
    root = tmp_path / "coco"
    (root / "annotations").mkdir(parents=True)
    expected = {}
    for part, content in contents.items():
        (root / part).mkdir()
        (root / "annotations" / f"instances_{part}.json").write_text(json.dumps(content))
        for image in content["images"]:
            picture = Image.new("RGB", (image["width"], image["height"]), (image["id"] % 255, 9, 9))
            picture.save(root / part / image["file_name"])
        expected[part] = Expected(len(content["images"]), len(content["annotations"]))
    monkeypatch.setattr(coco, "EXPECTED", expected)
    return root


def ids(path: Path) -> set[int]:
    return {image["id"] for image in json.loads(path.read_text())["images"]}


def make_set(name: str, root: Path, data: Path, **options: object):
    return make.ensure(resolve(name, {"tune": TUNE, **options}), data, root)


def test_the_papers_train_on_all_of_train2017(copy_of_coco, tmp_path):
    dataset = make_set("coco", copy_of_coco, tmp_path / "data")
    assert len(ids(dataset.splits["train"].annotations)) == TRAIN
    assert len(ids(dataset.splits["tune"].annotations)) == TUNE
    assert len(ids(dataset.splits["test"].annotations)) == VAL
    assert dataset.classes == COCO_CLASSES
    require_valid(dataset)


def test_held_out_images_are_not_trained_on(copy_of_coco, tmp_path):
    dataset = make_set("coco", copy_of_coco, tmp_path / "data", hold_out=True)
    train, tune = (ids(dataset.splits[s].annotations) for s in ("train", "tune"))
    assert not train & tune
    assert len(train) == TRAIN - TUNE


def test_a_fraction_keeps_every_category_its_share(copy_of_coco, tmp_path, contents):
    dataset = make_set("coco-10pct", copy_of_coco, tmp_path / "data")
    part = json.loads(dataset.splits["train"].annotations.read_text())
    assert len(part["images"]) == TRAIN // 10
    assert not ids(dataset.splits["train"].annotations) & ids(dataset.splits["tune"].annotations)

    def shown(content: dict) -> np.ndarray:
        pairs = {(a["image_id"], a["category_id"]) for a in content["annotations"]}
        return np.bincount([category for _, category in pairs], minlength=81)[1:]

    whole, tenth = shown(contents["train2017"]), shown(part)
    assert (tenth >= 1).all()
    common = whole >= 100
    assert common.any()
    assert (np.abs(tenth[common] / whole[common] - 0.1) < 0.04).all()
    assert part["annotations"][0]["segmentation"]  # masks are kept for those who need them
    for split in dataset.splits.values():
        for image in json.loads(split.annotations.read_text())["images"]:
            assert (split.images / image["file_name"]).is_file()


def test_fractions_are_the_same_every_time_and_other_with_another_seed(copy_of_coco, tmp_path):
    one = make_set("coco-10pct", copy_of_coco, tmp_path / "one")
    two = make_set("coco-10pct", copy_of_coco, tmp_path / "two")
    other = make_set("coco-10pct", copy_of_coco, tmp_path / "one", seed=1)
    text = [d.splits["train"].annotations.read_bytes() for d in (one, two, other)]
    assert text[0] == text[1] != text[2]
    assert fingerprint(one) == fingerprint(two) != fingerprint(other)


def test_a_copy_that_is_not_whole_is_refused_with_ids(copy_of_coco, tmp_path, capsys):
    (copy_of_coco / "train2017" / "0007.jpg").unlink()
    whole = (copy_of_coco / "val2017" / "9003.jpg").read_bytes()
    (copy_of_coco / "val2017" / "9003.jpg").write_bytes(whole[:-200])
    with pytest.raises(DataError) as caught:
        make_set("coco", copy_of_coco, tmp_path / "data")
    message = str(caught.value)
    assert "[missing-file], 1: 7 (" in message
    assert "[unreadable-image], 1: 9003 (" in message
    assert not list((tmp_path / "data").glob("coco*"))
    assert coco.main(["verify", str(copy_of_coco), "--decode", "all"]) == 2
    assert "NOT valid" in capsys.readouterr().out


def test_numbers_are_compared_with_what_was_published(copy_of_coco, monkeypatch, capsys):
    monkeypatch.setattr(coco, "EXPECTED", {**coco.EXPECTED, "val2017": Expected(5_000, 36_781)})
    assert coco.main(["verify", str(copy_of_coco)]) == 2
    out = capsys.readouterr().out
    assert "images (20 found, 5,000 expected)" in out


def test_the_published_numbers_are_the_official_ones():
    assert {
        "train2017": Expected(118_287, 860_001),
        "val2017": Expected(5_000, 36_781),
    } == coco.EXPECTED
    assert len(COCO_CLASSES) == len(set(COCO_CLASSES)) == 80


def test_boxes_that_coco_itself_got_wrong_are_told_and_tolerated(copy_of_coco, contents, capsys):
    changed = copy.deepcopy(contents["train2017"])
    changed["annotations"][3]["bbox"][3] = 0
    path = copy_of_coco / "annotations" / "instances_train2017.json"
    path.write_text(json.dumps(changed))
    assert coco.main(["verify", str(copy_of_coco)]) == 0
    assert "note: boxes of zero area [box-zero-area], 1: 4 (" in capsys.readouterr().out


def test_no_copy_at_all_says_how_to_get_one(tmp_path, capsys):
    assert make.main(["--name", "coco", "--root", str(tmp_path)]) == 2
    assert "workflow.data.fetch_coco" in capsys.readouterr().err


def test_an_image_that_changes_after_the_check_is_noticed(copy_of_coco, tmp_path):
    dataset = make_set("coco-10pct", copy_of_coco, tmp_path / "data")
    verify(dataset)
    (copy_of_coco / "val2017" / "9003.jpg").write_bytes(b"short")
    with pytest.raises(DataError, match="val2017: files were added, removed or changed"):
        make_set("coco-10pct", copy_of_coco, tmp_path / "data")


def test_so_few_images_that_shares_give_way_still_show_every_category(contents):
    content = contents["train2017"]
    taken = subsets.held_out(content, 90, seed=5)
    assert taken.sum() == 90
    assert subsets.presence(content)[taken].any(axis=0).all()


def test_not_every_image_can_be_held_out(contents):
    with pytest.raises(DataError, match="cannot hold 1200 of 1200"):
        subsets.held_out(contents["train2017"], TRAIN, seed=0)
