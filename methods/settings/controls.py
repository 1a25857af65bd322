"""Rows without any distillation. Imports no torch.

The papers' own baselines differ from their runs in more than the loss: most distillation
configurations clip gradients and start from the teacher's neck and head, the baselines do neither.
"""

from __future__ import annotations

from methods.settings.base import RunOptions

CONTROLS: dict[str, RunOptions] = {
    "baseline": RunOptions(),
    "baseline-inherit": RunOptions(inherit=True),
    "baseline-clip35": RunOptions(clip=35.0),
    "baseline-inherit-clip35": RunOptions(inherit=True, clip=35.0),
}
