"""`metrics.json` of a classifier: top-1, top-5 and each class's share of the test crops."""

from __future__ import annotations

import json

import torch
from torch.utils.data import DataLoader

from workflow.data.catalogue import DataSet
from workflow.models.classifier import Classifier
from workflow.running.crop_loading import Crops
from workflow.running.folder import RunFolder, file_sha256, write_text
from workflow.running.networks import load_weights

BATCH = 256


@torch.no_grad()
def write_accuracy(folder: RunFolder, network: Classifier, crops: Crops, data: DataSet) -> None:
    network.load_state_dict(load_weights(folder.student))
    network.eval()
    device = next(network.parameters()).device
    ranks, labels = [], []
    for batch in DataLoader(crops, batch_size=BATCH):
        logits = network(batch["inputs"].to(device), batch["labels"].to(device)).cpu()
        own = logits.gather(1, batch["labels"][:, None])
        ranks.append((logits > own).sum(1))  # (N,) classes that were thought likelier
        labels.append(batch["labels"])
    rank, label = torch.cat(ranks), torch.cat(labels)
    metrics = {
        "top1": _percent(rank < 1),
        "top5": _percent(rank < 5),
        "per_class": {
            name: _percent(rank[label == index] < 1) for index, name in enumerate(data.classes)
        },
        "crops": len(crops),
        "annotations_sha256": file_sha256(data.splits["test"].annotations),
    }
    write_text(folder.path / "metrics.json", json.dumps(metrics, indent=2) + "\n")


def _percent(right: torch.Tensor) -> float | None:
    return 100 * right.double().mean().item() if len(right) else None
