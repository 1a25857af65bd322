"""Whose weights teach: the zoo's, a training's, or a file of one's own."""

from __future__ import annotations

import pytest

from tests.suite.own import MINIMAL, problems_of
from workflow.suite import SuiteError, load


def test_a_zoo_teacher_teaches_coco_alone(write):
    """Its head knows 80 classes: on other data its own schedule trains it, or a file is named."""
    text = MINIMAL.replace("pairs: [mini-retinanet-r34-r18]", "pairs: [retinanet-x101-r50]")
    (teacher,) = (run for run in load(write(text)).runs if run.kind == "teacher")
    assert teacher.checkpoint is None
    assert teacher.schedule is not None
    with pytest.raises(SuiteError, match="the zoo's are of COCO's classes and it has no schedule"):
        load(write(text.replace("retinanet-x101-r50", "cascade-mask-x101-faster-r50")))


def test_weights_that_nobody_learns_from_are_told(write):
    given = f"checkpoints: {{mini-reppoints-r34: t.pth#sha256={'a' * 64}}}\n"
    (problem,) = problems_of(write(MINIMAL + given))
    assert problem.startswith("8: checkpoints.mini-reppoints-r34: nobody learns from 'mini-repp")
    assert "only from mini-digits-r18, mini-digits-r34, mini-retinanet-r34" in problem
    write(MINIMAL + given, "base.yaml")
    assert load(write("title: Of a base\nextends: base.yaml\n", "child.yaml"))


def test_a_teacher_file_that_was_moved_retrains_nothing(write):
    def made_from(place: str) -> list[str]:
        given = f"checkpoints: {{mini-retinanet-r34: {place}#sha256={'a' * 64}}}\n"
        return list(load(write(MINIMAL + given)).by_id)

    assert made_from("/scratch/one/t.pth") == made_from("elsewhere/t.pth")
    assert made_from("/scratch/one/t.pth") != list(load(write(MINIMAL)).by_id)


def test_a_home_that_nobody_has_is_a_folder_of_this_name(write):
    given = f"checkpoints: {{mini-retinanet-r34: ~nobody-here/t.pth#sha256={'a' * 64}}}\n"
    path = write(MINIMAL + given)
    (teacher,) = (run for run in load(path).runs if run.checkpoint)
    assert teacher.checkpoint.startswith(f"{path.parent}/~nobody-here/t.pth#")
