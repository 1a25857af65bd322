"""Which images make which step, and how each is augmented: decided by the seed alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset, Sampler

from workflow.distill.streams import isolated, seed_of

Key = tuple[int, int]
"""(index of the image in the data set, position of the sample in the whole training)."""


class SeededOrder(Sampler[list[Key]]):
    """This process's share of every global batch, from iteration `start` to the last.

    Every epoch is a permutation of its own. Images of one group (landscape, portrait) share a
    batch, which saves padding; what does not fill a batch waits for the next epoch's images. The
    global batches are the same whatever the number of processes.
    """

    def __init__(
        self,
        groups: Sequence[int],
        batch_size: int,
        iterations: int,
        seed: int,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        if batch_size % processes:
            raise ValueError(f"a batch of {batch_size} cannot be shared by {processes} processes")
        self.groups = np.asarray(groups)
        self.batch_size, self.iterations, self.seed = batch_size, iterations, seed
        self.rank, self.share = rank, batch_size // processes
        self.start = 0

    def __len__(self) -> int:
        return self.iterations - self.start

    def __iter__(self) -> Iterator[list[Key]]:
        first = self.rank * self.share
        for iteration, batch in enumerate(self._global_batches()):
            if iteration >= self.iterations:
                return
            if iteration >= self.start:
                positions = range(
                    iteration * self.batch_size + first,
                    iteration * self.batch_size + first + self.share,
                )
                yield list(zip(batch[first : first + self.share], positions, strict=True))

    def _global_batches(self) -> Iterator[list[int]]:
        waiting: dict[int, list[int]] = {}
        epoch = 0
        while True:
            generator = np.random.Generator(np.random.PCG64(seed_of(self.seed, "order", epoch)))
            for index in generator.permutation(len(self.groups)).tolist():
                bucket = waiting.setdefault(int(self.groups[index]), [])
                bucket.append(index)
                if len(bucket) == self.batch_size:
                    yield bucket[:]
                    bucket.clear()
            epoch += 1


class SeededSamples(Dataset[Any]):
    """A data set asked by key: its random transforms draw from the sample's own stream."""

    def __init__(self, dataset: Any, seed: int) -> None:
        self.dataset, self.seed = dataset, seed

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: Key) -> Any:
        index, position = key
        with isolated(seed_of(self.seed, "augmentation", position)):
            return self.dataset[index]


def order_of(loader: DataLoader[Any]) -> SeededOrder:
    """Of a training loader, which `train_loader` gave it."""
    order = loader.batch_sampler
    assert isinstance(order, SeededOrder)
    return order
