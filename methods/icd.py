"""Classifier-to-detector distillation (Guo, Alvarez and Salzmann, NeurIPS 2021); key `icd`.

    positives of the student --- class scores ------------------ KL --- classifier's scores of
                             \\                                          the true crop
                              \\- decoded box - crop - pool - L1 ------ the true crop, pooled
                                                   \\ stem - pool - L1 - its features, pooled

The teacher is an image classifier, trained on crops of ground-truth boxes. With K positives:

    KD_cls = 1/K sum_k KL_k          K counts an image without positives as one
    KD_loc = 1/K sum_k ( mean |pixels| + mean over layers of mean |features| )     plain K
    softmax heads:  KL_k = T^2 sum_c p^t (log p^t - log p^s), background last with p^t = 0
    sigmoid heads:  KL_k = T^2 / C sum_c KL of the two-point distributions

The gradient of KD_loc runs through the classifier and the sampling grid into the predicted box.
The classifier sees each ground truth once per image, cut out of the augmented detector input.

Follows the released code, which covers SSD300 alone.
Deviates from the paper: pixels weigh as much as all feature layers together, as in the code;
`layer_mean: paper` averages over all layers.
Not known from the paper: the weight of KD_loc for other detectors than SSD300, whose pixels are
some 57 times as large (`icd-loc-lambda-*` sweeps it); RoI handling in two-stage detectors (their
sampled positives are taken); how the classifier was trained; to what size its main rows pool
pixels. Its pixel row has the numbers of 8x8 in its own sweep, so `icd-loc-pixels` and
`icd-loc-layers-*` pool to that, while `icd`, `icd-loc` and the crops' sweep keep the code's 4x4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from methods.contract import Batch, Context, Distiller, Positives, Pyramid
from methods.parts.compare import full_precision
from methods.parts.crops import clamped, cut_out
from methods.settings.icd import ICDSettings

SMALL = 1e-10  # inside every logarithm, as in the released code


class CropClassifier(Protocol):
    """What the method asks of its teacher."""

    input_size: int

    def normalised(self, pixels: Tensor) -> Tensor:
        """(K, 3, s, s) RGB values 0 to 255 -> what the network was trained on."""

    def logits(self, pixels: Tensor) -> Tensor:
        """Normalised pixels -> (K, classes)."""

    def stages(self, pixels: Tensor, deepest: int, pooled: bool) -> list[Tensor]:
        """Normalised pixels -> maps of stem, stage 1 ... stage `deepest`."""


class ICD(Distiller):
    classifier: Any
    """A CropClassifier."""
    mean: Tensor
    std: Tensor

    def __init__(self, settings: ICDSettings, context: Context) -> None:
        super().__init__()
        if context.classifier is None:
            raise ValueError("`icd` needs an image classifier as its teacher, and got none")
        self.settings = settings
        self.swap = not context.pixel_rgb
        for name, values in (("mean", context.pixel_mean), ("std", context.pixel_std)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        # Beside the registered children: the classifier is nobody's parameter and no part of what
        # is saved. `_apply` below takes it along to other devices.
        frozen = context.classifier.requires_grad_(False).eval()
        object.__setattr__(self, "classifier", frozen)

    def forward(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Tensor]:
        positives, images = batch.positives, batch.images
        if positives is None or images is None:
            raise ValueError("`icd` needs the batch's images and the student's positives")
        settings = self.settings
        self.measures = {"positives": positives.boxes.new_tensor(float(len(positives.boxes)))}
        losses: dict[str, Tensor] = {}
        index = self._flat_index(positives, batch)  # (K,) into all boxes of the batch
        if settings.classification_weight:
            distance = self._class_distance(positives, index, batch)
            losses["classes"] = distance * (settings.classification_weight * settings.weight)
        if settings.localisation_weight:
            for name, distance in self._place_distances(positives, index, batch).items():
                losses[name] = distance * (settings.localisation_weight * settings.weight)
        return losses

    # KD_cls

    def _class_distance(self, positives: Positives, index: Tensor, batch: Batch) -> Tensor:
        temperature = self.settings.temperature
        if not len(index):
            return positives.logits.sum() * 0.0
        with torch.no_grad():
            logits = full_precision(self._true_logits(batch)[index])  # (K, C)
        own = full_precision(positives.logits)
        if positives.activation == "softmax":
            wanted = functional.pad((logits / temperature).softmax(1), (0, 1))  # (K, C + 1)
            found = (own / temperature).softmax(1)
            distance = (wanted * ((wanted + SMALL).log() - (found + SMALL).log())).sum(1)
        else:
            wanted = (logits / temperature).sigmoid()
            found = (own / temperature).sigmoid()
            distance = (_two_point(wanted, found) + _two_point(1 - wanted, 1 - found)).mean(1)
        counts = torch.zeros(len(batch.boxes), device=own.device).index_add(
            0, positives.image, torch.ones(len(index), device=own.device)
        )
        return temperature**2 * distance.sum() / counts.clamp(min=1).sum()

    def _true_logits(self, batch: Batch) -> Tensor:
        """(all boxes of the batch, C): the classifier's view of each ground truth."""
        size = self.classifier.input_size
        crops = self._crops(*_truths(batch), batch, size)
        return torch.cat([self.classifier.logits(chunk) for chunk in crops])

    # KD_loc

    def _place_distances(
        self, positives: Positives, index: Tensor, batch: Batch
    ) -> dict[str, Tensor]:
        size = self.settings.crop_size or self.classifier.input_size
        count = len(positives.boxes)
        names = self.settings.layers
        if not count:
            nothing = positives.boxes.sum() * 0.0
            return {_term(name): nothing for name in names}
        with torch.no_grad():
            views = [self._views(crops) for crops in self._crops(*_truths(batch), batch, size)]
            truths = [torch.cat(parts) for parts in zip(*views, strict=True)]
        assert batch.images is not None  # forward has asked for them
        boxes = clamped(full_precision(positives.boxes), batch.padded_size)
        totals: list[Tensor] = [boxes.new_zeros(()) for _ in names]
        for part in _parts(count, self.settings.chunk):
            # The true views are gathered inside, or the backward pass would keep one per positive.
            given = (boxes[part], positives.image[part], index[part], batch.images, *truths)
            if count <= self.settings.chunk:
                found = self._distances(size, *given)
            else:  # recomputed in the backward pass, so that one chunk alone is ever alive
                found = checkpoint(
                    self._distances, size, *given, use_reentrant=False, preserve_rng_state=False
                )
            totals = [total + each for total, each in zip(totals, found, strict=True)]

        features = sum(name != "obj" for name in names)
        losses: dict[str, Tensor] = {}
        for name, total in zip(names, totals, strict=True):
            share = len(names) if self.settings.layer_mean == "paper" else features
            divisor = count * (share if name != "obj" or self.settings.layer_mean == "paper" else 1)
            losses[_term(name)] = losses.get(_term(name), 0.0) + total / divisor
        return losses

    def _distances(
        self,
        size: int,
        boxes: Tensor,
        image: Tensor,
        index: Tensor,
        images: Tensor,
        *truths: Tensor,
    ) -> list[Tensor]:
        """Per layer, the sum over crops of the mean absolute difference of pooled maps."""
        crops = self._as_seen(cut_out(images, image, boxes, size))
        return [
            (full_precision(found) - full_precision(truth[index])).abs().flatten(1).mean(1).sum()
            for found, truth in zip(self._views(crops), truths, strict=True)
        ]

    def _views(self, crops: Tensor) -> list[Tensor]:
        """The crops as pixels and as the classifier's features, pooled, in the layers' order."""
        settings = self.settings
        deep = [int(name[1:]) for name in settings.layers if name != "obj"]
        stages = (
            self.classifier.stages(crops, max(deep), settings.stem == "after-pool") if deep else []
        )
        views, pool = [], settings.feature_pool
        for name in settings.layers:
            if name == "obj":
                views.append(functional.adaptive_avg_pool2d(crops, settings.pixel_pool))
            else:
                views.append(functional.adaptive_avg_pool2d(stages[int(name[1:])], pool))
                pool *= 2
        return views

    # Crops

    def _crops(self, boxes: Tensor, image: Tensor, batch: Batch, size: int) -> Iterator[Tensor]:
        """Chunks of squares, normalised as the classifier was trained."""
        assert batch.images is not None
        boxes = clamped(boxes, batch.padded_size)
        for part in _parts(len(boxes), self.settings.chunk):
            yield self._as_seen(cut_out(batch.images, image[part], boxes[part], size))

    def _as_seen(self, crops: Tensor) -> Tensor:
        pixels = crops * self.std + self.mean
        return self.classifier.normalised(pixels.flip(1) if self.swap else pixels)

    @staticmethod
    def _flat_index(positives: Positives, batch: Batch) -> Tensor:
        counts = [len(boxes) for boxes in batch.boxes]
        starts = [sum(counts[:index]) for index in range(len(counts))]
        return positives.image.new_tensor(starts)[positives.image] + positives.ground_truth

    def _apply(self, function: Callable[[Tensor], Tensor], recurse: bool = True) -> ICD:
        super()._apply(function, recurse)
        self.classifier._apply(function, recurse)
        return self


def _two_point(wanted: Tensor, found: Tensor) -> Tensor:
    wanted, found = wanted.clamp(min=SMALL), found.clamp(min=SMALL)
    return wanted * (wanted.log() - found.log())


def _truths(batch: Batch) -> tuple[Tensor, Tensor]:
    """All ground-truth boxes of the batch (B, 4), and the image of each (B,)."""
    boxes = torch.cat(batch.boxes).float()
    image = torch.cat(
        [torch.full((len(b),), i, device=b.device) for i, b in enumerate(batch.boxes)]
    )
    return boxes, image


def _term(layer: str) -> str:
    return "pixels" if layer == "obj" else "features"


def _parts(count: int, chunk: int) -> Iterator[slice]:
    for start in range(0, count, chunk):
        yield slice(start, start + chunk)


def build(settings: ICDSettings, context: Context) -> ICD:
    return ICD(settings, context)
