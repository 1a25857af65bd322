"""AMD, adaptive masked distillation (Yang et al., arXiv 2301.13538): MGD with two changes.

    student -> align -> hide where attention is high -> generator -> channel gate -> squared error
                 |                    ^                                  ^                 ^
                 |                 teacher                               |              teacher
                 +---------------------------------------------------- gate

The mask follows attention instead of chance, and a light module weighs the channels. Per level:

    A = H W softmax over cells of mean_c |T| / tau        M = 0 where A >= theta, else 1
    v = sigmoid(W2 ReLU(W1 mean over cells of align(S)))
    L = alpha / N * sum over n, c, i, j of (v * G(M * align(S)) - T)^2

Not known from the paper: only its abstract was available, and no code. Stated there are the two
changes; every formula and number here is an assumption, and a switch in `AMDSettings`. The loss,
its weight and the generator are MGD's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.contract import Batch, Context, Pyramid
from methods.mgd import MGD
from methods.parts.attention import cell_attention
from methods.parts.gate import ChannelGate
from methods.parts.masks import count_reaching, count_share, hide_first, uniform
from methods.settings.amd import AMDSettings


class AMD(MGD):
    settings: AMDSettings

    def __init__(self, settings: AMDSettings, context: Context) -> None:
        super().__init__(settings, context)
        gated = settings.gate == "se"
        self.gates = nn.ModuleList(
            ChannelGate(channels, settings.gate_reduction, settings.gate_start)
            for channels in context.teacher_channels
            if gated
        )

    @torch.no_grad()
    def attention(self, student: Tensor, teacher: Tensor) -> Tensor:
        """(N, 1, H, W). A hard threshold has no gradient, whichever map is looked at."""
        source = teacher if self.settings.attention == "teacher" else student
        return cell_attention(source, self.settings.tau)

    def mask(self, level: int, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        switches = self.settings
        if switches.mask == "random":
            return super().mask(level, student, teacher, batch)
        if switches.mask == "none":
            return torch.ones_like(student[:, :1])
        attention = self.attention(student, teacher)
        if switches.threshold == "absolute":
            count = count_reaching(attention, switches.theta)
        else:
            count = count_share(attention, switches.quantile)
        count = count.clamp(max=int(switches.cap * attention[0].numel()))
        if switches.mask == "hide-high":
            order = -attention
        elif switches.mask == "hide-low":
            order = attention
        else:
            order = uniform(tuple(attention.shape), batch.seed, level, attention.device)
        return hide_first(order, count).to(student.dtype)

    def rebuild(self, level: int, student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
        masked = student * mask
        if not self.gates:
            return self.generate[level](masked)
        if self.settings.gate_position == "before":
            return self.generate[level](masked * self._gate(level, student, teacher, masked))
        generated = self.generate[level](masked)
        return generated * self._gate(level, student, teacher, masked, generated)

    def _gate(
        self,
        level: int,
        student: Tensor,
        teacher: Tensor,
        masked: Tensor,
        generated: Tensor | None = None,
    ) -> Tensor:
        """(N, C, 1, 1)."""
        seen = {"student": student, "masked": masked, "generated": generated, "teacher": teacher}
        source = seen[self.settings.gate_input]
        assert source is not None  # the settings refuse a gate before the map that it looks at
        return self.gates[level](source)

    def explain(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Pyramid]:
        looks: dict[str, list[Tensor]] = {"mask": [], "attention": []}
        if self.gates:
            looks["gate"] = []
        for level, (map_s, map_t) in enumerate(zip(student, teacher, strict=True)):
            aligned = self.align[level](map_s)
            mask = self.mask(level, aligned, map_t, batch)
            looks["mask"].append(mask)
            looks["attention"].append(self.attention(aligned, map_t))
            if self.gates:
                masked = aligned * mask
                looks["gate"].append(
                    self._gate(level, aligned, map_t, masked, self.generate[level](masked))
                )
        return {name: tuple(maps) for name, maps in looks.items()}


def build(settings: AMDSettings, context: Context) -> AMD:
    return AMD(settings, context)
