"""No loss waits for the device: nothing is asked of a tensor's values, nothing copied over.

The losses run on `meta` tensors, which have shapes and no values: whatever would make a host wait
for a GPU (reading a number, branching on one, indexing by a mask) cannot be done with them. Copies
from the host are caught on the way.
"""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from methods.settings.catalogue import catalogue, rows
from methods.settings.resolve import resolve
from tests.methods.given import Case, case

NOT_OURS = "mmrazor"
ROWS = [
    row
    for key, kind in catalogue().items()
    for row in (key, *kind.variants)  # the sweeps change nothing but a number
    if kind.needs == {"features"} and not key.startswith(NOT_OURS)
]


class CopiesRefused(TorchDispatchMode):
    """Raises where a tensor of the host would travel to the device."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default):
            source = args[-1] if func is torch.ops.aten.copy_.default else args[0]
            if source.device.type == "cpu" and result.device.type == "meta":
                raise AssertionError(f"copied to the device: {tuple(source.shape)}")
        return result


def without_values(given: Case) -> Case:
    def moved(tensors: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return tuple(
            each.detach().to("meta").requires_grad_(each.requires_grad) for each in tensors
        )

    found = given.batch.positives
    batch = dataclasses.replace(
        given.batch,
        boxes=moved(given.batch.boxes),
        labels=moved(given.batch.labels),
        positives=dataclasses.replace(
            found,
            **{
                field.name: getattr(found, field.name).to("meta")
                for field in dataclasses.fields(found)
                if isinstance(getattr(found, field.name), torch.Tensor)
            },
        ),
    )
    return Case(
        given.distiller.to("meta"), moved(given.student), moved(given.teacher), batch, given.context
    )


@pytest.mark.parametrize("row", ROWS)
def test_asks_nothing_of_the_device(row: str) -> None:
    family = rows()[row][1].families[0]
    levels = resolve(row, family).methods[0].settings["levels"] or (0, 1)
    given = without_values(case(row, family, sizes=((6, 9),) * len(levels)))
    with CopiesRefused():
        losses = given.losses()
        sum(losses.values()).backward()
    assert all(loss.device.type == "meta" and loss.shape == () for loss in losses.values())
    assert any(level.grad is not None for level in given.student)


def test_would_notice_waiting() -> None:
    value = torch.ones(2, device="meta")
    with pytest.raises(RuntimeError, match="meta"):
        value.sum().item()
    with pytest.raises(NotImplementedError, match="meta"):
        value[value > 0].sum()
    with CopiesRefused(), pytest.raises(AssertionError, match="copied to the device"):
        value + torch.tensor([1.0, 2.0]).to("meta")
