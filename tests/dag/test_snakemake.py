"""The real DAG over real programs: what is done once stays done, what fails is told."""

from __future__ import annotations

import json
from pathlib import Path

from tests.dag.conftest import Checkout
from workflow.suite import load


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
