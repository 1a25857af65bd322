"""What the student's own assigner matched, noted while the head computes its losses.

No head is copied and nothing is assigned twice: for the time of one loss, the head's own methods
are wrapped, so that what goes in and comes out can be read. Dense heads tell it image by image, box
heads of two-stage detectors proposal by proposal. `recorder_of` refuses heads it does not know,
before anything is trained.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from mmdet.models.dense_heads import FCOSHead, GFLHead, RepPointsHead, RetinaHead, SSDHead
from mmdet.models.roi_heads import DynamicRoIHead, StandardRoIHead
from mmdet.structures.bbox import get_box_tensor

from methods.contract import Positives
from workflow.distill.matched import (
    AnchorReader,
    Asked,
    FCOSReader,
    GFLReader,
    Matched,
    Reader,
    RepPointsReader,
    flattened,
    places,
)

# Exactly these: a subclass may assign, or decode, in a way of its own.
READERS: dict[type, Reader] = {
    RetinaHead: AnchorReader(),
    SSDHead: AnchorReader(),
    GFLHead: GFLReader(),
    FCOSHead: FCOSReader(),
    RepPointsHead: RepPointsReader(),
}
ROI_HEADS: tuple[type, ...] = (StandardRoIHead, DynamicRoIHead)


class PositivesError(ValueError):
    """A head whose matched predictions nothing here can read."""


def recorder_of(detector: Any) -> DenseRecorder | RoIRecorder:
    """For a student; raises PositivesError where its head is none of those that are known."""
    roi_head: Any = getattr(detector, "roi_head", None)
    if type(roi_head) in ROI_HEADS and roi_head.bbox_head.with_reg:
        return RoIRecorder(roi_head.bbox_head)
    head = getattr(detector, "bbox_head", None)
    reader = READERS.get(type(head))
    if reader is None:
        known = ", ".join(sorted(kind.__name__ for kind in (*READERS, *ROI_HEADS)))
        found = type(roi_head if roi_head is not None else head).__name__
        raise PositivesError(
            f"methods that distil matched predictions read these heads: {known}; "
            f"this {type(detector).__name__} has a {found}"
        )
    return DenseRecorder(head, reader)


class Wrapping:
    """Methods of one object, replaced while inside the context and put back after it."""

    def __init__(self, wrapped: Any, **listeners: Callable[..., None]) -> None:
        """Each listener is called with (arguments, keywords, result) after its method."""
        self.wrapped = wrapped
        self.listeners = listeners
        self.before: dict[str, Any] = {}

    def __enter__(self) -> None:
        for name, listen in self.listeners.items():
            # A method that somebody else has replaced on this object is put back as it was found.
            self.before[name] = self.wrapped.__dict__.get(name)
            setattr(self.wrapped, name, _listening(getattr(self.wrapped, name), listen))

    def __exit__(self, *exception: object) -> None:
        for name, before in self.before.items():
            if before is None:
                delattr(self.wrapped, name)
            else:
                setattr(self.wrapped, name, before)


def _listening(method: Callable[..., Any], listen: Callable[..., None]) -> Callable[..., Any]:
    def called(*arguments: Any, **keywords: Any) -> Any:
        result = method(*arguments, **keywords)
        listen(arguments, keywords, result)
        return result

    return called


class DenseRecorder:
    """Anchors or points of a one-stage head."""

    def __init__(self, head: Any, reader: Reader) -> None:
        self.head = head
        self.reader = reader
        self.matched: list[Matched] = []
        self.predictions: tuple[Any, ...] = ()
        self.wrapping = Wrapping(head, _get_targets_single=self._image, loss_by_feat=self._maps)

    def __enter__(self) -> DenseRecorder:
        self.matched, self.predictions = [], ()
        self.wrapping.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.wrapping.__exit__(*exception)

    def _image(self, arguments: tuple[Any, ...], keywords: dict[str, Any], result: Any) -> None:
        if keywords.get("stage", "refine") == "refine":  # RepPoints also matches a first guess
            self.matched.append(self.reader.matched(self.head, arguments, keywords, result))

    def _maps(self, arguments: tuple[Any, ...], keywords: dict[str, Any], result: Any) -> None:
        self.predictions = arguments

    def positives(self) -> Positives:
        head, reader = self.head, self.reader
        scores = flattened(self.predictions[0], head.cls_out_channels)  # (N, all, C)
        image = torch.cat(
            [torch.full_like(matched.index, number) for number, matched in enumerate(self.matched)]
        )
        index = torch.cat([matched.index for matched in self.matched])
        priors = torch.cat([matched.priors for matched in self.matched])
        levels, cells = places(self.predictions[0], head.prior_generator.num_base_priors)
        level = levels[index]
        strides = scores.new_tensor([stride[0] for stride in head.prior_generator.strides])[level]
        found = Positives(
            image=image,
            ground_truth=torch.cat([matched.ground_truth for matched in self.matched]),
            logits=scores[image, index],
            boxes=reader.boxes(head, Asked(self.predictions, image, index, priors, strides)),
            activation="sigmoid" if head.use_sigmoid_cls else "softmax",
            level=level,
            cell=cells[index],
        )
        self.matched, self.predictions = [], ()  # let go of the graph behind them
        return found


class RoIRecorder:
    """Sampled positive proposals of a two-stage detector's box head."""

    def __init__(self, head: Any) -> None:
        self.head = head
        self.seen: dict[str, Any] = {}
        self.wrapping = Wrapping(head, loss_and_target=self._proposals)

    def __enter__(self) -> RoIRecorder:
        self.seen = {}
        self.wrapping.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.wrapping.__exit__(*exception)

    def _proposals(self, arguments: tuple[Any, ...], keywords: dict[str, Any], _: Any) -> None:
        names = ("cls_score", "bbox_pred", "rois", "sampling_results")
        self.seen = dict(zip(names, arguments, strict=False)) | keywords

    def positives(self) -> Positives:
        head, samples = self.head, self.seen["sampling_results"]
        rows, start = [], 0
        for sample in samples:  # of each image the positives come first
            count = len(sample.pos_priors)
            rows.append(torch.arange(start, start + count, device=sample.pos_inds.device))
            start += count + len(sample.neg_priors)
        row = torch.cat(rows)
        labels = torch.cat([sample.pos_gt_labels for sample in samples])
        rois = self.seen["rois"][row]  # (K, 5): image, x1, y1, x2, y2
        deltas = self.seen["bbox_pred"][row]
        if not head.reg_class_agnostic:
            deltas = deltas.unflatten(1, (-1, head.bbox_coder.encode_size))
            deltas = deltas[torch.arange(len(row), device=row.device), labels]
        found = Positives(
            image=rois[:, 0].long(),
            ground_truth=torch.cat([sample.pos_assigned_gt_inds for sample in samples]),
            logits=self.seen["cls_score"][row],
            boxes=get_box_tensor(head.bbox_coder.decode(rois[:, 1:], deltas)),
            activation="sigmoid" if head.loss_cls.use_sigmoid else "softmax",
        )
        self.seen = {}
        return found
