"""mmengine's checkpoint loaders, replaced by safe ones at its own extension point.

Whatever mmengine, mmdet or mmrazor load through `CheckpointLoader` (teachers of the zoo, ImageNet
backbones, `load_from`, `resume`) goes through `workflow.compat.checkpoints`. The schemes that
mmengine defines itself all end in one of the loaders here.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import barrier, get_dist_info
from mmengine.runner import checkpoint as official
from mmengine.runner.checkpoint import CheckpointLoader

from workflow.compat.checkpoints import CheckpointError, load_tensors
from workflow.download import DownloadError, fetch, file_name


def install() -> None:
    """Register the safe loaders for every scheme that mmengine knows."""
    schemes = {
        "": load_from_local,
        ("http://", "https://"): load_from_http,
        ("modelzoo://", "torchvision://"): load_from_torchvision,
        ("open-mmlab://", "openmmlab://"): load_from_openmmlab,
        "mmcls://": load_from_mmcls,
        ("pavi://", r"(\S+\:)?s3://", r"(\S+\:)?petrel://"): load_from_elsewhere,
    }
    for prefixes, loader in schemes.items():
        CheckpointLoader.register_scheme(prefixes=prefixes, loader=loader, force=True)


def load_from_local(filename: str, map_location: Any = None) -> Any:
    return load_tensors(filename, map_location or "cpu")


def load_from_http(filename: str, map_location: Any = None, model_dir: str | None = None) -> Any:
    """Download once into torch's cache, checked against the digits in the name, and load."""
    return load_tensors(download(filename, model_dir), map_location or "cpu")


def download(url: str, folder: str | os.PathLike[str] | None = None) -> Path:
    """The local copy of `url`; its name's `-<hex>.pth` must be the start of its SHA-256."""
    folder = Path(folder) if folder else Path(torch.hub.get_dir()) / "checkpoints"
    try:
        target = folder / file_name(url)
    except DownloadError as error:
        raise CheckpointError(str(error)) from None
    rank, world_size = get_dist_info()
    if rank == 0:
        digits = torch.hub.HASH_REGEX.search(target.name)
        try:
            fetch(url, folder, digits[1] if digits else "")
        except DownloadError as error:
            raise CheckpointError(
                f"{url}: cannot be downloaded ({error}). Without a network, put the file at "
                f"{target}."
            ) from None
    if world_size > 1:
        barrier()
    return target


def load_from_torchvision(filename: str, map_location: Any = None) -> Any:
    return load_from_http(
        _known(filename, official.get_torchvision_models()), map_location=map_location
    )


def load_from_openmmlab(filename: str, map_location: Any = None) -> Any:
    name = filename.split("://", 1)[1]
    name = official.get_deprecated_model_names().get(name, name)
    place = _known(f"open-mmlab://{name}", official.get_external_models())
    if place.startswith(("http://", "https://")):
        return load_from_http(place, map_location)
    return load_from_local(os.path.join(official._get_mmengine_home(), place), map_location)


def load_from_mmcls(filename: str, map_location: Any = None) -> Any:
    """A classifier's checkpoint, reduced to its backbone."""
    content = load_from_http(_known(filename, official.get_mmcls_models()), map_location)
    weights = content.get("state_dict", content)
    prefix = "backbone."
    return {
        "state_dict": OrderedDict(
            (key.removeprefix(prefix), value)
            for key, value in weights.items()
            if key.startswith(prefix)
        )
    }


def load_from_elsewhere(filename: str, map_location: Any = None) -> Any:
    raise CheckpointError(
        f"{filename}: unknown place for a checkpoint; allowed are a local file, http(s)://, "
        "torchvision://, open-mmlab:// and mmcls://"
    )


def _known(filename: str, urls: dict[str, str]) -> str:
    scheme, name = filename.split("://", 1)
    if name not in urls:
        from difflib import get_close_matches

        near = ", ".join(get_close_matches(name, urls)) or "none is near"
        raise CheckpointError(f"{scheme}://{name}: no such model; nearest names: {near}")
    return urls[name]
