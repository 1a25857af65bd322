"""Names of rows in words."""

from __future__ import annotations

import pytest

from analysis.titles import title_of

TITLES = {"icd": "Classifier-to-detector", "fkd": "FKD", "mgd": "MGD", "amd": "AMD"}


@pytest.mark.parametrize(
    ("row", "methods", "expected"),
    [
        ("mgd", ("mgd",), "MGD"),
        ("icd+fkd", ("icd", "fkd"), "Classifier-to-detector + FKD"),
        ("icd-cls+fkd-x0.5", ("icd", "fkd"), "Classifier-to-detector, cls + FKD, weight ×0.5"),
        ("icd-loc-layers-a+b+fkd", ("icd", "fkd"), "Classifier-to-detector, loc layers a+b + FKD"),
        ("mgd-x0.2", ("mgd",), "MGD, weight ×0.2"),
        ("mgd-x1e-3", ("mgd",), "MGD, weight ×1e-3"),
        ("mgd-weight=0.2", ("mgd",), "MGD, weight ×0.2"),
        (
            "amd-mask-only-tau=0.5-gate_input=masked",
            ("amd",),
            "AMD, mask only, tau 0.5, gate input masked",
        ),
        ("icd+fkd-fkd=weight=2", ("icd", "fkd"), "Classifier-to-detector + FKD, FKD: weight ×2"),
        ("amd-noinherit", ("amd",), "AMD, not inheriting"),
        ("mgd-lambda-0.5", ("mgd",), "MGD, lambda 0.5"),
        ("baseline", (), "Baseline"),
        ("baseline-inherit", (), "Inheriting alone"),
        ("teacher", (), "Teacher"),
        ("mine", ("mgd",), "mine"),
        ("fkd", ("icd", "fkd"), "fkd"),
    ],
)
def test_rows_are_told_by_their_methods(row: str, methods: tuple[str, ...], expected: str) -> None:
    assert title_of(row, methods, TITLES) == expected
