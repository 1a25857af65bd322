"""`attend` on a student that was really trained; agreement on maps whose agreement is known."""

from __future__ import annotations

import csv
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from analysis.figures.attention import read_attention
from analysis.figures.relation import related, relations
from tests.running.tiny import ITERATIONS, Tiny
from workflow import attend, train
from workflow.distill.taps import Level
from workflow.running import agreement
from workflow.running import attention as maps

SIDE, STRIDES = 128, (8, 16, 32, 64)


@pytest.fixture(scope="module")
def attended(tiny: Tiny) -> Path:
    spec = tiny.student("amd")
    assert train.main(tiny.arguments(spec, "--snapshots", "3")) == 0
    as_saved_on_a_gpu(tiny.root / spec.id / "work" / "methods.pth")
    assert attend.main(tiny.arguments(spec, "--images", "3")) == 0
    return tiny.root / spec.id


def as_saved_on_a_gpu(path: Path) -> None:
    """What is trained on a GPU can be looked at without one: the file says where tensors lay."""
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    (pickled,) = (name for name in records if name.endswith("/data.pkl"))
    # Strings of a pickle carry their length.
    here, there = (b"X" + struct.pack("<I", len(tag)) + tag for tag in (b"cpu", b"cuda:0"))
    assert here in records[pickled]
    records[pickled] = records[pickled].replace(here, there)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in records.items():
            archive.writestr(name, content)


def test_attention_of_teacher_student_and_the_student_before(attended: Path) -> None:
    with np.load(attended / "attention.npz") as arrays:
        meta = json.loads(str(arrays["meta"]))
        for what in ("teacher", "student", "before"):
            for index, stride in enumerate(STRIDES):
                found = arrays[f"{what}/{index}"]
                assert found.shape == (3, SIDE // stride, SIDE // stride)
                assert found.mean((1, 2)) == pytest.approx(1, abs=1e-4)
        assert not np.allclose(arrays["student/0"], arrays["before/0"])
        assert not np.allclose(arrays["student/0"], arrays["teacher/0"])
    assert meta["levels"] == [
        {"name": f"P{level}", "stride": stride}
        for level, stride in zip((3, 4, 5, 6), STRIDES, strict=True)
    ]
    assert meta["temperature"] == 0.5
    for image in meta["images"]:
        assert (image["height"], image["width"], image["scale"]) == (SIDE, SIDE, 1.0)
        assert (image["padded_height"], image["padded_width"]) == (SIDE, SIDE)
        assert len(image["boxes"]) == len(image["labels"]) > 0


def test_the_methods_own_maps_are_there(attended: Path) -> None:
    with np.load(attended / "attention.npz") as arrays:
        masks = [name for name in arrays if name.startswith("amd.mask/")]
        gates = [name for name in arrays if name.startswith("amd.gate/")]
        assert len(masks) == len(gates) == len(STRIDES)
        assert set(np.unique(arrays["amd.mask/0"])) <= {0.0, 1.0}
        assert arrays["amd.gate/0"].shape == (3, 16)


def test_queries_and_keys_are_thinned_without_changing_what_blocks_of_cells_relate() -> None:
    torch.manual_seed(0)
    query, key = torch.randn(2, 2, 3, 33, 50).unbind()  # each (N, C, H, W)
    thin_q, thin_k = (maps.thinned(vectors).astype(np.float64) for vectors in (query, key))
    assert thin_q.shape == (2, 3, 17, 25)  # blocks of 2 by 2 cells, the last row half of one
    assert np.abs(thin_q).max(axis=(1, 2, 3)) == pytest.approx([1, 1])
    products = torch.einsum("ncab,ncij->nabij", query[..., :32, :], key[..., :32, :])
    blocks = products.reshape(2, 16, 2, 25, 2, 16, 2, 25, 2).mean((2, 4, 6, 8))
    found = np.einsum("ncab,ncij->nabij", thin_q[:, :, :16], thin_k[:, :, :16])
    for own, wanted in zip(found, blocks.numpy(), strict=True):
        assert np.corrcoef(own.ravel(), wanted.ravel())[0, 1] > 0.9999
    assert maps.thinned(torch.zeros(1, 3, 2, 2)).tolist() == np.zeros((1, 3, 2, 2)).tolist()


def test_what_fkd_relates_cells_by_is_there_for_the_figures(tiny: Tiny) -> None:
    spec = tiny.student("fkd")
    assert train.main(tiny.arguments(spec)) == 0
    assert attend.main(tiny.arguments(spec, "--images", "2")) == 0
    own = read_attention(tiny.root / spec.id)
    assert own is not None
    assert related(own) == ["fkd"]
    found = dict(relations(own, "fkd", own.scenes[0]))
    for level, (teacher, student) in found.items():
        side = SIDE // STRIDES[level]
        assert teacher.shape == student.shape == (side, side)
        assert own.arrays[f"fkd.teacher_key/{level}"].dtype == np.float16
        assert not np.allclose(teacher.affinity(0, 0), student.affinity(0, 0))
    assert list(found) == [0, 1, 2, 3]


def test_queries_and_keys_are_kept_by_level() -> None:
    levels = (Level(channels=8, stride=8), Level(channels=8, stride=16))
    pyramid = (torch.randn(1, 4, 2, 2), torch.randn(1, 4, 1, 1))
    found = maps.by_level("fkd.teacher_key", pyramid, (8, 16), levels)
    assert [one.shape for one in found.values()] == [(1, 4, 2, 2), (1, 4, 1, 1)]
    assert maps.by_level("amd.gate", pyramid[1:], (16,), levels)[1].shape == (1, 4)


def test_agreement_at_every_snapshot(attended: Path) -> None:
    with (attended / "agreement.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {int(row["iteration"]) for row in rows} == {0, ITERATIONS // 2, ITERATIONS}
    assert {row["region"] for row in rows} == {"all", "inside", "outside"}
    assert {row["level"] for row in rows} == {"P3", "P4", "P5", "P6"}
    assert len(rows) == 3 * 3 * 4
    last = [row for row in rows if int(row["iteration"]) == ITERATIONS]
    for row in rows:
        # Whether there are cells enough to say is a matter of the boxes, whatever the snapshot.
        (end,) = (one for one in last if all(one[n] == row[n] for n in ("region", "level")))
        assert bool(row["correlation"]) == bool(row["kl"]) == bool(end["correlation"])
        if row["correlation"]:
            assert -1 <= float(row["correlation"]) <= 1
            assert float(row["kl"]) > 0


def test_agreement_at_the_end_is_that_of_the_maps_which_are_kept(attended: Path) -> None:
    with (attended / "agreement.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["iteration"]) == ITERATIONS]
    told = {(row["level"], row["region"]): [row["correlation"], row["kl"]] for row in rows}
    with np.load(attended / "attention.npz") as arrays:
        images = json.loads(str(arrays["meta"]))["images"]
        for index, level in enumerate(("P3", "P4", "P5", "P6")):
            pair = [arrays[f"{who}/{index}"].astype(float) for who in ("teacher", "student")]
            expected = agreement_of(*pair, [image["boxes"] for image in images], STRIDES[index])
            assert expected["all"]
            for region, values in expected.items():
                found = [float(value) for value in told[level, region] if value]
                mean = np.mean(values, axis=0).tolist() if values else []
                assert found == pytest.approx(mean, rel=1e-3, abs=1e-5), (level, region)


def agreement_of(
    teacher: np.ndarray,  # (N, h, w)
    student: np.ndarray,  # (N, h, w)
    boxes: list[list[list[float]]],
    stride: int,
) -> dict[str, list[tuple[float, float]]]:
    """Region -> (correlation, KL divergence) of every image with cells enough; no padding."""
    found: dict[str, list[tuple[float, float]]] = {"all": [], "inside": [], "outside": []}
    centres = (np.arange(SIDE // stride) + 0.5) * stride  # (h,), and of columns too
    for p, q, own in zip(teacher, student, boxes, strict=True):
        inside = np.zeros(p.shape, bool)
        for x1, y1, x2, y2 in own:
            down, across = (centres >= y1) & (centres < y2), (centres >= x1) & (centres < x2)
            inside |= down[:, None] & across
        regions = {"all": np.ones_like(inside), "inside": inside, "outside": ~inside}
        for region, cells in regions.items():
            if cells.sum() >= 3:
                both = p[cells], q[cells]
                found[region].append((np.corrcoef(*both)[0, 1], entropy(*both)))
    return found


def test_a_baseline_has_no_teacher_to_be_compared_with(tiny: Tiny, baseline: Path) -> None:
    spec = tiny.student("baseline")
    assert attend.main(tiny.arguments(spec, "--images", "2")) == 0
    with np.load(baseline / "attention.npz") as arrays:
        assert {name.split("/")[0] for name in arrays} == {"meta", "student", "before"}
    assert not (baseline / "agreement.csv").exists()


def test_equal_maps_agree_and_opposite_ones_do_not() -> None:
    map_, every = np.random.default_rng(0).random((6, 6)) + 0.1, np.ones((6, 6), bool)
    correlation, divergence = agreement.compare(map_, map_, every) or (0, 1)
    assert correlation == pytest.approx(1)
    assert divergence == pytest.approx(0, abs=1e-9)
    correlation, divergence = agreement.compare(map_, 2 - map_, every) or (1, 0)
    assert correlation == pytest.approx(-1)
    assert divergence > 0
    assert agreement.compare(map_, map_, every & False) is None
    assert agreement.compare(np.ones((6, 6)), map_, every) is None


def test_cells_are_inside_where_their_centre_is() -> None:
    inside = agreement.inside_boxes([(8, 16, 24, 32)], scale=2.0, stride=16, shape=(8, 8))
    # Cells are 8 image pixels wide, with centres at 4, 12, 20, 28 ...
    assert np.argwhere(inside).tolist() == [[2, 1], [2, 2], [3, 1], [3, 2]]
    valid = agreement.in_image((40, 128), stride=16, shape=(8, 8))
    assert valid.sum() == 2 * 8
