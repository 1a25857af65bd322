"""A data set on disk as mmdet's loaders: training in the seed's order, or one split in its own."""

from __future__ import annotations

from contextlib import redirect_stdout
from functools import partial
from typing import Any

from mmdet.datasets import CocoDataset
from mmengine.dataset import pseudo_collate, worker_init_fn
from torch.utils.data import DataLoader

from workflow.data.catalogue import DataSet
from workflow.running.order import SeededOrder, SeededSamples
from workflow.spec import ScheduleSpec

META = (
    "img_id", "img_path", "ori_shape", "img_shape", "scale_factor", "flip", "flip_direction",
)  # fmt: skip
Pipeline = list[dict[str, Any]]


def train_pipeline(scales: tuple[tuple[int, int], ...], shift: int = 0) -> Pipeline:
    """For detectors without a packaged configuration of their own.

    `shift` moves images instead of mirroring them, for data that has a reading direction.
    """
    steps: Pipeline = [
        {"type": "LoadImageFromFile"},
        {"type": "LoadAnnotations", "with_bbox": True},
        _resize(scales),
    ]
    if shift:
        steps.append({"type": "RandomShift", "prob": 1.0, "max_shift_px": shift})
    else:
        steps.append({"type": "RandomFlip", "prob": 0.5})
    return [*steps, {"type": "PackDetInputs", "meta_keys": META}]


def test_pipeline(scales: tuple[tuple[int, int], ...]) -> Pipeline:
    """At the largest scale; boxes are loaded for drawing, and never reach the network."""
    return [
        {"type": "LoadImageFromFile"},
        _resize(scales[-1:]),
        {"type": "LoadAnnotations", "with_bbox": True},
        {"type": "PackDetInputs", "meta_keys": META},
    ]


def open_split(
    data: DataSet, split: str, pipeline: Pipeline, training: bool = False
) -> CocoDataset:
    files = data.splits[split]
    with redirect_stdout(None):  # pycocotools tells how it reads
        return CocoDataset(
            ann_file=str(files.annotations),
            data_prefix={"img": str(files.images)},
            metainfo={"classes": data.classes},
            pipeline=pipeline,
            test_mode=not training,
            filter_cfg={"filter_empty_gt": True, "min_size": 1} if training else None,
        )


def iterations_of(schedule: ScheduleSpec, images: int) -> int:
    if schedule.iterations is not None:
        return schedule.iterations
    assert schedule.epochs is not None  # one of the two, says ScheduleSpec
    return -(-schedule.epochs * images // schedule.batch_size)


def train_loader(
    dataset: CocoDataset,
    schedule: ScheduleSpec,
    seed: int,
    workers: int,
    rank: int = 0,
    processes: int = 1,
) -> DataLoader[Any]:
    infos = (dataset.get_data_info(index) for index in range(len(dataset)))
    order = SeededOrder(
        groups=[int(info["width"] < info["height"]) for info in infos],
        batch_size=schedule.batch_size,
        iterations=iterations_of(schedule, len(dataset)),
        seed=seed,
        rank=rank,
        processes=processes,
    )
    return DataLoader(
        SeededSamples(dataset, seed),
        batch_sampler=order,
        num_workers=workers,
        collate_fn=pseudo_collate,
        worker_init_fn=partial(worker_init_fn, num_workers=workers, rank=rank, seed=seed),
    )


def split_loader(dataset: CocoDataset, batch_size: int, workers: int) -> DataLoader[Any]:
    return DataLoader(
        dataset, batch_size=batch_size, num_workers=workers, collate_fn=pseudo_collate
    )


def _resize(scales: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    if not scales:
        return {"type": "Resize", "scale_factor": 1.0}  # notes the scale, which heads ask for
    if len(scales) == 1:
        return {"type": "Resize", "scale": tuple(scales[0]), "keep_ratio": True}
    return {
        "type": "RandomChoiceResize",
        "scales": [tuple(scale) for scale in scales],
        "keep_ratio": True,
    }
