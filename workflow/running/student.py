"""`student.pth`: plain weights and plain facts, no teacher, no distiller."""

from __future__ import annotations

from typing import Any

from mmengine.model import BaseModel
from torch import nn

from workflow.data.catalogue import DataSet
from workflow.spec import RunSpec


def plain_checkpoint(
    network: BaseModel | nn.Module, spec: RunSpec, data: DataSet
) -> dict[str, Any]:
    """What `mmdet.apis.init_detector` loads: it reads the classes from `meta`."""
    return {
        "meta": {
            "dataset_meta": {"classes": list(data.classes)},
            "run": spec.id,
            "model": spec.model["name"],
            "seed": spec.seed,
        },
        "state_dict": {
            name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()
        },
    }
