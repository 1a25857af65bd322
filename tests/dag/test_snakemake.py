"""The real DAG over real programs: what is done once stays done, what fails is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dag.conftest import COPIED, Checkout, copy, jobs_in
from workflow.data.catalogue import folder_name
from workflow.suite import load

ROOT = Path(__file__).parents[2]


def runs_of(checkout: Checkout, suite: str = "tiny.yaml") -> Path:
    return checkout.root / "results" / "runs"


def test_the_whole_way(carried_out):
    suite = load(carried_out.root / "tiny.yaml")
    for id, run in suite.by_id.items():
        folder = runs_of(carried_out) / id
        assert json.loads((folder / "outcome.json").read_text())["status"] == "complete"
        assert json.loads((folder / "run.json").read_text())["hash"] == run.hash
        metrics = json.loads((folder / "metrics.json").read_text())
        assert "top1" in metrics if run.kind == "classifier" else "AP" in metrics
    first = next(iter(suite.by_id))
    assert not list((runs_of(carried_out) / first / "work" / "checkpoints").glob("*"))


def test_tables_and_snakemakes_own_report(carried_out):
    tables = carried_out.root / "results" / "suites" / "tiny" / "tables"
    assert {path.suffix for path in tables.glob("main.*")} >= {".md", ".tex", ".html", ".csv"}
    carried_out.snakemake("tables", "--report", "report.html")
    page = (carried_out.root / "report.html").read_text()
    assert "suites/tiny/tables/main.html" in page
    assert "student" in page


def test_once_done_nothing_is_trained_again(carried_out):
    assert carried_out.jobs("students") == {"students": 1}


def test_edited_programs_retrain_nothing(carried_out):
    for name in ("workflow/train.py", "methods/mgd.py", "workflow/rules/runs.smk"):
        path = carried_out.root / name
        path.write_text(path.read_text() + "\n# a comment\n")
    rules = carried_out.root / "workflow/rules/runs.smk"
    rules.write_text(rules.read_text().replace("--threads {threads}", " --threads  {threads}"))
    assert carried_out.jobs("students") == {"students": 1}


def test_threads_and_retries_retrain_nothing(carried_out):
    machine = ("threads=2", "attempts=1", "partition=gpu", "account=me")
    assert carried_out.jobs("students", config=machine) == {"students": 1}


def test_a_changed_weight_retrains_the_runs_that_have_it(carried_out):
    text = (carried_out.root / "tiny.yaml").read_text()
    (carried_out.root / "heavier.yaml").write_text(text + "settings: {mgd: {alpha: 0.001}}\n")
    assert carried_out.jobs("students", suite="heavier.yaml") == {"student": 1, "students": 1}


def test_more_seeds_train_the_new_ones_only(carried_out):
    text = (carried_out.root / "tiny.yaml").read_text()
    (carried_out.root / "more.yaml").write_text(text.replace("seeds: [0]", "seeds: [0, 1]"))
    assert carried_out.jobs("students", suite="more.yaml") == {"student": 2, "students": 1}


def test_a_table_needs_its_own_runs_only(carried_out):
    text = (carried_out.root / "tiny.yaml").read_text()
    text += "  extra: {rows: [baseline, ssim]}\n  plain: {rows: [baseline]}\n"
    (carried_out.root / "tables.yaml").write_text(text)
    plain = carried_out.jobs("table_plain", suite="tables.yaml")
    assert "student" not in plain
    assert plain["table"] == 1
    assert carried_out.jobs("table_extra", suite="tables.yaml")["student"] == 1


def test_a_lost_outcome_is_made_again_without_training(carried_out):
    suite = load(carried_out.root / "tiny.yaml")
    student = next(id for id in suite.by_id if "/mgd/" in id)
    folder = runs_of(carried_out) / student
    before = (folder / "student.pth").stat().st_mtime_ns
    (folder / "outcome.json").unlink()
    carried_out.snakemake("students")
    assert (folder / "outcome.json").is_file()
    assert (folder / "student.pth").stat().st_mtime_ns == before


def test_attention_that_is_wanted_later_is_added_without_training(carried_out):
    text = (carried_out.root / "tiny.yaml").read_text()
    (carried_out.root / "eyes.yaml").write_text(text + "attend: {images: 2, snapshots: 3}\n")
    suite = load(carried_out.root / "tiny.yaml")
    students = [runs_of(carried_out) / id for id, run in suite.by_id.items() if run.schedule]
    before = {path: (path / "student.pth").stat().st_mtime_ns for path in students}
    assert carried_out.jobs("students", suite="eyes.yaml") == {"student": 2, "students": 1}
    carried_out.snakemake("students", suite="eyes.yaml")
    assert [path.is_file() for path in runs_of(carried_out).glob("*/*/*/*/attention.npz")] == [
        True,
        True,
    ]
    # Snapshots were not asked for while it trained: the end of the curve alone is known.
    curves = [path.read_text().splitlines() for path in runs_of(carried_out).rglob("curve.csv")]
    assert [len(lines) for lines in curves] == [2, 2]
    assert {path: (path / "student.pth").stat().st_mtime_ns for path in students} == before
    # Neither suite asks for anything again.
    assert carried_out.jobs("students", suite="eyes.yaml") == {"students": 1}
    assert carried_out.jobs("students") == {"students": 1}


def test_figures_of_another_split_are_added_without_training(carried_out):
    text = (carried_out.root / "tiny.yaml").read_text()
    (carried_out.root / "tuning.yaml").write_text(text + "split: tune\n")
    runs = runs_of(carried_out)
    weights = {path: path.stat().st_mtime_ns for path in runs.glob("*/*/*/*/student.pth")}
    reported = {path: path.read_bytes() for path in runs.glob("*/*/*/*/metrics.json")}
    asked = carried_out.jobs("students", suite="tuning.yaml")
    assert asked == {"teacher": 1, "student": 2, "students": 1}
    ended = carried_out.snakemake("tables", suite="tuning.yaml")
    assert len(list(runs.glob("*/*/*/*/metrics-tune.json"))) == 3
    assert " on tune" in ended.stdout + ended.stderr
    assert {path: path.stat().st_mtime_ns for path in weights} == weights
    assert {path: path.read_bytes() for path in reported} == reported
    table = carried_out.root / "results" / "suites" / "tuning" / "tables" / "main.md"
    assert "digits tune split (4 images)" in table.read_text()
    # Neither suite asks for anything again.
    assert carried_out.jobs("students", suite="tuning.yaml") == {"students": 1}
    assert carried_out.jobs("students") == {"students": 1}


def test_a_failed_run_stops_no_other_and_is_listed(carried_out):
    text = (carried_out.root / "tiny.yaml").read_text()
    text = text.replace(
        "rows: [baseline, mgd]",
        "rows: [baseline, mgd, {row: l2, name: wild, settings: {weight: 1.0e+39}}]",
    )
    (carried_out.root / "wild.yaml").write_text(text)
    ended = carried_out.snakemake("tables", suite="wild.yaml", check=False)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 1
    assert "1 of 3 runs have no result" in said
    assert "/wild/" in said.split("have no result:")[1]
    folder = next(runs_of(carried_out).glob("digits/*/wild/*"))
    assert json.loads((folder / "run.json").read_text())["status"] == "failed"
    table = carried_out.root / "results" / "suites" / "wild" / "tables" / "main.md"
    assert "failed: train" in table.read_text()
    # The next call tries it again, and nothing else.
    assert carried_out.jobs("students", suite="wild.yaml") == {"student": 1, "students": 1}
    # What stands can be shown without waiting for it.
    assert "student" not in carried_out.jobs("tables", suite="wild.yaml", config=("partial=true",))


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
