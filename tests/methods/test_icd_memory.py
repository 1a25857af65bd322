"""What the crops of many positives keep in memory."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from methods.contract import Positives
from tests.methods.test_icd import batch, distiller


def kept_bytes(repeats: int, chunk: int) -> int:
    """What the forward pass keeps for the backward pass, images aside."""
    given = batch(False)
    found = given.positives
    assert found is not None
    assert given.images is not None
    many = Positives(
        found.image.repeat(repeats),
        found.ground_truth.repeat(repeats),
        found.logits.repeat(repeats, 1).detach().requires_grad_(),
        found.boxes.repeat(repeats, 1).detach().requires_grad_(),
        found.activation,
    )
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    method = distiller(chunk=chunk, classification_weight=0)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        method((), (), replace(given, positives=many))
    kept.pop(given.images.untyped_storage().data_ptr(), None)
    return sum(kept.values())


def test_memory_is_bounded_by_the_chunk_and_not_by_the_positives() -> None:
    growth = [kept_bytes(8, chunk) - kept_bytes(4, chunk) for chunk in (4, 256)]
    assert growth[0] <= 20 * 150  # bytes of twenty more positives: their boxes and indices
    assert growth[1] > 20 * 3000  # of twenty more that live at once: crops and maps
