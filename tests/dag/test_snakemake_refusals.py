"""The real DAG before any training: what is wrong is told, and a bare call is the demo."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.dag.conftest import COPIED, Checkout, copy, jobs_in
from workflow.data.catalogue import folder_name
from workflow.suite import load


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Checkout:
    return copy(tmp_path_factory.mktemp("plain"))


def test_a_wrong_suite_ends_with_two_before_anything_runs(plain):
    (plain.root / "wrong.yaml").write_text((plain.root / "tiny.yaml").read_text() + "colour: red\n")
    ended = plain.snakemake(suite="wrong.yaml", check=False)
    assert ended.returncode == 2
    assert "wrong.yaml:" in ended.stderr
    assert "colour: unknown key" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
    assert not (plain.root / "results" / "runs").exists()


def test_a_slip_in_a_methods_file_is_told_as_one_in_the_suites(plain):
    slip = plain.root / "methods" / "own.py"
    slip.write_text("def build(:\n")
    ended = plain.snakemake("teachers", check=False)
    slip.unlink()
    assert ended.returncode == 2
    assert "methods/own.py:1: is not Python: " in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


def test_a_failed_job_is_explained(plain):
    target = f"data/{folder_name(load('coco').data)}.ready"
    broken = ("coco_root=/no such/{place}",)
    ended = plain.snakemake(target, suite="coco", config=broken, check=False)
    assert ended.returncode == 1
    assert "/no such/{place}" in ended.stderr.split(".log: error: ")[1]


def test_a_figures_options_are_checked_before_the_first_training(plain):
    figure = "figures:\n  whom: {kind: affinity, options: {points: [[0.5, 3]]}}\n"
    asks = "\n".join(("title: Asks", "extends: tiny.yaml", figure))
    (plain.root / "asks.yaml").write_text(asks)
    ended = plain.snakemake("teachers", suite="asks.yaml", check=False)
    assert ended.returncode == 2
    told = "asks.yaml:4: figures.whom.options.points[0][1]: input should be less than or equal to 1"
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
    assert not (plain.root / "results" / "suites" / "asks").exists()


def test_a_bare_call_is_the_demo(plain):
    asked = plain.jobs("all", suite="demo")
    assert asked["report_page"] == asked["all"] == 1
    assert asked["student"] > 1
    bare = subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run"],
        cwd=plain.root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert jobs_in(bare.stdout + bare.stderr) == asked


def test_the_rules_are_tidy(plain):
    linted = plain.snakemake("--lint")
    assert "good condition" in linted.stdout + linted.stderr
    formatted = subprocess.run(
        [sys.executable, "-m", "snakefmt", "--check", "Snakefile", "workflow/rules"],
        cwd=plain.root,
        capture_output=True,
        text=True,
    )
    assert formatted.returncode == 0, formatted.stderr
    assert "Snakefile" in COPIED
