"""Detectors of mmdet's own configurations, made small, and images to feed them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.structures import InstanceData

CONFIGS = {
    "RetinaNet": "retinanet/retinanet_r50_fpn_1x_coco.py",
    "Cascade R-CNN": "cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py",
    "Faster R-CNN": "faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py",
    "RepPoints": "reppoints/reppoints-moment_r50_fpn-gn_head-gn_1x_coco.py",
    "RepPoints with DCN": "reppoints/reppoints-moment_r101-dconv-c3-c5_fpn-gn_head-gn_2x_coco.py",
    "FCOS": "fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py",
    "GFL": "gfl/gfl_r50_fpn_1x_coco.py",
    "Faster R-CNN with DCNv2": "dcnv2/faster-rcnn_r50-mdconv-c3-c5_fpn_1x_coco.py",
    "SSD300": "ssd/ssd300_coco.py",
}
WIDTH = 32  # of neck and heads, 256 in the real ones; group normalisation needs a multiple of 32
BASE_WIDTH = 8  # of the backbone, 64 in the real ones


def small_config(name: str) -> ConfigDict:
    """The model of mmdet's configuration, of CONFIGS or by path, an eighth as wide, untrained."""
    specification = importlib.util.find_spec("mmdet")
    folder = Path(specification.submodule_search_locations[0]) / ".mim/configs"
    model = Config.fromfile(folder / CONFIGS.get(name, name)).model
    model.backbone.init_cfg = None
    if model.backbone.type == "ResNet":
        model.backbone.base_channels = model.backbone.stem_channels = BASE_WIDTH
        model.neck.in_channels = [BASE_WIDTH * 4 * 2**stage for stage in range(4)]
        for part in ("neck", "bbox_head", "rpn_head", "roi_head"):
            narrow(model.get(part))
    return model


def without_threshold(model: Any) -> Any:
    """Untrained dense heads score about 0.01, below every threshold: they would find nothing."""
    head = model.roi_head if hasattr(model, "roi_head") else model.bbox_head
    head.test_cfg.score_thr = 0.0
    return model


def narrow(part: Any) -> None:
    """Replace the real width wherever a part of a model names it."""
    widths = {256: WIDTH, 1024: WIDTH * 2}
    if isinstance(part, dict):
        for key, value in part.items():
            if key.endswith("channels") and isinstance(value, int):
                part[key] = widths.get(value, value)
            else:
                narrow(value)
    elif isinstance(part, list):
        for item in part:
            narrow(item)


def batch(images: int = 2, size: int = 96, seed: int = 0) -> dict[str, list]:
    """Noise images; all but the last carry two boxes, the last none."""
    from mmdet.structures import DetDataSample

    generator = torch.Generator().manual_seed(seed)
    samples = []
    for index in range(images):
        count = 2 if index < images - 1 or images == 1 else 0
        sample = DetDataSample()
        sample.gt_instances = InstanceData(
            bboxes=(torch.tensor([[8.0, 8, 48, 40], [30, 20, 90, 80]]) * size / 96)[:count],
            labels=torch.tensor([3, 7])[:count],
        )
        sample.set_metainfo(
            {
                "img_id": index,
                "img_shape": (size, size),
                "ori_shape": (size, size),
                "scale_factor": (1.0, 1.0),
                "batch_input_shape": (size, size),
            }
        )
        samples.append(sample)
    pixels = [
        torch.randint(0, 256, (3, size, size), dtype=torch.uint8, generator=generator)
        for _ in range(images)
    ]
    return {"inputs": pixels, "data_samples": samples}
