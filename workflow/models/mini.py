"""Detectors small enough for two cores: mmdet's own designs, with their widths and levels shrunk.

Each starts from the configuration that mmdet's wheel ships for the full-size detector, so heads,
assigners, losses and thresholds are the real ones; only what `MiniOptions` names is changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import mmdet
from mmengine.config import Config, ConfigDict

from methods.settings.base import Frozen

Architecture = Literal["retinanet", "faster-rcnn", "cascade-rcnn", "reppoints"]
CONFIGS: dict[Architecture, str] = {
    "retinanet": "retinanet/retinanet_r18_fpn_1x_coco.py",
    "faster-rcnn": "faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py",
    "cascade-rcnn": "cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py",
    "reppoints": "reppoints/reppoints-moment_r50_fpn-gn_head-gn_1x_coco.py",
}


class MiniOptions(Frozen):
    """What a mini detector changes in its full-size design."""

    architecture: Architecture
    depth: Literal[18, 34, 50]
    width: int
    """Channels of the backbone's first stage; 64 in the full-size ResNets."""
    neck: int
    """Channels of every level of the pyramid; 256 at full size."""
    head: int
    """Channels of the head's convolutions, or hidden units of its linear layers."""
    convolutions: int = 2
    """Stacked in each branch of a dense head; 4 (RepPoints 3) at full size."""
    strides: tuple[int, ...] = (8, 16, 32, 64)
    smallest_object: float = 12.0
    """Side in pixels of the anchors (the point's reach in RepPoints) of the finest level."""
    anchor_shapes: tuple[float, ...] = (1.5,)
    """Height over width of the anchors: digits are upright."""
    spread_points: bool = False
    """RepPoints: whether an object's nine points start as a grid of the level's middle size. At
    full size all start in one place: the box has no size, the class is read from one cell."""
    points_per_object: int = 1
    """RepPoints: cells around an object's centre that learn its first box. The class is learnt at
    every cell whose first box fits, so one, as at full size, leaves few such cells for long."""
    proposals: int = 100
    """Per image, of two-stage detectors; 1000 at full size."""
    frozen_statistics: bool = False
    """Whether batch statistics stay those of the pre-training, as at full size."""
    shift: int = 12
    """Augmentation: images move by up to so many pixels. Digits cannot be mirrored."""


def backbone_config(depth: int, width: int) -> dict[str, Any]:
    """A narrow ResNet whose batch statistics are trained: nothing is frozen at this size."""
    return {
        "type": "ResNet",
        "depth": depth,
        "stem_channels": width,
        "base_channels": width,
        "num_stages": 4,
        "out_indices": (0, 1, 2, 3),
        "frozen_stages": -1,
        "norm_cfg": {"type": "BN", "requires_grad": True},
        "norm_eval": False,
        "style": "pytorch",
    }


def model_config(
    options: MiniOptions,
    classes: int,
    pixel_mean: Iterable[float],
    pixel_std: Iterable[float],
) -> ConfigDict:
    """mmdet's configuration of the detector, ready for its registry."""
    root = Path(mmdet.__file__).parent / ".mim" / "configs"
    model: ConfigDict = Config.fromfile(root / CONFIGS[options.architecture]).model
    model.data_preprocessor.update(mean=list(pixel_mean), std=list(pixel_std))
    model.backbone = ConfigDict(backbone_config(options.depth, options.width))
    model.backbone.norm_eval = options.frozen_statistics
    expansion = 4 if options.depth >= 50 else 1
    first = options.strides[0].bit_length() - 3  # stride 4 is the first stage's
    model.neck.update(
        in_channels=[options.width * expansion * 2**stage for stage in range(4)],
        out_channels=options.neck,
        start_level=first,
        num_outs=len(options.strides),
    )
    if "roi_head" in model:
        _shrink_two_stage(model, options, classes)
    else:
        _shrink_dense(model, options, classes)
    return model


def _shrink_dense(model: ConfigDict, options: MiniOptions, classes: int) -> None:
    head = model.bbox_head
    head.update(
        num_classes=classes,
        in_channels=options.neck,
        feat_channels=options.head,
        stacked_convs=options.convolutions,
    )
    reach = options.smallest_object / options.strides[0]
    if options.architecture == "reppoints":
        _shrink_points(model, options, reach)
    else:
        # mmdet's deviation of 0.01 suits 256 channels; through so few, activations would vanish.
        head.init_cfg = {
            "type": "Normal",
            "layer": "Conv2d",
            "std": math.sqrt(2 / (9 * options.head)),
            "override": [
                {"type": "Normal", "name": "retina_cls", "std": 0.01, "bias_prob": 0.01},
                {"type": "Normal", "name": "retina_reg", "std": 0.01},
            ],
        }
        head.anchor_generator.update(
            octave_base_scale=reach,
            scales_per_octave=2,
            ratios=list(options.anchor_shapes),
            strides=list(options.strides),
        )


def _shrink_points(model: ConfigDict, options: MiniOptions, reach: float) -> None:
    head = model.bbox_head
    model.train_cfg.init.assigner.update(scale=reach, pos_num=options.points_per_object)
    head.update(
        point_feat_channels=options.head,
        point_strides=list(options.strides),
        point_base_scale=reach,
        init_cfg=_points_start(options),
    )
    if options.spread_points:
        # A level's objects are once to twice `reach` cells wide, sqrt(2) times in the middle. A box
        # is two standard deviations of its nine points wide, sqrt(3/4) of the side of a grid.
        head.update(center_init=False, point_base_scale=reach * math.sqrt(2) / math.sqrt(3 / 4))
    for norm in (model.neck.norm_cfg, head.norm_cfg):
        norm.num_groups = 8  # of 32 at full size: the same few channels in each


def _points_start(options: MiniOptions) -> dict[str, Any]:
    """First weights that suit the head's width, where mmdet's deviation of 0.01 suits 256 channels.

    The class output's too: a class's weights are one for each channel, and where those of two
    classes hardly differ, little tells the layers below which is which. (Deformable
    convolutions are no `Conv2d` to mmdet: they start for their width by themselves.)
    """
    return {
        "type": "Normal",
        "layer": "Conv2d",
        "std": math.sqrt(2 / (9 * options.head)),
        "override": [
            {
                "type": "Normal",
                "name": "reppoints_cls_out",
                "std": 1 / math.sqrt(options.head),
                "bias_prob": 0.01,
            },
            {"type": "Normal", "name": "reppoints_pts_init_out", "std": 0.01},
            {"type": "Normal", "name": "reppoints_pts_refine_out", "std": 0.01},
        ],
    }


def _shrink_two_stage(model: ConfigDict, options: MiniOptions, classes: int) -> None:
    model.rpn_head.update(in_channels=options.neck, feat_channels=options.neck)
    model.rpn_head.anchor_generator.update(
        scales=[options.smallest_object / options.strides[0]],
        ratios=list(options.anchor_shapes),
        strides=list(options.strides),
    )
    # The max-pooled last level only proposes: regions are cut from those with a convolution.
    model.roi_head.bbox_roi_extractor.update(
        out_channels=options.neck,
        featmap_strides=list(options.strides[:-1]),
        finest_scale=round(2 * options.smallest_object),
    )
    heads = model.roi_head.bbox_head
    for head in heads if isinstance(heads, list) else [heads]:
        head.update(in_channels=options.neck, fc_out_channels=options.head, num_classes=classes)
    model.train_cfg.rpn_proposal.update(nms_pre=500, max_per_img=options.proposals)
    model.test_cfg.rpn.update(nms_pre=500, max_per_img=options.proposals)
    stages = model.train_cfg.rcnn
    for stage in stages if isinstance(stages, list) else [stages]:
        stage.sampler.num = 64  # of 512 at full size, from a tenth of the proposals
