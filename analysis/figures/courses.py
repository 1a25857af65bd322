"""How far students attend to what their pair's teacher attends to, from what runs kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.figures.attention import BEFORE, STUDENT, TEACHER, Attention, read_attention
from analysis.figures.wanted import Wanted
from analysis.statistics.tables import CellStatistics

FILE = "agreement.csv"
ON_ITS_WAY = f"{STUDENT}@"
"""Before an iteration: the student's maps as they were then, where the run has no teacher."""
COLUMNS = ("iteration", "level", "region", "correlation", "kl")
REGIONS = ("all", "inside", "outside")
TINY = 1e-12
FEWEST_CELLS = 3

Courses = dict[str, tuple[CellStatistics, pd.DataFrame]]
"""Row -> its agreement.csv of all seeds."""


def courses(wanted: Wanted, group: str) -> Courses:
    """A student without a teacher keeps no agreement: the maps that it kept are held against those
    of the pair's teacher, which another row has seen."""
    cells = [cell for cell in wanted.of_group(group) if cell.n]
    found: Courses = {}
    teacher: Attention | None = None
    for cell in cells:
        runs = wanted.records.frame.loc[list(cell.runs)]
        frames = [
            read_agreement(Path(folder) / FILE).assign(seed=seed)
            for folder, seed in zip(runs["folder"], runs["seed"], strict=True)
            if (Path(folder) / FILE).is_file()
        ]
        if frames:
            found[cell.cell.row] = (cell, pd.concat(frames, ignore_index=True))
        if teacher is None and len(runs) and _of_the_pair(wanted, group, str(runs.index[0])):
            own = read_attention(runs["folder"].iloc[0])
            teacher = own if own is not None and TEACHER in own.names else None
    if not found:
        return {}
    last = max(int(frame["iteration"].max()) for _, frame in found.values())
    for cell in cells:
        if cell.cell.row in found or teacher is None:
            continue
        for _, run in wanted.records.frame.loc[list(cell.runs)].iterrows():
            own = read_attention(str(run["folder"]))
            if own is not None:
                frame = held_against(teacher, own, last).assign(seed=run["seed"])
                if len(frame):
                    found[cell.cell.row] = (cell, frame)
                break
    return {cell.cell.row: found[cell.cell.row] for cell in cells if cell.cell.row in found}


def _of_the_pair(wanted: Wanted, group: str, run: str) -> bool:
    """Whether the run looked at the teacher that its pair is named for, trained and no other."""
    taught_by = wanted.plan.by_id[run].teacher
    pair = wanted.plan.pairs.get(group)
    return (
        taught_by is not None
        and pair is not None
        and wanted.plan.by_id[taught_by].kind == "teacher"
        and wanted.plan.by_id[taught_by].group == pair.teacher
    )


def read_agreement(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise AnalysisError(f"{path}: cannot be read as a table: {error}") from None
    lacking = [name for name in COLUMNS if name not in frame.columns]
    if lacking:
        raise AnalysisError(f"{path}: columns are missing: {', '.join(lacking)}")
    return frame


def held_against(teacher: Attention, own: Attention, last: int) -> pd.DataFrame:
    """The columns of agreement.csv from kept maps: at every snapshot of the training, or at
    iteration 0 and at the end where it had none."""
    rows = []
    ids = [scene.id for scene in teacher.scenes]
    moments = _on_its_way(own) or {0: BEFORE, last: STUDENT}
    for iteration, what in moments.items():
        for number, level in enumerate(own.meta.levels):
            values: dict[str, list[tuple[float, float]]] = {region: [] for region in REGIONS}
            for place, scene in enumerate(own.scenes):
                if scene.id not in ids:
                    continue
                one = teacher.get(TEACHER, number, ids.index(scene.id))
                other = own.get(what, number, place)
                if one is None or other is None or one.shape != other.shape:
                    continue
                inside = scene.inside(other.shape, level.stride)
                valid = scene.valid(other.shape, level.stride)
                cells = {"all": valid, "inside": inside & valid, "outside": ~inside & valid}
                for region, chosen in cells.items():
                    compared = compare(one[chosen], other[chosen])
                    if compared is not None:
                        values[region].append(compared)
            for region, pairs in values.items():
                if pairs:
                    correlation, kl = np.mean(pairs, axis=0)
                    rows.append((iteration, level.name, region, correlation, kl))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _on_its_way(own: Attention) -> dict[int, str]:
    """Iteration -> name of the student's maps then, in order."""
    kept = [name for name in own.names if name.startswith(ON_ITS_WAY)]
    return dict(sorted((int(name.removeprefix(ON_ITS_WAY)), name) for name in kept))


def compare(teacher: np.ndarray, student: np.ndarray) -> tuple[float, float] | None:
    """(Pearson correlation, KL of the student's from the teacher's attention); None where there
    are too few cells to say."""
    one, other = teacher.astype(np.float64), student.astype(np.float64)
    if len(one) < FEWEST_CELLS or one.std() < TINY or other.std() < TINY:
        return None
    p, q = one / one.sum(), other / other.sum()
    kl = float((p * np.log((p + TINY) / (q + TINY))).sum())
    return float(np.corrcoef(one, other)[0, 1]), kl
