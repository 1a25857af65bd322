"""Mistakes of mmdet 3.3.0 that stand in the benchmark's way, each mended at one place.

- `SSDHead` cannot predict: the shared prediction code asks the head for `loss_cls`, which every
  head has but SSD's, whose loss is a function. It asks only whether the loss has its own
  activation, so no loss is the right answer.
- `PointAssigner`, which RepPoints learn with, counts its points on the host and chooses among them
  with a mask that lies where the points lie: on a GPU no step is possible.
"""

from __future__ import annotations

import sys
from functools import wraps
from types import ModuleType
from typing import Any

from workflow.compat.finder import AfterImport

SSD_HEAD = "mmdet.models.dense_heads.ssd_head"
POINT_ASSIGNER = "mmdet.models.task_modules.assigners.point_assigner"


def install() -> None:
    """Mend the modules when they are imported, or now where they already are."""
    there = {each.name for each in sys.meta_path if isinstance(each, AfterImport)}
    for name, mend in ((SSD_HEAD, mend_ssd_head), (POINT_ASSIGNER, mend_point_assigner)):
        if name in sys.modules:
            mend(sys.modules[name])
        elif name not in there:
            sys.meta_path.insert(0, AfterImport(name, mend))


def mend_ssd_head(module: ModuleType) -> None:
    if not hasattr(module.SSDHead, "loss_cls"):
        module.SSDHead.loss_cls = None


def mend_point_assigner(module: ModuleType) -> None:
    kind = module.PointAssigner
    counting_on_the_host = kind.assign
    if hasattr(counting_on_the_host, "__wrapped__"):
        return

    @wraps(counting_on_the_host)
    def assign(self: Any, pred_instances: Any, *others: Any, **named: Any) -> Any:
        with pred_instances.priors.device:  # where tensors are made that nobody gives a place
            return counting_on_the_host(self, pred_instances, *others, **named)

    kind.assign = assign
