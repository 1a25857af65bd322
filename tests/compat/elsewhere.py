"""Stands in for a GPU where there is none: a tensor that nobody gave a place is not where the
network's are, and the two may not meet.

Made for steps of networks on the CPU: their weights and images play those on the device, what is
made without `device=` is marked as left on the host. A marked tensor may be moved (`.to(other)`),
may index others, and joins in arithmetic where it is a single number: as on a GPU.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors
from torch.utils._pytree import tree_flatten, tree_map

MOVES = {"to", "type_as", "copy_", "tolist", "item", "numpy", "cpu", "__deepcopy__", "cuda"}
INDEXING = {"__getitem__", "__setitem__"}


class LeftOnHost(AssertionError):
    """What a GPU would have refused."""


class OnHost(Tensor):
    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = getattr(function, "__name__", str(function))
        found, _ = tree_flatten((args, kwargs or {}))
        tensors = [each for each in found if isinstance(each, Tensor)]
        on_host = [each for each in tensors if isinstance(each, OnHost)]
        on_device = [each for each in tensors if not isinstance(each, OnHost)]
        with torch._C.DisableTorchFunctionSubclass():
            result = function(*args, **(kwargs or {}))
            if name in MOVES or (name in INDEXING and not isinstance(args[0], OnHost)):
                return tree_map(plain, result)
            if on_device and any(each.dim() for each in on_host):
                shapes = [tuple(each.shape) for each in on_host]
                raise LeftOnHost(f"{name}: {shapes}, made without a device, meet the device's")
            return result if on_device else tree_map(marked, result)


def marked(value: Any) -> Any:
    return value.as_subclass(OnHost) if isinstance(value, Tensor) else value


def plain(value: Any) -> Any:
    return value.as_subclass(Tensor) if isinstance(value, OnHost) else value


class Elsewhere(TorchFunctionMode):
    """Within it, what is made with no word of where is marked."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        placed = kwargs.get("device") is not None
        return result if placed or function not in _device_constructors() else marked(result)
