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
from workflow.spec import HASH

ZOO, OWN = "zoo:", "weights://"
OLD_NAMES = {".conv2_offset.": ".conv2.conv_offset."}
"""What mmcv's deformable convolutions were called before they were modules of their own; torch
hands a layer only what lies below its name, so the layer cannot translate this itself."""


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


def load_into(
    detector: nn.Module, weights: Mapping[str, Tensor], source: str, more_allowed: bool = False
) -> None:
    """Every tensor of the detector must come from the file. What the file holds beyond them says
    that it belongs to another detector, unless it is known to be the right one (`more_allowed`).

    The layers themselves translate the names that they had in older versions.
    """
    try:
        found = detector.load_state_dict(weights, strict=False)
    except RuntimeError as error:  # shapes that differ
        first = str(error).splitlines()[1:2] or [str(error)]
        raise _stranger(source, detector, first[0].strip()) from None
    missing = [name for name in found.missing_keys if not name.endswith("num_batches_tracked")]
    beyond = [] if more_allowed else found.unexpected_keys
    for what, names in (("lacks", missing), ("also holds", beyond)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise _stranger(source, detector, f"the file {what} {', '.join(names[:3])}{more}")


def _stranger(source: str, detector: nn.Module, why: str) -> WeightsError:
    return WeightsError(f"{source}: not the weights of this {type(detector).__name__}; {why}")


def read_weights(found: Checkpoint) -> Mapping[str, Tensor]:
    """The checkpoint's weights by their names of today, without the preprocessor's constants."""
    weights = load_state_dict(found.path)
    for name in list(weights):
        if name.startswith("data_preprocessor."):
            del weights[name]
        for old, new in OLD_NAMES.items():
            if old in name:
                weights[name.replace(old, new)] = weights.pop(name)
    return weights  # still with the layers' versions, by which they know other old names
