"""Stops a training that has gone wrong, naming where, instead of training on rubbish."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from statistics import median
from typing import Any

WINDOW = 200
"""Iterations whose median a loss is compared with."""
TRUSTED = 50
"""Fewer than this many are no yardstick."""
LIMIT = 100.0
"""Times the median: no healthy loss climbs so far."""
PATIENCE = 20
"""Steps in a row above the limit: a single bad batch is not divergence."""


class Diverged(Exception):
    """The message names the iteration and the loss term."""


class LossGuard:
    def __init__(self) -> None:
        self.recent: deque[float] = deque(maxlen=WINDOW)
        self.above = 0

    def check(self, iteration: int, terms: Mapping[str, float]) -> None:
        """`terms` are the losses by name, `loss` their sum; `iteration` counts from one."""
        for name, value in sorted(terms.items(), key=lambda item: item[0] == "loss"):
            if not math.isfinite(value):
                raise Diverged(f"iteration {iteration}: loss term {name!r} is {value}")
        total = terms["loss"]
        usual = median(self.recent) if len(self.recent) >= TRUSTED else math.inf
        # Of losses below zero, which a method's may be, no multiple is a limit.
        if usual > 0 and total > LIMIT * usual:
            self.above += 1
            if self.above >= PATIENCE:
                name = max((n for n in terms if n != "loss"), key=terms.__getitem__, default="loss")
                raise Diverged(
                    f"iteration {iteration}: the loss is {total:.4g}, for {PATIENCE} steps more "
                    f"than {LIMIT:g} times the usual {usual:.4g}; its largest term is {name!r} "
                    f"({terms[name]:.4g})"
                )
        else:
            self.above = 0
            self.recent.append(total)

    def state(self) -> dict[str, Any]:
        return {"recent": list(self.recent), "above": self.above}

    def load(self, state: dict[str, Any]) -> None:
        self.recent.extend(state["recent"])
        self.above = state["above"]
