"""Random streams that do not touch each other.

The student's initial weights, the order of the data and its augmentation depend on the run's seed
alone. Whatever else draws random numbers (building the teacher and the distillers, their masks)
does so inside `isolated`, and leaves every global generator as it found it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_of(*parts: object) -> int:
    """A seed in [0, 2**63) that depends on all parts, the same on every machine."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Python's, numpy's and torch's generators start from `seed`, and are put back afterwards."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=devices):
        random.seed(seed)
        np.random.seed(seed % 2**32)
        # torch.manual_seed would queue a call, with its stack, for a GPU that may never be used.
        torch.random.default_generator.manual_seed(seed)
        if devices:
            torch.cuda.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
