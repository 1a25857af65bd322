"""Which mistakes a detector makes: TIDE's six kinds, each with the AP50 that mending it would give
(Bolya et al., TIDE, ECCV 2020).

Cls: right place, wrong class. Loc: right class, box too far off. Both: class and box. Dupe: a
second detection of one box. Bkg: on nothing. Miss: a box that nothing found. A class all of whose
boxes are missed keeps its AP of 0 once they are forgiven; tidecv leaves it out of the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.evaluate_engines import MAX_DETECTIONS
from analysis.evaluate_input import FARTHEST, Annotations, Detections

KINDS = {
    "Cls": "class",
    "Loc": "location",
    "Both": "class and location",
    "Dupe": "duplicate",
    "Bkg": "background",
    "Miss": "missed",
}
SPECIAL = {"FP": "all false positives", "FN": "all false negatives"}
FOREGROUND_IOU, BACKGROUND_IOU = 0.5, 0.1


@dataclass(frozen=True)
class Errors:
    """In points of AP50; what remains after mending all is not their sum."""

    ap50: float
    costs: dict[str, float]
    """Kind -> AP50 lost to it."""
    counts: dict[str, int]


def error_types(annotations: Annotations, detections: Detections) -> Errors:
    import hotcoco

    truth = hotcoco.COCO(annotations.truth)
    columns = (
        detections.image_ids[:, None],
        detections.boxes,
        detections.scores[:, None],
        detections.category_ids[:, None],
    )
    found = truth.load_res(np.concatenate(columns, axis=1))  # (D, 7)
    evaluator = hotcoco.COCOeval(truth, found, "bbox")
    evaluator.params.area_rng = [[0.0, FARTHEST]]
    evaluator.params.area_rng_lbl = ["all"]
    evaluator.params.max_dets = [MAX_DETECTIONS[-1]]
    evaluator.evaluate()
    told = evaluator.tide_errors(pos_thr=FOREGROUND_IOU, bg_thr=BACKGROUND_IOU)
    ap50 = 100 * float(told["ap_base"])
    return Errors(
        ap50,
        {kind: 100 * float(told["delta_ap"][kind]) for kind in (*KINDS, *SPECIAL)},
        {kind: int(told["counts"][kind]) for kind in KINDS},
    )
