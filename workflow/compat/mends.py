"""Mistakes of mmdet 3.3.0 that stand in the benchmark's way, each mended at one place.

- `SSDHead` cannot predict: the shared prediction code asks the head for `loss_cls`, which every
  head has but SSD's, whose loss is a function. It asks only whether the loss has its own
  activation, so no loss is the right answer.
"""

from __future__ import annotations

import sys
from types import ModuleType

from workflow.compat.finder import AfterImport

SSD_HEAD = "mmdet.models.dense_heads.ssd_head"


def install() -> None:
    """Mend the modules when they are imported, or now where they already are."""
    if SSD_HEAD in sys.modules:
        mend_ssd_head(sys.modules[SSD_HEAD])
    elif not any(isinstance(finder, AfterImport) for finder in sys.meta_path):
        sys.meta_path.insert(0, AfterImport(SSD_HEAD, mend_ssd_head))


def mend_ssd_head(module: ModuleType) -> None:
    if not hasattr(module.SSDHead, "loss_cls"):
        module.SSDHead.loss_cls = None
