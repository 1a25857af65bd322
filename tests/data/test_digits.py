"""The embedded benchmark is what its page says: deterministic, varied, split without leaks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workflow.data import digits_options, make
from workflow.data.catalogue import DataSet, resolve
from workflow.data.crops import CropOptions, cut, cut_all, list_crops
from workflow.data.digits_options import CLASSES, SIDE, SPLITS
from workflow.data.errors import DataError
from workflow.data.folder import MANIFEST, check_manifest
from workflow.data.glyphs import deal, scans

SIZES = {"train": 120, "tune": 20, "test": 60}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    return make.ensure(resolve("digits", SIZES), tmp_path_factory.mktemp("data"))


def load(dataset: DataSet, split: str) -> dict:
    return json.loads(dataset.splits[split].annotations.read_text())


def digest_of(root: Path) -> dict[str, str]:
    files = (p for p in sorted(root.rglob("*")) if p.is_file())
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_same_options_give_the_same_bytes_whoever_draws_them(dataset, tmp_path):
    again = tmp_path / "again"
    again.mkdir()
    make.digits.make(digits_options.DigitsOptions(**SIZES), again, workers=1)
    made = {k: v for k, v in digest_of(dataset.root).items() if k != MANIFEST}
    assert {k: v for k, v in digest_of(again).items() if k != MANIFEST} == made
    assert len(made) == sum(SIZES.values()) + len(SPLITS)


def test_the_first_scene_is_the_published_one(dataset):
    """A golden: whoever changes the generator must give it another version."""
    pixels = np.asarray(Image.open(dataset.splits["train"].images / "000001.png"))
    assert hashlib.sha256(pixels.tobytes()).hexdigest()[:16] == "68544e1bb02124d0"


def test_another_seed_gives_another_set(dataset, tmp_path):
    other = make.ensure(resolve("digits", {**SIZES, "seed": 1}), tmp_path)
    assert other.root.name != dataset.root.name
    assert load(other, "train")["annotations"] != load(dataset, "train")["annotations"]


def test_a_larger_set_begins_with_the_smaller_one(dataset, tmp_path):
    larger = make.ensure(resolve("digits", {**SIZES, "tune": 30}), tmp_path)
    for image in load(dataset, "tune")["images"]:
        pair = [d.splits["tune"].images / image["file_name"] for d in (dataset, larger)]
        assert pair[0].read_bytes() == pair[1].read_bytes()


def test_splits_share_no_handwritten_digit(dataset):
    seen = {s: {a["scan"] for a in load(dataset, s)["annotations"]} for s in SPLITS}
    assert all(seen.values())
    for one, other in (("train", "tune"), ("train", "test"), ("tune", "test")):
        assert not seen[one] & seen[other]


@pytest.mark.parametrize("found", [True, False])
def test_the_scans_are_scikit_learns_own(found: bool, monkeypatch: pytest.MonkeyPatch):
    """Read from its file, and by itself where that is not found."""
    from sklearn.datasets import load_digits

    if not found:
        monkeypatch.setattr("workflow.data.glyphs.find_spec", lambda name: None)
    digits = load_digits()
    grey, classes = scans.__wrapped__()
    assert np.array_equal(grey, np.rint(digits.images * (255 / 16)).astype(np.uint8))
    assert np.array_equal(classes, digits.target)


def test_all_scans_are_dealt_once_and_keep_their_class():
    _, classes = scans()
    hands = deal(3)
    dealt = np.concatenate([hand for split in SPLITS for hand in hands[split]])
    assert sorted(dealt) == list(range(1797))
    for split in SPLITS:
        for label, hand in enumerate(hands[split]):
            assert len(hand) > 10
            assert (classes[hand] == label).all()


def test_every_class_size_and_count_occurs(dataset):
    content = load(dataset, "train")
    found = content["annotations"]
    assert {a["category_id"] for a in found} == set(range(1, 11))
    assert [c["name"] for c in content["categories"]] == list(CLASSES) == list(dataset.classes)
    areas = np.array([a["area"] for a in found])
    for low, high in content["info"]["area_limits"].values():
        assert 0.22 < ((areas >= low) & (areas < high)).mean() < 0.45
    counts = np.bincount([a["image_id"] for a in found], minlength=SIZES["train"] + 1)[1:]
    assert counts.min() == 0
    assert counts.max() == 8
    contrasts = [a["contrast"] for a in found]
    assert 70 <= min(contrasts) < 75 < 150 < max(contrasts) <= 170


def test_boxes_lie_in_the_image_and_digits_stay_visible(dataset):
    for split in SPLITS:
        for annotation in load(dataset, split)["annotations"]:
            x, y, width, height = annotation["bbox"]
            assert 0 <= x < x + width <= SIDE
            assert 0 <= y < y + height <= SIDE
            assert annotation["area"] == width * height
            assert 0.6 <= annotation["visible"] <= 1
    assert min(a["visible"] for a in load(dataset, "train")["annotations"]) < 0.9


def test_the_stated_mean_and_deviation_are_those_of_the_pixels(dataset):
    images = [Image.open(p) for p in sorted(dataset.splits["train"].images.iterdir())]
    pixels = np.stack([np.asarray(image) for image in images]).reshape(-1, 3)
    assert np.allclose(pixels.mean(axis=0), dataset.pixel_mean, atol=16)
    assert np.allclose(pixels.std(axis=0), dataset.pixel_std, atol=8)


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_set_is_told_of_and_not_used(damage, tmp_path, capsys):
    small = resolve("digits", {"train": 5, "tune": 2, "test": 3})
    dataset = make.ensure(small, tmp_path)
    victim = dataset.splits["test"].images / "000002.png"
    victim.unlink() if damage == "missing" else victim.write_bytes(b"else")
    with pytest.raises(DataError, match=rf"images/test/000002.png \({damage}\)"):
        make.ensure(small, tmp_path)


def test_an_interrupted_making_leaves_nothing_that_looks_finished(tmp_path, monkeypatch):
    small = resolve("digits", {"train": 5, "tune": 2, "test": 3})

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(make, "vouch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make.ensure(small, tmp_path)
    assert [p.name for p in tmp_path.iterdir() if not p.name.startswith(".")] == []
    monkeypatch.undo()
    check_manifest(make.ensure(small, tmp_path).root)


def test_the_program_says_what_is_wrong_and_exits_with_2(tmp_path, capsys):
    arguments = ["--name", "digits", "--root", str(tmp_path)]
    assert make.main([*arguments, "--option", "imges=3"]) == 2
    assert "imges" in capsys.readouterr().err
    assert make.main([*arguments, "--option", "images=many"]) == 2
    assert "whole number" in capsys.readouterr().err
    assert make.main([*arguments, "--option", "images={"]) == 2
    assert "--option 'images={': the value is not YAML" in capsys.readouterr().err
    assert make.main([*arguments, "--option", "images=12"]) == 0
    names = [p.name for p in tmp_path.glob("digits-*/images/*/*.png")]
    assert len(names) == 12


def test_crops_show_the_boxes_and_their_labels(dataset):
    options = CropOptions(size=16, minimum=6)
    crops = list_crops(dataset.splits["test"], dataset.classes, options)
    wanted = [a for a in load(dataset, "test")["annotations"] if min(a["bbox"][2:]) >= 6]
    assert [c.annotation for c in crops] == [a["id"] for a in wanted]
    assert [c.label for c in crops] == [a["category_id"] - 1 for a in wanted]
    squares = cut_all(crops, options.size)
    assert squares.shape == (len(crops), 16, 16, 3)
    for number in (0, len(crops) - 1):
        with Image.open(crops[number].image) as image:
            assert (cut(image, crops[number].box, 16) == squares[number]).all()


def test_a_crop_samples_like_a_spatial_transformer():
    """The oracle is torch's own affine grid with the paper's matrix."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    width, height, (x1, y1, x2, y2) = 60, 40, (-6.0, 5.0, 31.0, 44.0)
    matrix = torch.tensor(
        [
            [(x2 - x1) / width, 0, -1 + (x1 + x2) / width],
            [0, (y2 - y1) / height, -1 + (y1 + y2) / height],
        ]
    )
    grid = torch.nn.functional.affine_grid(matrix[None], [1, 3, 24, 24], align_corners=False)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    expected = torch.nn.functional.grid_sample(image, grid, align_corners=False)
    found = cut(Image.fromarray(pixels), (x1, y1, x2, y2), 24)
    assert np.abs(found - expected[0].permute(1, 2, 0).numpy()).max() <= 1.5
