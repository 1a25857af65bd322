"""Starting the student's neck and heads from the teacher's.

Everything outside the backbone whose name and shape match is copied. It happens after both were
initialised; a later initialisation would silently undo it, which `assert_inherited` would find.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

BACKBONE = "backbone."


class InheritError(ValueError):
    """Nothing could be inherited, or what was inherited is no longer there."""


@torch.no_grad()
def inherit(student: nn.Module, teacher: nn.Module) -> tuple[str, ...]:
    """Copies parameters and buffers in place; returns the names of what was copied."""
    names = inheritable(student, teacher)
    if not names:
        raise InheritError(
            f"nothing of the teacher ({type(teacher).__name__}) fits the student "
            f"({type(student).__name__}): no name outside `{BACKBONE}` has the same shape in both"
        )
    own, others = student.state_dict(), teacher.state_dict()
    for name in names:
        own[name].copy_(others[name])  # state_dict shares storage with the module
    assert_inherited(student, teacher, names)
    return names


def inheritable(student: nn.Module, teacher: nn.Module) -> tuple[str, ...]:
    """Names outside the backbone that exist in both with equal shapes."""
    others = teacher.state_dict()
    return tuple(
        name
        for name, value in student.state_dict().items()
        if not name.startswith(BACKBONE) and name in others and others[name].shape == value.shape
    )


def assert_inherited(student: nn.Module, teacher: nn.Module, names: Sequence[str]) -> None:
    """Raises if an inherited tensor is no longer the teacher's: call it before training starts."""
    own, others = student.state_dict(), teacher.state_dict()
    lost = [name for name in names if not torch.equal(own[name].cpu(), others[name].cpu())]
    if lost:
        raise InheritError(
            f"{len(lost)} of {len(names)} inherited tensors were overwritten before training, "
            f"first `{lost[0]}`: weights were initialised again after inheriting"
        )
