"""A pickle module that builds tensors and plain data, and nothing else.

It has the two names that `torch.load(pickle_module=...)` uses: `Unpickler` and `load`. Whatever a
file names is looked up in the table below; what is not there becomes a placeholder class. The
table's functions are wrapped, so that a file can call them but neither subclass nor alter them.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

# Nothing under these names would be called (an unknown name is never imported), but a file that
# asks for them was made to do harm, and the user should hear of it.
FORBIDDEN_MODULES = frozenset(
    """
    _io _operator _pickle _posixsubprocess _socket asyncio bdb builtins cloudpickle code codeop
    commands ctypes dill ftplib functools http imp importlib inspect io marshal multiprocessing nt
    operator os pdb pickle pip posix pty resource runpy shelve shutil signal site smtplib socket
    subprocess sys telnetlib tempfile threading timeit trace types urllib webbrowser zipimport
    """.split()
)
# Builtins and helpers that honest pickles name, those of Python 2 too.
HARMLESS = frozenset(
    """
    builtins.Ellipsis builtins.NotImplemented builtins.bool builtins.bytes builtins.dict
    builtins.float builtins.frozenset builtins.getattr builtins.int builtins.list builtins.long
    builtins.object builtins.range builtins.slice builtins.str builtins.tuple builtins.type
    builtins.unicode builtins.xrange functools.partial types.SimpleNamespace
    """.split()
)


class Forbidden(pickle.UnpicklingError):
    """The file asks for a function that can run code; the message is the function's name."""


class _Sealed(type):
    """The type of placeholder classes: a pickle cannot set attributes on them."""

    def __setattr__(cls, name: str, value: Any) -> None:
        raise pickle.UnpicklingError(f"cannot set {name!r} on {cls.__name__}")


class Placeholder(dict, metaclass=_Sealed):
    """Takes the place of an object that is neither a tensor nor plain data.

    It is a dictionary so that a pickled subclass of dict can fill it, and swallows whatever else
    unpickling does to an object.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Placeholder:
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def __call__(self, *args: Any, **kwargs: Any) -> Placeholder:
        return Placeholder()

    def __setstate__(self, state: Any) -> None:
        return

    def append(self, item: Any) -> None:
        return

    def extend(self, items: Any) -> None:
        return

    def add(self, item: Any) -> None:
        return

    def __hash__(self) -> int:  # type: ignore[override]  # may be a key of a dictionary
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


class _Callable:
    """A function of the table: callable, but with nothing to read or change."""

    __slots__ = ("_function",)
    _function: Callable

    def __init__(self, function: Callable) -> None:
        object.__setattr__(self, "_function", function)

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    def __setattr__(self, name: str, value: Any) -> None:
        raise pickle.UnpicklingError(f"cannot set {name!r} on a function")


def _encode(text: str, encoding: str) -> bytes:
    """What pickle writes for bytes at protocol 2; other codecs have no business here."""
    if encoding != "latin1":
        raise Forbidden(f"_codecs.encode with {encoding}")
    return text.encode("latin1")


def _ordered_dict(*args: Any) -> OrderedDict:
    return OrderedDict(*args)


def _default_dict(factory: Any = None, *args: Any) -> dict:
    return dict(*args)


TABLE: dict[str, Any] = {
    "collections.OrderedDict": _Callable(_ordered_dict),
    "collections.defaultdict": _Callable(_default_dict),
    "collections.Counter": _Callable(_ordered_dict),
    "torch.Size": _Callable(torch.Size),
    "torch.device": _Callable(torch.device),
    "torch._utils._rebuild_tensor": _Callable(torch._utils._rebuild_tensor),
    "torch._utils._rebuild_tensor_v2": _Callable(torch._utils._rebuild_tensor_v2),
    "torch._utils._rebuild_parameter": _Callable(torch._utils._rebuild_parameter),
    "_codecs.encode": _Callable(_encode),
    "builtins.set": _Callable(set),
    "builtins.complex": _Callable(complex),
    "builtins.bytearray": _Callable(bytearray),
    **{str(value): value for value in vars(torch).values() if isinstance(value, torch.dtype)},
}


class Unpickler(pickle.Unpickler):
    """Looks names up in `TABLE`; torch adds the storages before it asks here."""

    def find_class(self, module: str, name: str) -> Any:
        module = "builtins" if module == "__builtin__" else module  # Python 2, and protocol 2
        full = f"{module}.{name}"
        if full in TABLE:
            return TABLE[full]
        if module.split(".")[0] in FORBIDDEN_MODULES and full not in HARMLESS:
            raise Forbidden(full)
        return _Sealed(name, (Placeholder,), {"__module__": module})


def load(file: Any, **options: Any) -> Any:
    return Unpickler(file, **options).load()


def plain(value: Any) -> Any:
    """`value` without placeholders: tensors (detached), numbers, text, and containers of these."""
    return None if _is_odd(value) else _plain(value, {})


def _is_odd(value: Any) -> bool:
    known = (Tensor, str, bytes, bytearray, bool, int, float, complex, torch.dtype, torch.device)
    containers = (list, tuple, set, frozenset, dict)
    if isinstance(value, (Placeholder, type)):
        return True
    return value is not None and not isinstance(value, known + containers)


def _plain(value: Any, seen: dict[int, Any]) -> Any:
    """Recursion with memory, because a pickle may share objects or contain itself."""
    if isinstance(value, Tensor):
        return value.detach()
    if id(value) in seen:
        return seen[id(value)]
    if isinstance(value, dict):
        result: Any = OrderedDict() if isinstance(value, OrderedDict) else {}
        seen[id(value)] = result
        for key, item in value.items():
            if not _is_odd(key) and not _is_odd(item):
                result[key] = _plain(item, seen)
        # torch keeps the modules' versions here, and old layers are upgraded by them.
        metadata = getattr(value, "_metadata", None)
        if isinstance(metadata, dict) and not _is_odd(metadata):
            result._metadata = _plain(metadata, seen)
        return result
    if isinstance(value, list):
        result = seen[id(value)] = []
        result.extend(_plain(item, seen) for item in value if not _is_odd(item))
        return result
    if isinstance(value, (tuple, set, frozenset)) and type(value) is not torch.Size:
        return type(value)(_plain(item, seen) for item in value if not _is_odd(item))
    return value
