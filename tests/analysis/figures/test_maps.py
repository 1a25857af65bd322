"""Where maps lie over images, and on which scale."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text

from analysis.errors import AnalysisError
from analysis.figures.attention import Attention, Scene, read_attention
from analysis.figures.courses import REGIONS, compare, held_against
from analysis.figures.heat import Heat, common, mean_one
from analysis.figures.labels import label_points
from analysis.figures.mosaic import GAP, Mosaic
from analysis.figures.style import METHOD_COLOURS, looks, new_figure

from ..looks import made_scene, write_attention

WIDE = Scene(
    id=1, file_name="1.png", height=60, width=100, padded_height=64, padded_width=128, scale=1.0
)


def test_padding_is_cropped_and_cells_keep_their_place() -> None:
    values = np.arange(8 * 16, dtype=float).reshape(8, 16)  # stride 8
    shown = WIDE.over_image(values, (60, 100))
    assert shown.shape == (60, 100)
    rows, columns = np.mgrid[0:60, 0:100]
    assert np.array_equal(shown, values[rows // 8, columns // 8])
    assert values[:, 13:].min() not in shown, "columns 13 to 15 are padding"


def test_a_resized_input_is_scaled_back() -> None:
    scene = WIDE.model_copy(update={"scale": 2.0, "padded_height": 128, "padded_width": 256})
    values = np.arange(16 * 32, dtype=float).reshape(16, 32)  # stride 8 of the input
    shown = scene.over_image(values, (60, 100))
    rows, columns = np.mgrid[0:60, 0:100]
    assert np.array_equal(shown, values[rows // 4, columns // 4])


@pytest.mark.parametrize("size", [(30, 50), (120, 200), (61, 99)])
def test_a_box_keeps_to_its_cells_at_any_size(size: tuple[int, int]) -> None:
    """What is high in the box's cells alone is shown high in the box alone."""
    scene = WIDE.model_copy(update={"boxes": [(16.0, 24.0, 48.0, 40.0)]})
    inside = scene.inside((8, 16), 8).astype(float)
    assert inside.sum() == 4 * 2
    shown = scene.over_image(inside, size)
    ys = (np.arange(size[0]) + 0.5) * 60 / size[0]
    xs = (np.arange(size[1]) + 0.5) * 100 / size[1]
    box = np.outer((ys >= 24) & (ys < 40), (xs >= 16) & (xs < 48))
    assert np.array_equal(shown, box)


def test_valid_cells_have_their_centre_in_the_image() -> None:
    valid = WIDE.valid((8, 16), 8)
    assert valid.sum() == 7 * 12  # centres up to 52 + 4 < 60 and 92 + 4 < 100
    assert valid[6, 11]
    assert not valid[7, 0]
    assert not valid[0, 12]


def test_one_scale_is_a_power_of_two_that_reaches_nearly_everything() -> None:
    rng = np.random.default_rng(0)
    values = np.exp(rng.normal(0, 1, (20, 20)))
    heat = common([values, values / 2])
    assert np.log2(heat.top) == round(np.log2(heat.top))
    assert (values <= heat.top).mean() > 0.98
    assert common([np.ones((2, 2))]).top == 2.0


def test_colours_rise_with_the_value_and_hidden_is_black() -> None:
    heat = Heat(4.0)
    ramp = np.geomspace(1 / 4, 4, 50)[None]
    luminance = heat.colours(ramp) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance[0]) > -1e-9).all()
    assert (heat.colours(np.zeros((1, 1))) == 0).all()
    assert np.array_equal(heat.colours(np.array([[4.0]])), heat.colours(np.array([[400.0]])))
    top, middle, bottom = heat.norm(np.array([4.0, 1.0, 0.25]))
    assert (top, middle, bottom) == pytest.approx((1.0, 0.5, 0.0))


def test_errors_are_shown_by_their_mean() -> None:
    assert mean_one(np.array([1.0, 3.0])).tolist() == [0.5, 1.5]
    assert mean_one(np.zeros(3)).tolist() == [0, 0, 0]


def test_panels_do_not_touch_and_small_ones_are_centred() -> None:
    mosaic = Mosaic(2, 2, (10, 20))
    corner = mosaic.add(1, 1, np.zeros((4, 20, 3)))
    assert corner == (10 + GAP + 3, 20 + GAP)
    assert mosaic.canvas.shape == (20 + GAP, 40 + GAP, 3)
    assert (mosaic.canvas == 0).all(axis=2).sum() == 4 * 20


def test_agreement_of_equal_maps_is_whole_and_of_opposite_ones_is_minus_one() -> None:
    rng = np.random.default_rng(0)
    one = 1 + 0.5 * rng.random(50)
    correlation, kl = compare(one, one) or (0.0, 0.0)
    assert (correlation, kl) == pytest.approx((1.0, 0.0), abs=1e-9)
    opposite = compare(one, 3 - one)
    assert opposite is not None
    assert opposite[0] == pytest.approx(-1.0)
    assert opposite[1] > 0
    assert compare(one[:2], one[:2]) is None
    assert compare(np.ones(9), one[:9]) is None


def test_a_baseline_is_held_against_the_teacher_of_another_row(tmp_path: Path) -> None:
    scenes = [made_scene(1), made_scene(2)]
    for name, methods in (("alone", []), ("taught", ["mgd"])):
        (tmp_path / name).mkdir()
        write_attention(tmp_path / name, methods, scenes)
    alone, taught = (read_attention(tmp_path / name) for name in ("alone", "taught"))
    assert alone is not None
    assert taught is not None
    found = held_against(taught, alone, 100)
    assert sorted(found["iteration"].unique()) == [0, 100]
    assert set(found["region"]) == set(REGIONS)
    finest = found[(found["level"] == "P3") & (found["region"] == "all")].set_index("iteration")
    assert finest.loc[100, "correlation"] > finest.loc[0, "correlation"] + 0.2
    teacher = taught.arrays["teacher/0"]
    student = alone.arrays["student/0"]
    valid = alone.scenes[0].valid(teacher.shape[1:], 8)
    expected = np.mean(
        [np.corrcoef(t[valid], s[valid])[0, 1] for t, s in zip(teacher, student, strict=True)]
    )
    assert finest.loc[100, "correlation"] == pytest.approx(expected)


def test_a_baseline_that_kept_maps_on_its_way_has_a_whole_course(tmp_path: Path) -> None:
    write_attention(tmp_path, ["mgd"], [made_scene(1), made_scene(2)])
    taught = read_attention(tmp_path)
    assert taught is not None
    arrays = {
        name.replace(what, own): values
        for name, values in taught.arrays.items()
        for what, own in (("before/", "student@0/"), ("teacher/", "student@50/"))
        if name.startswith(what)
    }
    alone = Attention(taught.meta, arrays | {"student/0": taught.arrays["student/0"]})
    found = held_against(taught, alone, 100)
    assert sorted(found["iteration"].unique()) == [0, 50]
    whole = found[(found["region"] == "all") & (found["iteration"] == 50)]
    assert whole["correlation"].tolist() == pytest.approx([1.0] * len(whole))
    assert whole["kl"].tolist() == pytest.approx([0.0] * len(whole), abs=1e-6)


def test_meta_that_does_not_fit_its_arrays_is_refused(tmp_path: Path) -> None:
    meta = {"images": [made_scene(1)], "levels": [], "temperature": 0.5}
    np.savez(tmp_path / "attention.npz", meta=json.dumps(meta), **{"student/0": np.ones((2, 4, 4))})
    with pytest.raises(AnalysisError, match=r"lists 1 images, the arrays hold \[2\]"):
        read_attention(tmp_path)


def test_looks_are_stable_by_name_and_all_different() -> None:
    every = [("baseline", ()), *((name, (name,)) for name in METHOD_COLOURS)]
    alone = looks([("amd", ("amd",))])
    whole = looks([*every, ("amd-mask-only", ("amd",)), ("mine", ("mine",))])
    assert whole["amd"] == alone["amd"]
    assert looks(every[::-1])["fgd"] == whole["fgd"]
    assert len({(look.colour, look.marker, look.dash) for look in whole.values()}) == len(whole)
    assert len({look.colour for look in whole.values()}) == len(whole)


def test_labels_of_near_points_do_not_cover_each_other() -> None:
    figure = new_figure(4, 3)
    axes = figure.subplots()
    points = [(0.0, 0.0), (0.02, 0.03), (0.01, -0.03), (1.0, 1.0)]
    for point in points:
        axes.plot(*point, "o")
    axes.margins(0.2)
    label_points(axes, points, ["first", "second", "third", "far away"])
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = [text.get_window_extent(renderer) for text in axes.texts if not text.arrow_patch]
    assert len(axes.texts) == len(points)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_a_long_label_at_the_edge_goes_further_away_to_find_a_place() -> None:
    figure = new_figure(4, 3.2)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 400), ylim=(0, 320))  # a unit is a pixel
    wall = [(300.0, float(height)) for height in range(110, 211, 10)]
    points = [*wall, (370.0, 160.0)]
    label_points(axes, points, [*("-" for _ in wall), "as long as a third of the frame"])
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    box = Text.get_window_extent(axes.texts[-1], renderer)
    assert not any(box.contains(*point) for point in points)
    assert box.x1 <= 400
