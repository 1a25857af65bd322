"""One process or several: what torchrun's environment says, before the runner reads it too."""

from __future__ import annotations

import os

import torch

WORKERS_PER_GPU = 4


def start() -> None:
    """Each process takes the GPU of its local rank; a lone one takes the first."""
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))


def rank() -> int:
    return int(os.environ.get("RANK", "0"))


def processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def usual_workers() -> int:
    """On CPU the training itself needs every core, and loads its small images in between."""
    return WORKERS_PER_GPU if torch.cuda.is_available() else 0
