"""Reading checkpoints that somebody else wrote, without running anything that they contain.

A `.pth` file is a pickle, and unpickling runs whatever the file names. Torch's own
`weights_only=True` refuses every real OpenMMLab checkpoint, because they carry logging objects
beside the weights. The loader here accepts them: it builds tensors and plain data, and every
other object in the file becomes a placeholder that is then dropped. No name in a file is ever
imported. Names that no checkpoint has a use for (`os.system`, `eval`, ...) are an error.

- `load_tensors(path)`: any file from outside. Tensors and plain data of the whole checkpoint.
- `load_state_dict(path)`: the same, only its weights.
- `load_resume(path)`: a checkpoint that this project wrote; it must hold nothing but tensors and
  plain data, so torch's strictest mode reads it.
"""

from __future__ import annotations

import os
import pickle
import tarfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from workflow.compat import unpickling

ZIP_START = b"PK\x03\x04"
PathLike = str | os.PathLike[str]


class CheckpointError(ValueError):
    """A checkpoint that cannot or must not be read; the message is meant for the user."""


class UnsafeCheckpoint(CheckpointError):
    """A checkpoint that tries to run code while it is read."""


def load_tensors(path: PathLike, map_location: Any = "cpu") -> Any:
    """The checkpoint's tensors and plain data (numbers, strings, lists, dictionaries).

    Reads torch's zip format and its older one. Raises `UnsafeCheckpoint` for a file that asks for
    a function that can do harm, and `CheckpointError` for one that is no checkpoint.
    """
    path = _existing(path)
    _refuse_containers(path)
    try:
        return unpickling.plain(
            torch.load(
                path, map_location=map_location, pickle_module=unpickling, weights_only=False
            )
        )
    except unpickling.Forbidden as error:
        raise UnsafeCheckpoint(
            f"{path}: refused. Reading it would call '{error}', which no checkpoint needs: the "
            "file may be malicious. Nothing was executed. Take the file from another source."
        ) from None
    except Exception as error:  # torch and pickle raise some ten types for a damaged file
        raise CheckpointError(f"{path}: not a readable torch checkpoint ({error})") from None


def load_state_dict(path: PathLike, map_location: Any = "cpu") -> OrderedDict[str, Tensor]:
    """The weights of a checkpoint, wherever the usual layouts keep them."""
    content = load_tensors(path, map_location)
    if isinstance(content, dict):
        for key in ("state_dict", "model"):
            if isinstance(content.get(key), dict):
                content = content[key]
                break
    weights = content.items() if isinstance(content, dict) else ()
    state = OrderedDict((key, value) for key, value in weights if isinstance(value, Tensor))
    if not state:
        raise CheckpointError(
            f"{path}: holds no weights; expected tensors by name, at the top or under "
            "'state_dict' or 'model'"
        )
    state._metadata = getattr(content, "_metadata", OrderedDict())  # type: ignore[attr-defined]
    return state


def load_resume(path: PathLike, map_location: Any = "cpu") -> Any:
    """A checkpoint of ours: weights, optimiser, schedules and random states, nothing else."""
    path = _existing(path)
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise CheckpointError(
            f"{path}: not a checkpoint of this project, which hold only tensors and plain data "
            f"({str(error).splitlines()[0]})"
        ) from None


def _existing(path: PathLike) -> Path:
    path = Path(path).expanduser()
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    return path


def _refuse_containers(path: Path) -> None:
    """TorchScript archives hold programs, and tar files of 2016 are read through the disk."""
    with path.open("rb") as file:
        zipped = file.read(len(ZIP_START)) == ZIP_START  # as torch tells its formats apart
    if zipped:
        try:
            # Torch's own reader, so that both see the same archive.
            records = torch._C.PyTorchFileReader(str(path)).get_all_records()
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise CheckpointError(f"{path}: not a readable torch checkpoint ({reason})") from None
        if "constants.pkl" in records:
            raise UnsafeCheckpoint(
                f"{path}: a TorchScript archive, which holds a program; expected a checkpoint "
                "of weights (torch.save of a state_dict)"
            )
    elif tarfile.is_tarfile(path):
        raise CheckpointError(
            f"{path}: a tar archive; expected a checkpoint written by torch 0.4 or later"
        )
