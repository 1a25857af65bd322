"""How do cells of one map relate to each other? Two blocks that add the answer to the map."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from methods.parts.compare import full_precision, without_autocast
from methods.parts.streams import weighted_sums


class GlobalContext(nn.Module):
    """FGD's context block: one attention-pooled vector per image, added to every cell.

    Its last convolution starts at 0, so that the block is the identity at first.
    """

    def __init__(self, channels: int, ratio: float = 0.5) -> None:
        super().__init__()
        inner = max(1, int(channels * ratio))
        self.key = nn.Conv2d(channels, 1, 1)
        self.transform = nn.Sequential(
            nn.Conv2d(channels, inner, 1),
            nn.LayerNorm([inner, 1, 1]),
            nn.ReLU(),
            nn.Conv2d(inner, channels, 1),
        )
        nn.init.kaiming_normal_(self.key.weight, mode="fan_in", nonlinearity="relu")
        nn.init.zeros_(self.key.bias)
        nn.init.zeros_(self.transform[-1].weight)
        nn.init.zeros_(self.transform[-1].bias)

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.added(maps)  # (N, C, H, W)

    def added(self, maps: Tensor) -> Tensor:
        """What every cell gets, (N, C, 1, 1)."""
        return self.added_and_mean(maps)[0]

    def added_and_mean(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """And the mean over the cells, (N, C, 1, 1), found in the same pass over the map."""
        maps = full_precision(maps)
        weights = full_precision(self.key(maps)).flatten(2).softmax(dim=2)  # (N, 1, H W)
        even = torch.full_like(weights, 1 / weights.shape[2])
        context, mean = weighted_sums(maps, torch.cat([weights, even], dim=1)).split(1, dim=2)
        return self.transform(context.unsqueeze(3)), mean.unsqueeze(3)


class NonLocal(nn.Module):
    """FKD's dot-product non-local block: every cell looks at all pooled cells, without softmax.

    Its batch normalisation starts at 0, so that the block is the identity at first; it uses the
    statistics of this device's images. `pool` cells on a side become one key; a map with a shorter
    side is pooled by that side, so that at least one key is left. `deviation` draws the weights
    before the products from a normal distribution; None keeps torch's own.
    """

    def __init__(
        self, channels: int, inner: int, pool: int, deviation: float | None = None
    ) -> None:
        super().__init__()
        self.pool = pool
        self.query = nn.Conv2d(channels, inner, 1)
        self.key = nn.Conv2d(channels, inner, 1)
        self.value = nn.Conv2d(channels, inner, 1)
        self.output = nn.Conv2d(inner, channels, 1)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)
        nn.init.zeros_(self.norm.bias)
        if deviation is not None:
            for layer in (self.query, self.key, self.value):
                nn.init.normal_(layer.weight, std=deviation)
                nn.init.zeros_(layer.bias)

    @torch.no_grad()
    def queries_and_keys(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Two vectors for every cell, (N, Ci, H, W) each: one cell's query times another's key is
        its affinity to it, before keys are pooled."""
        return full_precision(self.query(maps)), full_precision(self.key(maps))

    def forward(self, maps: Tensor) -> Tensor:
        images, _, height, width = maps.shape
        kernel = (min(self.pool, height), min(self.pool, width))
        query = self.query(maps)  # (N, Ci, H, W)
        key = functional.max_pool2d(self.key(maps), kernel)  # (N, Ci, h, w)
        value = functional.max_pool2d(self.value(maps), kernel)
        # Sums over thousands of cells, which half precision cannot hold.
        query, key, value = (full_precision(each).flatten(2) for each in (query, key, value))
        with without_autocast(maps):
            # sum_q (query_p . key_q) value_q, with the product over q first: nothing of size P Q.
            mixing = value @ key.transpose(1, 2) / key.shape[2]  # (N, Ci, Ci)
            answer = (mixing @ query).unflatten(2, (height, width))  # (N, Ci, H, W)
            # Products of three maps: in half precision they can leave its range on the way out.
            answer = self._normalise(self.output(answer), single=images * height * width == 1)
        return maps + answer

    def _normalise(self, answer: Tensor, single: bool) -> Tensor:
        """A single value per channel has no batch statistics: then the running ones are used."""
        if not single:
            return self.norm(answer)
        norm = self.norm
        return functional.batch_norm(
            answer, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
        )
