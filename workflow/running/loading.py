"""A data set on disk as mmdet's loaders: training in the seed's order, or one split in its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import partial
from typing import Any

from mmcv.transforms import TRANSFORMS, LoadImageFromFile
from mmdet.datasets import CocoDataset
from mmdet.datasets.api_wrappers import COCO
from mmengine.dataset import pseudo_collate, worker_init_fn
from torch.utils.data import DataLoader

from workflow.data.catalogue import DataSet
from workflow.running.errors import UserError
from workflow.running.order import SeededOrder, SeededSamples
from workflow.spec import ScheduleSpec

META = (
    "img_id", "img_path", "ori_shape", "img_shape", "scale_factor", "flip", "flip_direction",
)  # fmt: skip
Pipeline = list[dict[str, Any]]
Scales = tuple[tuple[int, int], ...]


@TRANSFORMS.register_module()
class LoadSmallImage(LoadImageFromFile):
    """For images of one small size: read once, kept in memory, never resized."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, dict[str, Any]] = {}

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        path = results["img_path"]
        if path not in self.kept:
            loaded = super().transform({"img_path": path})
            self.kept[path] = {**loaded, "scale_factor": (1.0, 1.0)}
        kept = self.kept[path]
        return {**results, **kept, "img": kept["img"].copy()}  # later steps draw into it


class ClassOrder(COCO):
    """A file's categories in the order of the set's classes, whatever their ids and places.

    mmdet numbers classes as the file lists them. Splits that list them differently would be
    trained on one numbering and scored on another, and crops are numbered by name.
    """

    def get_cat_ids(
        self, cat_names: Sequence[str] = (), sup_names: Any = (), cat_ids: Any = ()
    ) -> list[int]:
        known = {category["name"]: category["id"] for category in self.dataset["categories"]}
        lost = [name for name in cat_names if name not in known]
        if lost:  # left out, it would shift the numbers of all that follow
            raise UserError(
                f"`categories` lacks {', '.join(map(repr, lost))} of the set's classes; "
                f"found {', '.join(map(repr, known))}"
            )
        return [known[name] for name in cat_names]


class ClassOrderedDataset(CocoDataset):
    COCOAPI = ClassOrder


def train_pipeline(data: DataSet, scales: Scales, shift: int = 0) -> Pipeline:
    """For detectors without a packaged configuration of their own.

    `shift` moves images instead of mirroring them, for data that has a reading direction.
    """
    steps: Pipeline = [
        *_loading(data, scales),
        {"type": "LoadAnnotations", "with_bbox": True},
    ]
    if shift:
        steps.append({"type": "RandomShift", "prob": 1.0, "max_shift_px": shift})
    else:
        steps.append({"type": "RandomFlip", "prob": 0.5})
    return [*steps, {"type": "PackDetInputs", "meta_keys": META}]


def test_pipeline(data: DataSet, scales: Scales) -> Pipeline:
    """At the largest scale; boxes are loaded for drawing, and never reach the network."""
    return [
        *_loading(data, scales[-1:]),
        {"type": "LoadAnnotations", "with_bbox": True},
        {"type": "PackDetInputs", "meta_keys": META},
    ]


def boxes_first(pipeline: Pipeline) -> Pipeline:
    """The same steps, with boxes loaded before anything is resized, so that they follow."""
    boxes = {"type": "LoadAnnotations", "with_bbox": True}
    others = [step for step in pipeline if step["type"] != "LoadAnnotations"]
    return [others[0], boxes, *others[1:]]


def open_split(
    data: DataSet, split: str, pipeline: Pipeline, training: bool = False
) -> CocoDataset:
    """Label n is the n-th of `data.classes`, and the set's `cat_ids[n]` its id in this file."""
    files = data.splits[split]
    try:
        with redirect_stdout(None):  # pycocotools tells how it reads
            return ClassOrderedDataset(
                ann_file=str(files.annotations),
                data_prefix={"img": str(files.images)},
                metainfo={"classes": data.classes},
                pipeline=pipeline,
                test_mode=not training,
                filter_cfg={"filter_empty_gt": True, "min_size": 1} if training else None,
            )
    except UserError as error:
        raise UserError(f"{files.annotations}: {error}") from error


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


def _loading(data: DataSet, scales: Scales) -> Pipeline:
    sides = [tuple(scale) for scale in scales]
    if not sides and data.image_size is not None:
        return [{"type": "LoadSmallImage"}]
    resize: dict[str, Any] = {"type": "Resize", "keep_ratio": True}
    if not sides:
        resize["scale_factor"] = 1.0  # as it is; heads ask for the scale
    elif len(sides) == 1:
        resize["scale"] = sides[0]
    else:
        resize = {"type": "RandomChoiceResize", "scales": sides, "keep_ratio": True}
    return [{"type": "LoadImageFromFile"}, resize]
