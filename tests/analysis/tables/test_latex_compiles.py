"""The LaTeX of every kind of table goes through pdflatex and fits on a page."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.tables.__main__ import main

from ..factory import make_suite
from ..test_published import BASELINE, MGD

pytestmark = [
    pytest.mark.latex,
    pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed"),
]
PAGE = r"""\documentclass{article}
\usepackage[a4paper,margin=2cm]{geometry}
\usepackage[utf8]{inputenc}
\usepackage{booktabs,longtable,amssymb,url}
\begin{document}
%s
\end{document}
"""
TOLERATED = 3.0
"""Points by which a line may leave the page: less than anybody sees."""


def compiled(folder: Path) -> str:
    """What pdflatex says of all tables of the folder."""
    inputs = "\n".join(rf"\input{{{path.stem}}}\clearpage" for path in folder.glob("*.tex"))
    (folder / "page.tex").write_text(PAGE % inputs)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


def overfull(log: str) -> float:
    """By how many points the widest line leaves the page."""
    found = re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)
    return max(map(float, found), default=0.0)


@pytest.mark.parametrize(("fidelity", "many"), [("mini", False), ("coco", False), ("mini", True)])
def test_every_table_compiles_and_fits(tmp_path: Path, fidelity: str, many: bool) -> None:
    rows = {"baseline": 37.4, "mgd": 41.0, "amd": 41.3, "amd-mask-only": 41.0}
    rows["baseline-inherit"] = 39.0
    if many:  # long enough to go over several pages
        rows |= {f"amd-x{number}": 40.0 for number in range(25)}
    published = {"mgd": MGD, "baseline": BASELINE}
    suite = make_suite(
        tmp_path,
        pairs=2,
        rows=rows,
        fidelity=fidelity,
        published=published,
        inheriting=("baseline-inherit", "mgd", "amd"),
    )
    suite.edit("pair-a", "mgd", 1, status="failed", reason="50% of loss_total became NaN & more")
    assert main(["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]) == 0
    folder = suite.suite_dir / "tables"
    assert overfull(compiled(folder)) < TOLERATED
    assert (folder / "page.pdf").stat().st_size > 20_000


def test_the_widest_table_of_one_seed_fits(tmp_path: Path) -> None:
    rows = {"baseline": 37.4, "baseline-inherit": 39.0, "mgd": 41.0, "amd-mask-only": 41.0}
    inheriting = ("baseline-inherit", "mgd")
    suite = make_suite(tmp_path, rows=rows, seeds=(0,), predictions=True, inheriting=inheriting)
    places = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    assert main([*places, "--data", str(tmp_path / "data"), "--table", "main"]) == 0
    log = compiled(suite.suite_dir / "tables")
    assert "inheriting" in (suite.suite_dir / "tables" / "main.tex").read_text()
    assert overfull(log) < TOLERATED
