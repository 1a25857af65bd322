"""Are channels re-weighted? A squeeze-and-excitation gate."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from methods.parts.compare import full_precision

Start = Literal["plain", "identity"]
"""Of the last layer: torch's own initial values, where gates start near 1/2; or a large bias."""
OPEN_BIAS = 4.0  # sigmoid(4) = 0.982


class ChannelGate(nn.Module):
    """Means over the cells -> C / r -> ReLU -> C -> sigmoid: (N, C, H, W) -> (N, C, 1, 1)."""

    def __init__(self, channels: int, reduction: int = 16, start: Start = "plain") -> None:
        super().__init__()
        inner = max(1, channels // reduction)
        self.squeeze = nn.Linear(channels, inner)
        self.excite = nn.Linear(inner, channels)
        if start == "identity":
            nn.init.constant_(self.excite.bias, OPEN_BIAS)

    def forward(self, maps: Tensor) -> Tensor:
        means = full_precision(maps).mean(dim=(2, 3))  # (N, C)
        gate = self.excite(self.squeeze(means).relu()).sigmoid()
        return gate[:, :, None, None]
