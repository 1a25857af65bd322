"""An image classifier: mmdet's ResNet, averaged, and one linear layer.

Two things are made of it: the trunks that mini detectors start from (`backbone.*` of its weights
are those of a detector's backbone), and the classification teachers of icd.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from mmdet.registry import MODELS
from mmengine.model import BaseModel
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from methods.settings.base import Frozen
from workflow.distill.streams import isolated, seed_of

Architecture = Literal["resnet18", "resnet34", "resnet50", "resnet101", "resnext101_32x8d"]
DEPTHS: dict[Architecture, int] = {
    "resnet18": 18,
    "resnet34": 34,
    "resnet50": 50,
    "resnet101": 101,
    "resnext101_32x8d": 101,
}
FULL_WIDTH = 64


class ClassifierOptions(Frozen):
    architecture: Architecture
    width: int = FULL_WIDTH
    """Channels of the first stage."""
    start: Literal["imagenet", "random"] = "imagenet"
    input_size: int = Field(112, ge=8)
    """Side of the square that a crop is stretched to."""
    context: float = Field(0.0, ge=0)
    """Added around a box, as a share of its sides."""
    minimum: float = Field(2.0, ge=0)
    """Boxes with a shorter side, in pixels, are left out."""
    jitter: float = Field(0.1, ge=0)
    """Augmentation: a box's sides move by up to this share of its width and height."""
    mirror: bool = True
    """Augmentation: half of the crops are mirrored. Not for digits."""
    cross_entropy: float = Field(1.0, ge=0)
    binary: float = Field(1.0, ge=0)
    """Weights of the two losses; with both, one teacher serves softmax and sigmoid heads."""
    pixel_mean: tuple[float, float, float] | None = None
    pixel_std: tuple[float, float, float] | None = None
    """Of RGB values 0 to 255; None takes the data set's."""


def trunk_config(options: ClassifierOptions) -> dict[str, Any]:
    """mmdet's backbone with every weight trained."""
    config: dict[str, Any] = {
        "type": "ResNet",
        "depth": DEPTHS[options.architecture],
        "num_stages": 4,
        "out_indices": (0, 1, 2, 3),
        "frozen_stages": -1,
        "norm_cfg": {"type": "BN", "requires_grad": True},
        "norm_eval": False,
        "style": "pytorch",
    }
    if options.architecture == "resnext101_32x8d":
        config.update(type="ResNeXt", groups=32, base_width=8)
    else:
        config.update(stem_channels=options.width, base_channels=options.width)
    return config


class Classifier(BaseModel):
    def __init__(
        self,
        options: ClassifierOptions,
        classes: int,
        pixel_mean: Sequence[float],
        pixel_std: Sequence[float],
    ) -> None:
        super().__init__()
        self.options = options
        self.backbone = MODELS.build(trunk_config(options))
        channels = self.backbone.feat_dim
        self.fc = nn.Linear(channels, classes)
        mean, std = options.pixel_mean or pixel_mean, options.pixel_std or pixel_std
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def logits(self, pixels: Tensor) -> Tensor:
        """(N, 3, H, W), normalised as in training -> (N, classes)."""
        logits: Tensor = self.fc(self.backbone(pixels)[-1].mean((2, 3)))
        return logits

    @property
    def input_size(self) -> int:
        return self.options.input_size

    def stages(self, pixels: Tensor, deepest: int, pooled: bool = True) -> list[Tensor]:
        """Normalised pixels -> maps of the stem (behind its max-pooling, or before it) and of the
        residual stages 1 to `deepest`."""
        trunk = self.backbone
        stem = trunk.relu(trunk.norm1(trunk.conv1(pixels)))
        inside = trunk.maxpool(stem)
        maps = [inside if pooled else stem]
        for name in trunk.res_layers[:deepest]:
            inside = getattr(trunk, name)(inside)
            maps.append(inside)
        return maps

    def normalised(self, pixels: Tensor) -> Tensor:
        """RGB values 0 to 255 -> what the network was trained on."""
        return (pixels.float() - self.mean) / self.std

    def forward(self, inputs: Tensor, labels: Tensor, mode: str = "tensor") -> Any:
        logits = self.logits(self.normalised(inputs))
        if mode != "loss":
            return logits
        losses = {}
        if self.options.cross_entropy:
            loss = functional.cross_entropy(logits, labels)
            losses["loss_cross_entropy"] = self.options.cross_entropy * loss
        if self.options.binary:
            wanted = functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
            # Summed over the classes: a mean would let the many zeros drown the one.
            loss = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="sum")
            losses["loss_binary"] = self.options.binary * loss / len(labels)
        return losses


def first_weights(options: ClassifierOptions) -> str | None:
    """Whose weights the trunk starts from; None for a start of its own."""
    return f"torchvision://{options.architecture}" if options.start == "imagenet" else None


def build_classifier(
    options: ClassifierOptions,
    classes: int,
    pixel_mean: Sequence[float],
    pixel_std: Sequence[float],
    seed: int,
    pretrained: bool = True,
) -> Classifier:
    """With its first weights, which depend on the seed alone; see models.build.build_detector."""
    with isolated(seed_of("initial weights", seed)):
        built = Classifier(options, classes, pixel_mean, pixel_std)
        checkpoint = first_weights(options)
        if pretrained and checkpoint is not None:
            built.backbone.init_cfg = {"type": "Pretrained", "checkpoint": checkpoint}
        built.backbone.init_weights()
    return built
