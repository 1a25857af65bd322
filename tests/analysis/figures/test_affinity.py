"""Whom a chosen cell looks at, from vectors whose products are known."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.figures.asked import Asked, middle_of_largest_box
from analysis.figures.attention import Scene, read_attention
from analysis.figures.relation import NETWORKS, Relation, correlation, related, relations
from tests.analysis.factory import MadeSuite

from ..looks import WIDTH, made_scene, write_attention
from . import made


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> MadeSuite:
    return made.complete_suite(tmp_path_factory.mktemp("affinity"), seeds=(0,))


def kept(tmp_path: Path, **scene: Any) -> Asked:
    write_attention(tmp_path, ["fkd"], [made_scene(1, **scene), made_scene(2, **scene)])
    own = read_attention(tmp_path)
    assert own is not None
    assert related(own) == ["fkd"]
    return Asked(own, "fkd", own.scenes, ())


def test_an_affinity_is_the_product_of_query_and_key_by_its_mean_size(tmp_path: Path) -> None:
    asked = kept(tmp_path)
    arrays = {name: array.astype(np.float64) for name, array in asked.own.arrays.items()}
    scene = asked.scenes[1]
    (point,) = asked.points[scene.id]
    assert point == pytest.approx((40 / 160, 47 / 128))
    for network, found in zip(NETWORKS, asked.maps[scene.id, point, 0], strict=True):
        query, key = (arrays[f"fkd.{network}_{what}/0"][1] for what in ("query", "key"))
        assert query.shape == (WIDTH, 16, 24)  # the image covers 16 by 20 cells of 8 pixels
        products = np.tensordot(query[:, 47 // 8, 40 // 8], key[:, :, :20], axes=(0, 0))
        assert found == pytest.approx(products / np.abs(products).mean())


def test_padding_and_scale_do_not_move_a_point(tmp_path: Path) -> None:
    asked = kept(tmp_path, scale=1.5, padded=256)
    relation = asked.relations[1][0][0]
    assert relation.shape == (24, 30)  # 128 and 160 pixels times 1.5, by 8
    assert (relation.down, relation.across) == pytest.approx((24, 30))
    assert relation.cell((0.0, 0.0)) == (0, 0)
    assert relation.cell((0.5, 0.5)) == (12, 15)
    assert relation.cell((1.0, 1.0)) == (23, 29)


def test_levels_of_too_few_cells_are_left_out(tmp_path: Path) -> None:
    asked = kept(tmp_path, width=70, height=70)
    shapes = {level: found[0].shape for level, found in asked.relations[1].items()}
    assert shapes == {0: (9, 9), 1: (4, 4), 2: (2, 2)}


def test_blocks_of_cells_relate_as_their_cells_do_on_average() -> None:
    rng = np.random.default_rng(0)
    whole = Relation(rng.normal(size=(3, 20, 30)), rng.normal(size=(3, 20, 30)), 29.5, 20)
    thin = whole.thinner(16)
    assert thin.shape == (10, 15)
    assert (thin.across, thin.down) == (14.75, 10)
    products = np.einsum("cab,cij->abij", whole.query, whole.key)
    means = products.reshape(10, 2, 15, 2, 10, 2, 15, 2).mean((1, 3, 5, 7))
    expected = means[4, 7] / np.abs(means[4, 7]).mean()
    assert thin.affinity(4, 7) == pytest.approx(expected)
    assert whole.thinner(30) is whole
    ragged = Relation(whole.query[:, :19], whole.key[:, :19], 30, 19).thinner(16)
    assert ragged.shape == (10, 15)
    assert ragged.key[:, 9] == pytest.approx(whole.key[:, 18].reshape(3, 15, 2).mean(2))


def test_a_block_without_vectors_looks_nowhere() -> None:
    nothing = np.zeros((2, 4, 4))
    assert (Relation(nothing, nothing, 4, 4).affinity(0, 0) == 0).all()
    assert correlation(np.zeros(4), np.arange(4)) is None
    assert correlation(np.arange(4), -np.arange(4)) == pytest.approx(-1)


def test_where_there_is_no_box_the_middle_is_asked() -> None:
    scene = Scene(**{**made_scene(1), "boxes": [], "labels": []})
    assert middle_of_largest_box(scene) == (0.5, 0.5)


def test_the_suites_images_and_points_are_drawn(suite: MadeSuite) -> None:
    points = [[0.2, 0.3], [0.9, 0.5]]
    first, *_ = made.drawn(suite, "affinity", ids=[2], points=points)
    assert "1 test images" in first.alt
    assert "a point that the suite names" in first.caption
    for level in ("P3", "P4", "P5", "P6"):
        assert f"{level} " in first.alt
    content = explorer_of(suite)
    assert content["image"] == "2"
    assert content["point"] == points[0]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"points": [[0.5, 1.5]]}, "points.0.1: Input should be less than or equal to 1"),
        ({"points": [[0.5]]}, "points.0.1: Field required"),
        ({"point": [[0.5, 0.5]]}, "point: Extra inputs are not permitted; options allowed: images"),
        ({"ids": [7]}, "ids: no maps were kept of image 7; kept: 1, 2"),
        ({"images": 0}, "images: Input should be greater than or equal to 1"),
    ],
)
def test_what_cannot_be_asked_is_told(
    suite: MadeSuite, capsys: pytest.CaptureFixture[str], options: dict[str, Any], told: str
) -> None:
    made.wish(suite, "affinity", **options)
    assert made.draw(suite, "--figure", "affinity") == 2
    said = capsys.readouterr().err
    assert "figure 'affinity' (affinity): " in said
    assert told in said


def test_the_page_gets_what_the_picture_was_drawn_from(suite: MadeSuite) -> None:
    """In whole steps of a 127th of each channel's largest value."""
    made.drawn(suite, "affinity")
    content = explorer_of(suite)
    folder = next(suite.runs_dir.glob("*/*/fkd/*"))
    own = read_attention(folder)
    assert own is not None
    exact = dict(relations(own, "fkd", own.scenes[0]))
    assert [level["name"] for level in content["levels"]] == ["P3", "P4", "P5", "P6"]
    for number, level in enumerate(content["levels"]):
        for network, relation in zip(level["networks"], exact[number], strict=True):
            shape = (WIDTH, level["rows"], level["columns"])
            query, key = (
                np.frombuffer(base64.b64decode(network[what]), np.int8).reshape(shape)
                for what in ("query", "key")
            )
            weighted = query * np.array(network["weights"])[:, None, None]
            for row, column in ((0, 0), (shape[1] - 1, shape[2] - 1)):
                found = np.einsum("c,chw->hw", weighted[:, row, column], key.astype(float))
                expected = relation.affinity(row, column)
                assert found / np.abs(found).mean() == pytest.approx(expected, abs=0.06)


def test_further_rows_are_linked_and_only_the_first_is_asked(tmp_path: Path) -> None:
    suite = made.complete_suite(tmp_path, seeds=(0,), pairs=2)
    first, second = made.drawn(suite, "affinity")
    assert not first.further
    assert set(first.files) == {"png", "pdf", "json"}
    assert second.further
    assert set(second.files) == {"png", "pdf"}


def explorer_of(suite: MadeSuite) -> dict[str, Any]:
    text = (suite.suite_dir / "figures" / "affinity.json").read_text()
    content: dict[str, Any] = json.loads(text)
    return content
