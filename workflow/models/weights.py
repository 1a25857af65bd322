"""Where weights come from, and how they get into a detector.

Every file is read as tensors and plain data only (workflow/compat/checkpoints.py), and lies in one
folder, `data/weights`, so that a machine without a network can be given it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from workflow.compat.checkpoints import load_state_dict, load_tensors
from workflow.download import DownloadError, fetch, sha256_of
from workflow.models.zoo import zoo_model

ZOO, HASH, OWN = "zoo:", "#sha256=", "weights://"


class WeightsError(ValueError):
    """Weights that are missing, are not the ones that were meant, or do not fit the detector."""


@dataclass(frozen=True)
class Checkpoint:
    """A file of weights on this machine."""

    path: Path
    sha256: str
    source: str
    """Its address, or the path that the suite gave."""


def weights_folder(data_root: Path) -> Path:
    return data_root / "weights"


def use_folder(folder: Path) -> None:
    """Backbones that configurations name (`torchvision://resnet50`, `open-mmlab://...`) are kept
    in `folder` too, are resumed and checked like teachers, and `weights://<file>` reads from it."""
    folder = folder.resolve()
    torch.hub.set_dir(str(folder))

    def own(filename: str, map_location: Any = None) -> Any:
        path = folder / filename.removeprefix(OWN)
        if not path.is_file():
            raise WeightsError(
                f"{filename}: nobody publishes these weights; put your own at {path}, or name a "
                "file in the model's options (model.backbone.init_cfg.checkpoint)"
            )
        return load_tensors(path, map_location)

    CheckpointLoader.register_scheme(prefixes=OWN, loader=own, force=True)


def checkpoint(reference: str, folder: Path) -> Checkpoint:
    """`zoo:<model>` is fetched into `folder`; `<path>#sha256=<hex>` must have this very hash; a
    bare path, such as a run's `student.pth`, is taken as it is."""
    if reference.startswith(ZOO):
        model = zoo_model(reference.removeprefix(ZOO))
        try:
            path = fetch(model.url, folder, model.sha256_prefix)
        except DownloadError as error:
            raise WeightsError(str(error)) from error
        return Checkpoint(path, sha256_of(path), model.url)
    text, _, wanted = reference.partition(HASH)
    path = Path(text).expanduser()
    if not path.is_file():
        raise WeightsError(f"checkpoint {text}: no such file")
    found = sha256_of(path)
    if wanted and found != wanted:
        raise WeightsError(f"checkpoint {text}: its SHA-256 is {found}, the suite says {wanted}")
    return Checkpoint(path, found, text)


def load_into(detector: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """All of the detector's tensors must be in `weights`, in their shapes; what the file holds
    beyond them is an error too, for it says that the file belongs to another detector."""
    own = detector.state_dict()
    missing = [name for name in own if name not in weights and not _is_counter(name)]
    beyond = [name for name in weights if name not in own]
    misfits = [
        f"{name} ({tuple(weights[name].shape)} in the file, {tuple(value.shape)} in the detector)"
        for name, value in own.items()
        if name in weights and weights[name].shape != value.shape
    ]
    for what, names in (("lacks", missing), ("also holds", beyond), ("disagrees on", misfits)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise WeightsError(
                f"{source}: not the weights of this {type(detector).__name__}; the file {what} "
                f"{', '.join(names[:3])}{more}"
            )
    detector.load_state_dict(dict(weights), strict=False)


def read_weights(found: Checkpoint) -> Mapping[str, Tensor]:
    """The checkpoint's weights by name, without the data preprocessor's constants."""
    return {
        name: value
        for name, value in load_state_dict(found.path).items()
        if not name.startswith("data_preprocessor.")
    }


def _is_counter(name: str) -> bool:
    """Old checkpoints have no counters of batches in their norms; nothing reads them."""
    return name.endswith("num_batches_tracked")
