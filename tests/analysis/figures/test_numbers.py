"""What figures say is what the runs say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.errors import AnalysisError
from analysis.evaluate_input import check_annotations, check_detections
from analysis.figures.cost import pareto_front
from analysis.figures.gallery import shown_part
from analysis.history import read_histories
from analysis.per_image import image_scores

from ..factory import make_suite
from ..looks import add_attention, add_curves, add_histories
from ..scenes import make_scene
from . import made


def write_history(folder: Path, losses: list[float]) -> Path:
    folder.mkdir()
    frame = pd.DataFrame({"iteration": [10, 20, 30], "loss_cls": losses, "loss_box": [1.0] * 3})
    frame["acc"] = 90.0  # two-stage heads log it
    frame["distill.mgd.rebuild"] = 5.0
    frame["measure.mgd.hidden"] = 0.5
    frame.to_csv(folder / "history.csv", index=False)
    curve = pd.DataFrame({"iteration": [0, 30], "split": "tune", "images": 9, "AP": [0.0, 12.0]})
    curve.to_csv(folder / "curve.csv", index=False)
    return folder


def test_courses_are_means_with_student_t_bands(tmp_path: Path) -> None:
    folders = [write_history(tmp_path / str(n), [3.0 + n, 2.0, 1.0 + n]) for n in range(3)]
    histories = read_histories(folders)
    assert histories.detector_terms == ["loss_cls", "loss_box"]
    assert histories.terms[-1] == "distill.mgd.rebuild"
    course = histories.course(*histories.detector_terms)
    assert course is not None
    assert course.mean.tolist() == [5.0, 3.0, 3.0]
    low, high = stats.t.interval(0.95, 2, loc=5.0, scale=1.0 / np.sqrt(3))
    assert course.low is not None
    assert course.high is not None
    assert (course.low[0], course.high[0]) == pytest.approx((low, high))
    measured = histories.ap()
    assert measured is not None
    assert (measured.iterations.tolist(), measured.mean.tolist()) == ([0, 30], [0.0, 12.0])
    assert histories.measured_on == {"tune split (9 images)"}


def test_one_seed_has_no_band_and_no_history_no_course(tmp_path: Path) -> None:
    (course,) = [
        read_histories([write_history(tmp_path / "a", [3.0, 2.0, 1.0])]).course("loss_cls")
    ]
    assert course is not None
    assert (course.n, course.low, course.high) == (1, None, None)
    assert read_histories([tmp_path]).frames == ()
    (tmp_path / "history.csv").write_text("step,loss\n1,2\n")
    with pytest.raises(AnalysisError, match="`iteration` is missing"):
        read_histories([tmp_path])


def test_the_front_holds_what_nothing_beats() -> None:
    points = [(1.0, 0.0), (2.0, 3.0), (2.0, 2.0), (3.0, 1.0), (4.0, 3.0), (5.0, 4.0)]
    front = pareto_front(points)
    assert front == [0, 1, 5]
    for place, (cost, gain) in enumerate(points):
        beaten = any(
            c <= cost and g >= gain and (c, g) != (cost, gain)
            for other, (c, g) in enumerate(points)
            if other != place
        )
        assert (place in front) == (not beaten)


def test_images_are_counted_one_by_one() -> None:
    content, results = make_scene(3, images=6, crowd_share=0.0)
    annotations = check_annotations(content, "truth")
    found = check_detections(results, annotations, "found")
    scores = image_scores(annotations, found)
    for place, image in enumerate(annotations.image_ids):
        own = [entry for entry in results if entry["image_id"] == image]
        alone = {
            **content,
            "annotations": [a for a in content["annotations"] if a["image_id"] == image],
        }
        truth = check_annotations(alone, "alone")
        shown = [entry for entry in own if entry["score"] >= scores.threshold]
        expected = _right_less_wrong(truth.truth["annotations"], shown)
        assert scores.values[place] == pytest.approx(expected), image


def _right_less_wrong(truth: list[dict], shown: list[dict]) -> float:
    """Greedy matching, written down again box by box."""
    total = 0.0
    for threshold in np.linspace(0.5, 0.95, 10):
        taken: set[int] = set()
        for entry in sorted(shown, key=lambda e: -e["score"]):
            overlaps = [
                (_overlap(entry["bbox"], box["bbox"]), -number)
                for number, box in enumerate(truth)
                if box["category_id"] == entry["category_id"] and number not in taken
            ]
            best = max(overlaps, default=(0.0, 0))
            if best[0] >= threshold:
                taken.add(-best[1])
                total += 1
            else:
                total -= 1
    return total / 10


def _overlap(one: list[float], other: list[float]) -> float:
    sides = [
        max(0.0, min(one[i] + one[i + 2], other[i] + other[i + 2]) - max(one[i], other[i]))
        for i in (0, 1)
    ]
    shared = sides[0] * sides[1]
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def test_effects_say_the_differences_of_the_table(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, seeds=(0, 1, 2))
    (page,) = made.drawn(suite, "effects")
    seeds = (0, 1, 2)
    for row, title in (("mgd", "MGD"), ("amd", "AMD")):
        gains = [
            suite.value("pair-a", row, s) - suite.value("pair-a", "baseline", s) for s in seeds
        ]
        assert f"{title} +{np.mean(gains):.2f} [" in page.alt
    assert "3 runs a row." in page.caption


def test_one_seed_says_that_there_is_no_interval(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, seeds=(0,))
    add_histories(suite)
    for kind in ("effects", "curves", "cost"):
        page = made.drawn(suite, kind)[0]
        assert "One run a row, so no interval over seeds." in page.caption
        assert "intervals over seeds, not widened" not in page.caption


def test_rows_that_did_not_run_are_named(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, seeds=(0,))
    suite.edit("pair-a", "amd", 0, status="failed", reason="loss became NaN")
    (page,) = made.drawn(suite, "effects")
    assert "Not drawn: AMD (failed: loss became NaN)." in page.caption
    assert "AMD" not in page.alt


def test_errors_say_the_baselines_less_the_methods(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, seeds=(0,), predictions=True)
    (page,) = made.drawn(suite, "errors")
    folder = suite.folder("pair-a", "baseline", 0)
    for name in ("predictions.json.gz", "metrics.json"):
        (suite.folder("pair-a", "mgd", 0) / name).write_bytes((folder / name).read_bytes())
    (same,) = made.drawn(suite, "errors")
    assert "MGD: class 0.00, location 0.00" in same.alt
    assert "MGD: class 0.00, location 0.00, class and location 0.00" not in page.alt


def test_a_row_does_not_fall_for_a_pair_that_others_lack(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, pairs=2, rows={"baseline": 40.0, "mgd": 44.0, "amd": 43.0})
    for seed in range(3):
        suite.edit("pair-b", "mgd", seed, "metrics.json", AP=0.1)
        suite.edit("pair-b", "amd", seed, status="failed", reason="stopped")
    (page,) = made.drawn(suite, "effects")
    assert page.alt.index("MGD") < page.alt.index("AMD")
    assert "over the pairs that most rows have" in page.caption


def test_sweeps_place_the_values_in_order(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=made.SWEEP, seeds=(0, 1))
    made.change_plan(suite, "amd-theta-0.5", theta=0.5)
    made.change_plan(suite, "amd-theta-1.5", theta=1.5)
    (page,) = made.drawn(suite, "sweep", "parts")
    mean = {row: np.mean([suite.value("pair-a", row, s) for s in (0, 1)]) for row in made.SWEEP}
    assert f"0.5: {mean['amd-theta-0.5']:.1f}, 1.5: {mean['amd-theta-1.5']:.1f}" in page.alt
    assert f"AMD as it is: {mean['amd']:.1f}" in page.alt
    assert f"baseline: {mean['baseline']:.1f}" in page.alt
    (own,) = made.drawn(suite, "sweep", "parts", own=1.0)
    assert f"0.5: {mean['amd-theta-0.5']:.1f}, 1.0: {mean['amd']:.1f}" in own.alt


def test_an_atlas_says_where_the_maps_lie(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, seeds=(0,))
    add_attention(suite)
    pages = made.drawn(suite, "atlas")
    assert (
        "levels P3, P4, P5, P6 by teacher, student before (Student), student after (Student)"
        in pages[0].alt
    )
    assert "AMD mask" in pages[0].alt
    assert "test images are not below" in pages[0].caption
    ratios = pages[0].alt.split("finest level: ")[1]
    values = dict(part.rsplit(" ", 1) for part in ratios.rstrip(".").split(", "))
    shown = ("teacher", "student after (Student)", "student before (Student)")
    teacher, after, before = (float(values[name]) for name in shown)
    assert teacher > after > before


def test_many_rows_get_a_panel_each_beside_the_baseline(tmp_path: Path) -> None:
    rows = {"baseline": 40.0, **{f"mgd-{letter}": 41.0 for letter in "abcdef"}}
    suite = make_suite(tmp_path, rows=rows, seeds=(0, 1))
    add_histories(suite)
    pages = made.drawn(suite, "curves")
    assert [page.name for page in pages] == ["curves", "curves-pair-a-rows", "curves-pair-a"]
    assert "AP was not measured on the way" in pages[0].caption
    add_curves(suite)
    pages = made.drawn(suite, "curves")
    assert [page.name for page in pages][1:3] == ["curves-pair-a-ap", "curves-pair-a-rows"]
    titles = [page.title.removeprefix("The curves: ") for page in pages]
    assert titles == [
        "AP on the way and loss of the detector, all rows",
        "AP on the way, row by row, RetinaNet 1",
        "loss of the detector, row by row, RetinaNet 1",
        "every loss term, RetinaNet 1",
    ]


def test_few_rows_share_a_panel_and_ap_says_what_it_is_of(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, seeds=(0, 1))
    add_histories(suite)
    add_curves(suite)
    first, *others = made.drawn(suite, "curves")
    assert [page.name for page in others] == ["curves-pair-a"]
    assert "AP on the way: on the tune split (30 images)" in first.caption
    told = first.alt.split("AP on the way: ")[1]
    rises = {part.split(" (")[0]: part.rsplit(") ", 1)[1].split(", ") for part in told.split("; ")}
    assert set(rises) == {"Student", "MGD", "AMD", "amd-mask-only", "FGD"}
    assert all(float(rise[0]) == 0 < float(rise[1].rstrip(".")) for rise in rises.values())


def test_captions_say_of_how_many_seeds_ap_on_the_way_is(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, seeds=(0, 1, 2))
    add_histories(suite)
    add_curves(suite)
    assert "at the snapshots of one seed a row." in made.drawn(suite, "curves")[0].caption
    rows = ("baseline", "mgd", "amd", "amd-mask-only", "fgd")
    for row in rows:
        curve = (suite.folder("pair-a", row, 0) / "curve.csv").read_bytes()
        for seed in (1, 2):
            (suite.folder("pair-a", row, seed) / "curve.csv").write_bytes(curve)
    assert "at the snapshots of 3 seeds a row." in made.drawn(suite, "curves")[0].caption
    (suite.folder("pair-a", "mgd", 2) / "curve.csv").unlink()
    assert "at the snapshots of 2 to 3 seeds a row." in made.drawn(suite, "curves")[0].caption


def test_boxes_of_a_gallery_end_with_their_image() -> None:
    assert shown_part([-5.0, 10.0, 30.0, 20.0], 100, 25) == (0.0, 10.0, 25.0, 25)
    assert shown_part([10.0, 5.0, 3.0, 4.0], 100, 25) == (10.0, 5.0, 13.0, 9.0)
