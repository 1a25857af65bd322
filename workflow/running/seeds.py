"""Randomness as a pure function of (seed, purpose, position).

Nothing that a run draws depends on what was drawn before: data order and augmentation come from the
seed and the sample's position, the network's own draws (samplers of proposals, dropout) from the
seed and the iteration. So a resumed run needs no generator's state, workers may be of any number,
and a method that draws more or less than another changes nothing but itself.
"""

from __future__ import annotations

import random

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from workflow.distill.streams import seed_of


def sow(*parts: object) -> None:
    """Starts every global generator from a number that depends on all parts."""
    seed = seed_of(*parts)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    # torch.manual_seed would queue a call, with its stack, for a GPU that may never be used.
    torch.random.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(seed)


class SowEveryIteration(Hook):
    """Before a step, for the detector's own draws; each process has its own share of images."""

    priority = "VERY_HIGH"

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def before_train_iter(self, runner: Runner, *_: object, **__: object) -> None:
        sow(self.seed, "step", runner.iter, runner.rank)
