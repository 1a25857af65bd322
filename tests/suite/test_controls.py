"""Controls of the shipped suites differ from what they control in what they are named for alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from methods.parts.reference import REFERENCE_CHANNELS, reference_cells
from tests.suite.own import MINIMAL, problems_of
from workflow.spec import RunSpec
from workflow.suite import Suite, load, names

SEARCHED = {
    "mini": ("table main", "table costs"),
    "mini_tuning_further": ("table weights",),
    "mini_tuning_pairs": ("table weights",),
}
"""Tables of searches for factors, and of rows with what their own came to (docs/protocol.md)."""


def by_pair(suite: Suite) -> Iterator[tuple[str, dict[str, RunSpec]]]:
    """Each table's students of each pair, by their rows."""
    for name, table in suite.tables.items():
        pairs: dict[str, dict[str, RunSpec]] = {}
        for cell in table.cells:
            run = suite.run(cell.runs[0])
            if run.kind == "student":
                pairs.setdefault(cell.group, {})[cell.row] = run
        for pair, runs in pairs.items():
            yield f"table {name}, pair {pair}", runs


@pytest.mark.parametrize("name", names())
def test_the_plain_sum_weighs_what_masking_does_and_has_its_teacher(name: str) -> None:
    """`l2-sum` is MGD without mask and generator: a suite's factors must reach both alike."""
    for where, runs in by_pair(load(name)):
        searched = where.startswith(SEARCHED.get(name, ()))
        weights = weights_of(runs)
        masked = [row for row in weights if not row.startswith("l2-sum")]
        # Beside sums of another weight, the lighter ones are what the next test says.
        plain = [
            row for row in weights if row not in masked and (masked or not row.endswith("-light"))
        ]
        weights = {row: weights[row] for row in (*masked, *plain)}
        for row in plain:
            expected = dict.fromkeys(weights, pytest.approx(weights[row]))
            assert searched or weights == expected, f"{where}: other weights than {row}'s"
        for row in plain:
            taught = [runs[other].teacher for other in masked]
            assert not taught or runs[row].teacher in taught, f"{where}: {row} has another teacher"


def weights_of(runs: dict[str, RunSpec]) -> dict[str, float]:
    """What a squared difference on the finest level weighs, in the rows that have it."""
    weights = {}
    for row, run in runs.items():
        settings = run.methods[0].settings if len(run.methods) == 1 else {}
        if row.startswith("l2-sum"):
            # A mean has the weight of its level's sum at the papers' size; here, the finest's.
            terms = {"sum": 1, "mean": REFERENCE_CHANNELS * reference_cells(stride=8)}
            weights[row] = settings["loss_weight"] * settings["weight"]
            weights[row] /= terms[settings["reduction"]]
        elif settings and run.methods[0].method in ("mgd", "amd"):
            weights[row] = settings["alpha"] * settings["weight"]
    return weights


def test_lighter_sums_weigh_what_their_titles_say() -> None:
    tables = {where: weights_of(runs) for where, runs in by_pair(load("mini"))}
    for pair in ("mini-retinanet-r34-r18", "mini-reppoints-r34-r18"):
        parts = tables[f"table sum_parts, pair {pair}"]
        assert parts["l2-sum-light"] == pytest.approx(tables[f"table main, pair {pair}"]["mgd"])
        assert parts["l2-sum"] == pytest.approx(tables[f"table main, pair {pair}"]["l2-sum"])
    parts = tables["table sum_parts, pair mini-retinanet-r34-r18"]
    # A level has a quarter of the cells of the one before; four of them, and all alike.
    as_a_sum = parts["l2-sum"] * (1 + 1 / 4 + 1 / 16 + 1 / 64)
    assert 4 * parts["l2-sum-even-light"] == pytest.approx(as_a_sum)


def test_on_coco_what_inherits_or_clips_has_a_control_that_does_the_same() -> None:
    """The papers' baselines do neither, so gains over them are not the losses' alone."""
    held = set()
    for where, runs in by_pair(load("coco")):
        if "baseline" not in runs:
            continue  # an ablation, whose rows share all that
        alone = [run.options for run in runs.values() if not run.methods]
        for row, run in runs.items():
            method = run.methods[0].method if run.methods else ""
            if method in ("mgd", "amd", "fgd"):
                assert run.options in alone, f"{where}: no control for {row}"
                held.add(method)
    assert held == {"mgd", "amd", "fgd"}


@pytest.mark.parametrize("teacher", ["self", "untrained", "shuffled"])
def test_a_classifier_is_replaced_by_no_detector(write, teacher: str) -> None:
    """The control would be the row itself, under a name that says something else."""
    row = f"  - {{row: icd, name: icd-control, run: {{teacher: {teacher}}}}}\n"
    (problem,) = problems_of(write(MINIMAL + row))
    assert problem.endswith(f"'icd' is taught by no detector that could be `{teacher}`")
