"""The student's neck and head from the teacher's, still there when training starts."""

from __future__ import annotations

import pytest
import torch

from tests.distill.pairs import detector, distillation
from workflow.distill.inherit import InheritError, assert_inherited, inherit


def test_everything_outside_the_backbone_is_copied() -> None:
    student, teacher = detector(seed=1), detector(seed=2)
    backbone = {name: value.clone() for name, value in student.backbone.state_dict().items()}
    names = inherit(student, teacher)
    outside = [name for name in student.state_dict() if not name.startswith("backbone.")]
    assert list(names) == outside
    own, others = student.state_dict(), teacher.state_dict()
    assert all(torch.equal(own[name], others[name]) for name in names)
    assert own["neck.fpn_convs.0.conv.weight"].data_ptr() != (
        others["neck.fpn_convs.0.conv.weight"].data_ptr()
    )
    assert all(
        torch.equal(backbone[name], student.backbone.state_dict()[name]) for name in backbone
    )


def test_it_survives_initialisation_of_the_algorithm_and_of_the_student() -> None:
    """mmengine's runner initialises the model that it is given, once more, before training."""
    student, teacher = detector(seed=1), detector(seed=2)
    names = inherit(student, teacher)
    model = distillation("mgd", student=student, teacher=teacher)
    model.init_weights()
    model.student.init_weights()
    assert_inherited(model.student, teacher, names)


def test_an_initialisation_that_undoes_it_is_found() -> None:
    student, teacher = detector(seed=1), detector(seed=2)
    names = inherit(student, teacher)
    student.bbox_head._is_init = False
    student.bbox_head.init_weights()
    with pytest.raises(InheritError, match=r"overwritten before training, first `bbox_head"):
        assert_inherited(student, teacher, names)


def test_other_shapes_are_skipped() -> None:
    """A Cascade R-CNN has three heads, its student one: the neck and the proposals fit."""
    student, teacher = detector("Faster R-CNN", seed=1), detector("Cascade R-CNN", seed=2)
    names = inherit(student, teacher)
    assert any(name.startswith("neck.") for name in names)
    assert any(name.startswith("rpn_head.") for name in names)
    assert not any(name.startswith("roi_head.") for name in names)


def test_nothing_to_inherit_is_an_error() -> None:
    with pytest.raises(InheritError, match=r"nothing of the teacher \(RetinaNet\) fits"):
        inherit(detector("SSD300", seed=1), detector(seed=2))
