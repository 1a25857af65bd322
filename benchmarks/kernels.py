"""How many operations must a device be asked for? Where maps are small, or the host is slow, a GPU
waits for the next one, and time goes by their number.

Counted on tensors of the device `meta`, which have shapes and no values: no GPU is needed.
"""

from __future__ import annotations

from collections.abc import Callable

from torch.utils._python_dispatch import TorchDispatchMode

NO_WORK = frozenset(
    "alias as_strided detach empty empty_like empty_strided expand is_same_size lift_fresh "
    "new_empty new_empty_strided permute select slice split split_with_sizes squeeze t transpose "
    "unbind unsqueeze unsafe_split view _reshape_alias _unsafe_view".split()
)
"""Views of what is there, and memory that is asked for: nothing that a device must do."""


class Kernels(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.number += func.overloadpacket.__name__ not in NO_WORK
        return func(*args, **(kwargs or {}))


def kernels(work: Callable[[], object]) -> int:
    """Operations with something to do, those of the backward too, when `work` is done once."""
    with Kernels() as counted:
        work()
    return counted.number
