"""Which programs carry out a run, which of them share a process, and when they are done again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from torch.distributed.run import parse_args

from workflow.stages import Place, Stage, bundled, command, stages, waiting
from workflow.suite import load

TINY = Path(__file__).parents[1] / "suites" / "tiny.yaml"


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "runs", tmp_path / "data")


def steps(suite, place, kind: str, gpus: int = 0) -> list[Stage]:
    return stages(suite, next(run for run in suite.runs if run.kind == kind), place, gpus)


def names(found: list[Stage]) -> list[str]:
    return [stage.name for stage in found]


def test_steps_of_every_kind_of_run(place):
    suite = load(TINY, {"attend": {"images": 2, "snapshots": 3}})
    assert names(steps(suite, place, "classifier")) == ["train"]
    assert names(steps(suite, place, "teacher")) == ["train", "predict", "evaluate"]
    student = steps(suite, place, "student")
    assert names(student) == ["train", "predict", "attend", "curve", "evaluate", "curve"]
    assert student[0].command[-2:] == ("--snapshots", "3")
    assert student[2].command[-2:] == ("--images", "2")
    assert student[3].command[-2:] == ("--split", "tune")
    assert [len(bundle) for bundle in bundled(student)] == [4, 1, 1]


def test_every_seed_may_be_followed_and_only_the_first_is_looked_into(place):
    attend = {"images": 2, "snapshots": 3}
    for every, followed in ((False, []), (True, ["curve"])):
        asked = {"seeds": [0, 1], "attend": attend | {"every_seed": every}}
        suite = load(TINY, asked)
        second = next(run for run in suite.runs if run.kind == "student" and run.seed == 1)
        found = names(stages(suite, second, place, 0))
        assert found == ["train", "predict", *followed, "evaluate", *followed]


def test_a_curve_that_stands_is_left_alone(place):
    """The snapshots that it came from may be gone with `work/`."""
    suite = load(TINY, {"attend": {"images": 2, "snapshots": 3}})
    student = steps(suite, place, "student")
    folder = student[0].made.parent
    folder.mkdir(parents=True)
    for name in ("student.pth", "curve.csv"):
        (folder / name).touch()
    assert "curve" not in names(steps(suite, place, "student"))
    os.utime(folder / "curve.csv", (1, 1))
    assert "curve" in names(steps(suite, place, "student"))


def test_a_training_is_not_followed_on_images_that_it_sees(place):
    watched = {"attend": {"images": 2, "snapshots": 3}}
    held_out = watched | {"data": {"name": "coco", "options": {"hold_out": True}}}
    for overrides, split in ((watched, "test"), (held_out, "tune")):
        student = steps(load("papers/mgd", overrides), place, "student")
        (curve,) = (one for one in student if "analysis.curve" in one.command)
        words = list(curve.command)
        assert words[words.index("--annotations") + 1].endswith(f"annotations/{split}.json")


def test_a_teacher_from_the_zoo_is_fetched_and_checked(place):
    fetched = steps(load("papers/mgd"), place, "teacher", gpus=8)
    assert names(fetched) == ["train", "predict", "evaluate", "check"]
    assert "workflow.fetch" in fetched[0].command
    assert "workflow.models.teacher_check" in fetched[3].command


def test_a_tuning_suite_is_judged_on_the_tune_split(place):
    tune = {"split": "tune"}
    student = steps(load(TINY, tune), place, "student")
    assert names(student) == ["train", "predict", "evaluate"]
    assert [stage.made.name for stage in student[1:]] == [
        "predictions-tune.json.gz",
        "metrics-tune.json",
    ]
    assert student[1].command[-2:] == ("--split", "tune")
    assert student[2].needs == student[1].made
    words = list(student[2].command)
    assert words[words.index("--annotations") + 1].endswith("annotations/tune.json")
    assert steps(load(TINY), place, "student")[0].command == student[0].command
    # A teacher of others' making is still held against what is printed of it.
    held_out = {"data": {"name": "coco", "options": {"hold_out": True}}}
    fetched = steps(load("papers/mgd", tune | held_out), place, "teacher")
    assert names(fetched) == ["train", "predict", "predict", "evaluate", "evaluate", "check"]
    assert fetched[-1].needs.name == "metrics.json"


def test_several_gpus_train_by_torchrun_and_predict_alone(place):
    student = steps(load("papers/mgd"), place, "student", gpus=4)
    assert "--nproc-per-node=4" in student[0].command
    assert "workflow.train" in student[0].command
    launched = parse_args(list(student[0].command[3:]))
    assert launched.nproc_per_node == "4"
    assert launched.training_script == "workflow.train"
    assert launched.training_script_args == list(student[0].command[-8:])
    assert "torch.distributed.run" not in student[1].command
    assert [names(bundle) for bundle in bundled(student)] == [["train"], ["predict"], ["evaluate"]]


def test_neighbours_share_a_process(place):
    bundles = bundled(steps(load(TINY), place, "student"))
    assert [names(bundle) for bundle in bundles] == [["train", "predict"], ["evaluate"]]
    shared = command(bundles[0])
    assert shared[2] == "workflow.chain"
    assert [words[0] for words in json.loads(shared[3])] == ["workflow.train", "workflow.predict"]
    assert command(bundles[1]) == bundles[1][0].command


def test_what_was_made_from_something_newer_is_made_anew(tmp_path):
    files = [tmp_path / name for name in "abc"]
    a, b, c = (
        Stage(path.name, (), path, needs)
        for path, needs in zip(files, [None, *files[:2]], strict=True)
    )
    assert names(waiting([a, b, c])) == ["a", "b", "c"]
    for age, path in enumerate(files):
        path.touch()
        os.utime(path, (1000 + age, 1000 + age))
    assert waiting([a, b, c]) == []
    os.utime(files[0], (2000, 2000))
    assert names(waiting([a, b, c])) == ["b", "c"]
    files[0].unlink()
    assert names(waiting([a, b, c])) == ["a", "b", "c"]


def test_weights_count_only_when_the_run_says_it_is_complete(place):
    suite = load(TINY)
    train = steps(suite, place, "teacher")[0]
    train.made.parent.mkdir(parents=True)
    train.made.touch()
    record = train.made.with_name("run.json")
    record.write_text(json.dumps({"status": "running"}, indent=2))
    assert not train.done()
    record.write_text(json.dumps({"status": "complete"}, indent=2))
    assert train.done()
    record.unlink()
    assert not train.done()
