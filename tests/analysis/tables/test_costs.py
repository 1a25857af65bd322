"""Tables of costs: each pair in the kind of time that its machine has."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from ..factory import make_suite
from .asked import CLEAR, document, entry


def test_costs(tmp_path: Path) -> None:
    table = document(make_suite(tmp_path, rows=CLEAR, noise=0.01), "costs").tables[0]
    assert entry(table, "AMD", "hours").text == "0.75"
    assert entry(table, "AMD", "overhead").text == "+50 %"
    assert entry(table, "Student", "overhead").text == "–"
    assert entry(table, "AMD", "gain_per_hour").value == pytest.approx(4.0, abs=0.05)
    assert "device_gib" not in {column.key for column in table.columns}


def test_each_pair_has_its_own_kind_of_time(tmp_path: Path) -> None:
    """One pair trained on a GPU does not make GPU-hours of the other's."""
    suite = make_suite(tmp_path, pairs=2, rows=CLEAR, noise=0.01)
    for name, seed in product(CLEAR, range(3)):
        suite.edit("pair-a", name, seed, "cost.json", gpu_hours=None)
        suite.edit("pair-b", name, seed, "cost.json", device="H200")
    table = document(suite, "costs").tables[0]
    assert table.columns[1].title == "hours"
    assert "hours of GPU time where a GPU trained, of wall time elsewhere, of the" in table.caption
    on_cpu, on_gpu = (section.heading for section in table.sections)
    assert on_cpu.endswith("(hours on cpu)")
    assert on_gpu.endswith("(GPU-hours on H200)")


def test_costs_without_gpu_are_hours_of_wall_time(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR)
    for group, name, seed in suite.values:
        suite.edit(group, name, seed, "cost.json", gpu_hours=None)
    table = document(suite, "costs").tables[0]
    assert [c.title for c in table.columns][1] == "hours"
    assert entry(table, "AMD", "hours").text == "0.75"
    assert "hours of wall time" in table.caption
