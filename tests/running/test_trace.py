"""What a student detects and attends to on its way, from the snapshots of a true training."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.running.tiny import ITERATIONS, Tiny
from workflow import attend, predict, trace, train
from workflow.spec import RunSpec

MOMENTS = (0, ITERATIONS // 2, ITERATIONS)


@pytest.fixture(scope="module")
def spec(tiny: Tiny) -> RunSpec:
    """Two stages: their scores start above the threshold, so that there are detections."""
    return tiny.student("baseline", model={"architecture": "faster-rcnn"})


@pytest.fixture(scope="module")
def root(tiny: Tiny, spec: RunSpec) -> Path:
    """It was asked for snapshots, in a place of its own."""
    root = tiny.elsewhere("traced")
    assert train.main(tiny.arguments(spec, "--snapshots", "3", root=root)) == 0
    assert trace.main(tiny.arguments(spec, "--split", "tune", root=root)) == 0
    return root


def way(root: Path, spec: RunSpec) -> Path:
    return root / spec.id / "work" / "curve"


def test_every_snapshot_is_run_over_the_split(tiny: Tiny, spec: RunSpec, root: Path) -> None:
    told = json.loads((way(root, spec) / "tune.json").read_text())
    assert told["split"] == "tune"
    assert [point["iteration"] for point in told["points"]] == list(MOMENTS)
    images = json.loads(next(tiny.data_root.glob("*/annotations/tune.json")).read_bytes())["images"]
    seen = []
    for point in told["points"]:
        found = json.loads(gzip.decompress((way(root, spec) / point["predictions"]).read_bytes()))
        assert {one["image_id"] for one in found} == {image["id"] for image in images}
        assert found not in seen
        seen.append(found)


def test_the_last_point_is_the_finished_student(tiny: Tiny, spec: RunSpec, root: Path) -> None:
    assert predict.main(tiny.arguments(spec, "--split", "tune", root=root)) == 0
    whole = (root / spec.id / "predictions-tune.json.gz").read_bytes()
    assert (way(root, spec) / f"tune-{ITERATIONS:07d}.json.gz").read_bytes() == whole


def test_what_is_there_is_not_done_again(tiny: Tiny, spec: RunSpec, root: Path) -> None:
    paths = [way(root, spec) / f"tune-{moment:07d}.json.gz" for moment in MOMENTS]
    before = [path.read_bytes() for path in paths]
    times = [path.stat().st_mtime_ns for path in paths]
    paths[1].unlink()
    assert trace.main(tiny.arguments(spec, root=root)) == 0
    assert [path.read_bytes() for path in paths] == before
    kept = [path.stat().st_mtime_ns == time for path, time in zip(paths, times, strict=True)]
    assert kept == [True, False, True]


def test_without_snapshots_the_end_alone_is_known(
    tiny: Tiny, spec: RunSpec, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(root / spec.id, tmp_path / spec.id)
    shutil.rmtree(tmp_path / spec.id / "work")
    assert trace.main(tiny.arguments(spec, root=tmp_path)) == 0
    assert "no snapshots were kept" in capsys.readouterr().err
    told = json.loads((way(tmp_path, spec) / "tune.json").read_text())
    assert [point["iteration"] for point in told["points"]] == [ITERATIONS]
    last = f"tune-{ITERATIONS:07d}.json.gz"
    assert (way(tmp_path, spec) / last).read_bytes() == (way(root, spec) / last).read_bytes()


def test_a_baseline_keeps_its_maps_for_the_teacher_that_it_never_met(tiny: Tiny) -> None:
    spec, root = tiny.student("baseline"), tiny.elsewhere("attended")
    assert train.main(tiny.arguments(spec, "--snapshots", "3", root=root)) == 0
    assert attend.main(tiny.arguments(spec, "--images", "2", root=root)) == 0
    with np.load(root / spec.id / "attention.npz") as arrays:
        on_its_way = {name.split("/")[0] for name in arrays if name.startswith("student@")}
        assert on_its_way == {f"student@{moment}" for moment in MOMENTS}
        assert np.array_equal(arrays["student@0/0"], arrays["before/0"])
        assert np.array_equal(arrays[f"student@{ITERATIONS}/0"], arrays["student/0"])
        assert not np.array_equal(arrays[f"student@{MOMENTS[1]}/0"], arrays["student/0"])
