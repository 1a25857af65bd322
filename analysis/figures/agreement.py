"""Does the student come to look where its teacher looks? Per level, in and outside of boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.errors import AnalysisError
from analysis.figures.attention import BEFORE, STUDENT, TEACHER, Attention, read_attention
from analysis.figures.style import PAGE_WIDTH, Look, new_figure
from analysis.figures.wanted import NothingToDraw, Options, Picture, Wanted, sentences
from analysis.statistics.estimates import t_quantile
from analysis.statistics.tables import CellStatistics
from analysis.tables.conditions import LEVEL

FILE = "agreement.csv"
ON_ITS_WAY = f"{STUDENT}@"
"""Before an iteration: the student's maps as they were then, where the run has no teacher."""
COLUMNS = ("iteration", "level", "region", "correlation", "kl")
REGIONS = {"all": "whole image", "inside": "inside boxes", "outside": "outside boxes"}
MEASURES = {"correlation": "correlation with the teacher", "kl": "KL divergence from the teacher"}
TINY = 1e-12
FEWEST_CELLS = 3


def draw(wanted: Wanted) -> list[Picture]:
    wanted.options(Options)
    pages: list[Picture] = []
    wanted.finished()
    for group in wanted.groups:
        found = courses(wanted, group)
        if not found:
            continue
        for measure in MEASURES:
            part = "" if not pages else f"{group}-{measure}"
            pages.append(_page(wanted, group, found, measure, part))
    if not pages:
        raise NothingToDraw(
            "no finished run kept its agreement with the teacher; `attend: {images: 12, "
            "snapshots: 6}` in the suite asks for it"
        )
    return pages


def courses(wanted: Wanted, group: str) -> dict[str, tuple[CellStatistics, pd.DataFrame]]:
    """Row -> its agreement.csv of all seeds. A student without a teacher keeps none: the maps that
    it kept are held against those of the pair's teacher, which another row has seen."""
    cells = [cell for cell in wanted.of_group(group) if cell.n]
    found: dict[str, tuple[CellStatistics, pd.DataFrame]] = {}
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


def _page(
    wanted: Wanted,
    group: str,
    found: dict[str, tuple[CellStatistics, pd.DataFrame]],
    measure: str,
    part: str,
) -> Picture:
    every = pd.concat([frame for _, frame in found.values()])
    levels = sorted(every["level"].unique(), key=lambda name: (len(name), name))
    figure = new_figure(PAGE_WIDTH + 1.2, 0.5 + 1.45 * len(REGIONS))
    panels = figure.subplots(len(REGIONS), len(levels), sharex=True, sharey=True, squeeze=False)
    for line, (region, told) in zip(panels, REGIONS.items(), strict=True):
        for axes, level in zip(line, levels, strict=True):
            for row, (_, frame) in found.items():
                own = frame[(frame["level"] == level) & (frame["region"] == region)]
                _course(axes, own, measure, wanted.looks[row])
            if not axes.lines:
                axes.text(0.5, 0.5, "too few cells", transform=axes.transAxes, ha="center")
        line[0].set_ylabel(told)
    for axes, level in zip(panels[0], levels, strict=True):
        axes.set_title(level)
    figure.supxlabel("iteration", fontsize=8)
    figure.supylabel(MEASURES[measure], fontsize=8)
    handles = [
        Line2D(
            *([], []),
            color=wanted.looks[row].colour,
            linestyle=wanted.looks[row].dash,
            marker=wanted.looks[row].marker,
            label=cell.title,
        )
        for row, (cell, _) in found.items()
    ]
    figure.legend(handles=handles, loc="outside right upper", handlelength=2.6)
    seeds = {row: frame["seed"].nunique() for row, (_, frame) in found.items()}
    two_points = [cell.title for cell, frame in found.values() if frame["iteration"].nunique() == 2]
    caption = sentences(
        f"{MEASURES[measure].capitalize()}'s attention over the training "
        f"({wanted.pair_title(group)}), mean over the kept test images, by level (columns) and "
        "region (rows).",
        "One seed a row: no bands."
        if max(seeds.values()) == 1
        else f"Bands: {LEVEL} intervals over seeds.",
        f"Two points (before and after the training): {', '.join(two_points)}."
        if two_points
        else "",
    )
    return Picture(figure, caption, _alt(found, measure, levels), part, _title(wanted, group, part))


def _title(wanted: Wanted, group: str, part: str) -> str:
    measure = next((told for name, told in MEASURES.items() if part.endswith(name)), "")
    return f"{wanted.pair_title(group)}, {measure}" if part else ""


def _course(axes: Axes, own: pd.DataFrame, measure: str, look: Look) -> None:
    table = own.pivot_table(index="iteration", columns="seed", values=measure).dropna()
    if not len(table):
        return
    values = table.to_numpy()  # (I, seeds)
    mean = values.mean(axis=1)
    axes.plot(
        table.index,
        mean,
        color=look.colour,
        linestyle=look.dash,
        marker=look.marker,
        markersize=3,
        linewidth=1.1,
    )
    if values.shape[1] > 1:
        half = t_quantile(values.shape[1] - 1) * values.std(axis=1, ddof=1)
        half /= np.sqrt(values.shape[1])
        axes.fill_between(
            table.index, mean - half, mean + half, color=look.colour, alpha=0.15, linewidth=0
        )


def _alt(
    found: dict[str, tuple[CellStatistics, pd.DataFrame]], measure: str, levels: list[str]
) -> str:
    told = []
    for cell, frame in found.values():
        own = frame[(frame["region"] == "all") & (frame["level"] == levels[0])].dropna()
        if len(own):
            by_time = own.groupby("iteration")[measure].mean()
            told.append(f"{cell.title} from {by_time.iloc[0]:.2f} to {by_time.iloc[-1]:.2f}")
    return f"{MEASURES[measure]} at {levels[0]}, whole image: {'; '.join(told)}."
