"""What a row gains beyond its own control.

A method that starts from the teacher's neck and head has two sources of gain, and the undistilled
student has neither. Its honest rival is the student that inherits the same and distils nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.metrics import HEADLINE
from analysis.records import Records
from analysis.statistics.bootstrap import ImageInterval
from analysis.statistics.images import ImageUncertainty
from analysis.statistics.paired import Delta, correct, paired_delta

if TYPE_CHECKING:
    from analysis.statistics.tables import CellStatistics


def with_controls(
    records: Records, cells: list[CellStatistics], images: ImageUncertainty | None
) -> list[CellStatistics]:
    """The cells of one pair, with differences to inheriting alone where they inherit; p-values
    corrected over these rows, for every metric by itself."""
    cells = [replace(cell, uncontrolled=_awaits_control(records, cell, cells)) for cell in cells]
    found = {}
    for place, cell in enumerate(cells):
        control = control_of(records, cell, cells)
        if control is not None:
            deltas = {
                metric: delta
                for metric, own in cell.values.items()
                if (delta := paired_delta(own, control.values.get(metric, {})))
            }
            found[place] = (deltas, _over_images(records, cell, control, images))
    metrics = dict.fromkeys(metric for deltas, _ in found.values() for metric in deltas)
    corrected: dict[str, dict[str, Delta | None]] = {
        metric: correct({str(place): deltas.get(metric) for place, (deltas, _) in found.items()})
        for metric in metrics
    }
    return [
        cell
        if place not in found
        else replace(
            cell,
            own_deltas={m: d for m, all in corrected.items() if (d := all[str(place)])},
            own_image_delta=found[place][1],
            uncontrolled=HEADLINE not in found[place][0],
        )
        for place, cell in enumerate(cells)
    ]


def is_control(records: Records, cell: CellStatistics) -> bool:
    """A student that inherits and distils nothing."""
    return bool(cell.cell.baseline) and not cell.cell.methods and inherits(records, cell)


def inherits(records: Records, cell: CellStatistics) -> bool:
    return any(bool(records.frame.at[id, "inherits"]) for id in cell.runs)


def control_of(
    records: Records, cell: CellStatistics, cells: list[CellStatistics]
) -> CellStatistics | None:
    """Of the same schedule and from the same teacher; one that clips alike first."""
    if not cell.cell.methods or not inherits(records, cell):
        return None
    rivals = [
        other
        for other in cells
        if is_control(records, other) and _starts_alike(records, cell, other)
    ]
    clip = _clip(records, cell)
    return min(rivals, key=lambda other: _clip(records, other) != clip, default=None)


def _awaits_control(records: Records, cell: CellStatistics, cells: list[CellStatistics]) -> bool:
    """Whether a student without a result may be the control that the row lacks: what such a one
    inherits is told by its runs alone."""
    if not cell.cell.methods or not inherits(records, cell):
        return False
    if control_of(records, cell, cells) is not None:
        return False
    return any(
        not (other.n or other.is_baseline or other.cell.methods)
        and _starts_alike(records, cell, other)
        for other in cells
    )


def _starts_alike(records: Records, cell: CellStatistics, other: CellStatistics) -> bool:
    """Under one schedule, which is that of one baseline, and from one teacher's weights."""
    mine, others = _teachers(records, cell), _teachers(records, other)
    return bool(set(cell.cell.baseline) & set(other.cell.baseline) and mine & others)


def _teachers(records: Records, cell: CellStatistics) -> set[str | None]:
    return {records.plan.by_id[id].teacher for id in cell.cell.runs}


def _clip(records: Records, cell: CellStatistics) -> str:
    return str(records.frame.at[cell.runs[0], "clip"])


def _over_images(
    records: Records,
    cell: CellStatistics,
    control: CellStatistics,
    images: ImageUncertainty | None,
) -> ImageInterval | None:
    """Between two single runs of one seed."""
    if images is None or cell.images is None:
        return None
    runs = records.frame.loc[[cell.runs[0]]]
    rivals = records.frame.loc[list(control.runs)]
    rivals = rivals[rivals["seed"] == runs.iloc[0]["seed"]]
    own = images.sample(runs.iloc[0])
    other = images.sample(rivals.iloc[0]) if len(rivals) else None
    return own.minus(other).interval() if own is not None and other is not None else None
