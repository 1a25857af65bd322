"""Rows: what their names mean, how they join, and what is said about names that mean nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from methods.settings.base import FAMILIES, Family, FeatureSettings, RunOptions, Settings
from methods.settings.catalogue import catalogue, rows
from methods.settings.resolve import (
    RowError,
    UnknownRow,
    resolve,
    row_names,
    settings_of,
)

ROOT = Path(__file__).parents[2]


def run(code: str, path: Path = ROOT) -> str:
    """`code` in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], cwd=path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_catalogue_needs_no_torch() -> None:
    code = "import sys; from methods.settings.resolve import row_names; row_names(); "
    assert run(code + "print([m for m in ('torch', 'mmdet', 'numpy') if m in sys.modules])") == "[]"


@pytest.mark.parametrize("key", list(catalogue()))
def test_every_method_says_who_it_is(key: str) -> None:
    kind = catalogue()[key]
    assert issubclass(kind, Settings)
    assert kind.method == key
    assert kind.title
    assert re.fullmatch(r"[a-z0-9-]+", key)
    for name in kind.named_variants():
        assert "+" not in name or name.startswith(key)


@pytest.mark.parametrize("row", list(rows()))
def test_every_row_resolves_for_its_families_and_no_other(row: str) -> None:
    _, variant = rows()[row]
    for family in FAMILIES:
        if family not in variant.families:
            with pytest.raises(RowError, match=f"not for {family} detectors"):
                resolve(row, family)
            continue
        recipe = resolve(row, family)
        (spec,) = recipe.methods
        again = settings_of(spec)
        assert again.model_dump(mode="json") == spec.settings
        assert recipe.needs == again.requirements()


def test_order_of_precedence() -> None:
    def masked(*arguments: object) -> float:
        return resolve(*arguments).methods[0].settings["masked"]

    assert masked("mgd", "one-stage") == 0.65  # the field
    assert masked("mgd", "two-stage") == 0.45  # the family over it
    assert masked("mgd-lambda-0.75", "two-stage") == 0.75  # the variant over both
    assert masked("mgd-lambda-0.75", "two-stage", {"masked": 0.2}) == 0.2  # what is given over all


def test_sweeps_take_any_number_and_any_row_a_factor() -> None:
    assert resolve("mgd-lambda-0.5", "one-stage").methods[0].settings["masked"] == 0.5
    assert resolve("fgd-tau-0.07", "one-stage").methods[0].settings["tau"] == 0.07
    assert resolve("amd-x0.5", "one-stage").methods[0].settings["weight"] == 0.5
    twice = resolve("mgd-alpha-x0.5-x4", "one-stage").methods[0].settings
    assert twice["weight"] == 2
    both = resolve("mgd-lambda-0.5-x2", "one-stage").methods[0].settings
    assert (both["masked"], both["weight"]) == (0.5, 2)
    places = resolve("icd-loc-lambda-8.6", "one-stage").methods[0].settings
    assert (places["localisation_weight"], places["classification_weight"]) == (8.6, 0)


def test_controls() -> None:
    options = {row: resolve(row, "one-stage").options for row in row_names() if "baseline" in row}
    assert options == {
        "baseline": RunOptions(),
        "baseline-inherit": RunOptions(inherit=True),
        "baseline-clip35": RunOptions(clip=35),
        "baseline-inherit-clip35": RunOptions(inherit=True, clip=35),
    }
    assert resolve("baseline", "two-stage").methods == ()
    with pytest.raises(RowError, match="takes no settings: alpha"):
        resolve("baseline", "one-stage", {"alpha": 1})


def test_joined_rows() -> None:
    recipe = resolve("amd+fgd-focal", "one-stage", {"amd": {"tau": 0.9}}, {"clip": 10.0})
    assert [spec.method for spec in recipe.methods] == ["amd", "fgd"]
    assert recipe.methods[0].settings["tau"] == 0.9
    assert recipe.methods[1].settings["context"] == 0
    assert recipe.options == RunOptions(inherit=True, clip=10.0)
    with pytest.raises(RowError, match="names method `mgd` twice"):
        resolve("mgd+mgd-nomask", "one-stage")
    with pytest.raises(RowError, match="cannot be joined"):
        resolve("mgd+baseline", "one-stage")
    with pytest.raises(RowError, match=re.escape("given per method (amd, fgd), found `tau`")):
        resolve("amd+fgd", "one-stage", {"tau": 0.9})
    joined = resolve("mgd-teacher-3xms+fgd", "one-stage")
    assert joined.options.teacher == "3xms"


def test_a_factor_is_on_the_weight_that_the_family_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue()["fgd"], "by_family", {"two-stage": {"weight": 0.5}})

    def weight(row: str, family: Family, **given: object) -> float:
        common = {"fgd": given} if given else None
        return resolve(row, family, common=common).methods[0].settings["weight"]

    assert weight("fgd", "two-stage") == 0.5
    assert weight("fgd-x0.5", "two-stage") == 0.25
    assert weight("fgd-x0.5-x4", "two-stage") == 1
    assert weight("fgd-x0.5", "one-stage") == 0.5
    assert weight("fgd-x0.5", "two-stage", weight=0.2) == 0.1
    assert weight("fgd-x0.5", "two-stage", weight="1e-1") == 0.05  # as YAML has it


def test_settings_of_a_joined_row_are_fields() -> None:
    with pytest.raises(RowError, match=re.escape("expected fields of `fgd` and their values")):
        resolve("icd+fgd", "one-stage", {"fgd": [0.2, 1]})


class TestUnknownNames:
    def test_nearest_are_named(self) -> None:
        with pytest.raises(UnknownRow, match="unknown row `amd-maskonly`; nearest: amd-mask-only"):
            resolve("amd-maskonly", "one-stage")

    def test_part_of_a_joined_row(self) -> None:
        with pytest.raises(UnknownRow, match="unknown row `fgdd` in `mgd\\+fgdd`; nearest: fgd"):
            resolve("mgd+fgdd", "one-stage")

    @pytest.mark.parametrize("row", ["", "+", "mgd+", "zzzzzz", "mgd-lambda-", "mgd-x", "x2"])
    def test_odd_names(self, row: str) -> None:
        with pytest.raises(UnknownRow):
            resolve(row, "one-stage")

    def test_unknown_and_impossible_settings(self) -> None:
        with pytest.raises(ValidationError, match="temperature"):
            resolve("amd", "one-stage", {"temperature": 1})
        with pytest.raises(ValidationError, match="less than or equal to 1"):
            resolve("mgd-lambda-1.5", "one-stage")
        with pytest.raises(ValidationError, match="momentum"):
            resolve("amd", "one-stage", {}, {"momentum": 1})


GUIDE = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
DROP_IN = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)[0]


def test_the_guides_file_in_methods_is_a_method(tmp_path: Path) -> None:
    assert DROP_IN.count("\n") < 40
    (tmp_path / "cosine.py").write_text(DROP_IN)
    code = f"""
import methods
methods.__path__.append({str(tmp_path)!r})
import torch
from methods.build import build
from methods.contract import Batch, Context
from methods.settings.resolve import resolve
recipe = resolve("cosine-cells-x4+mgd", "one-stage")
distiller = build(recipe.methods[0], Context("one-stage", (2,), (2,), (8,)))
student, teacher = torch.randn(1, 2, 3, 3), torch.randn(1, 2, 3, 3)
batch = Batch((24, 24), ((24, 24),), (torch.zeros(0, 4),), (torch.zeros(0),))
loss = distiller((student,), (teacher,), batch)["cosine"].item()
a, b = student.flatten(2), teacher.flatten(2)
known = (1 - (a * b).sum(2) / a.norm(dim=2) / b.norm(dim=2)).mean().item()
print(abs(loss - 4 * known) < 1e-5, distiller.tap, recipe.options)
"""
    assert run(code) == "True fpn-conv inherit=True clip=35.0 teacher=None"


def test_feature_methods_share_their_fields() -> None:
    shared = set(FeatureSettings.model_fields)
    assert shared == {"tap", "levels", "weight", "normalise"}
    for key in ("mgd", "amd", "fgd", "dual-mask"):
        assert shared < set(catalogue()[key].model_fields)
