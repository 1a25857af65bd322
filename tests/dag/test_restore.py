"""Results that were kept without weights: a suite goes on from them on another machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from analysis import reference
from tests.dag.conftest import Checkout, copy
from workflow import outcome, restore
from workflow.suite import load

MAIN = Path("results/suites/tiny/tables/main.csv")


@pytest.fixture(scope="module")
def kept(finished, tmp_path_factory) -> Path:
    """`results/reference/tiny` of the suite that was carried out."""
    out = tmp_path_factory.mktemp("kept") / "tiny"
    results = finished.root / "results"
    places = ["--suite-dir", str(results / "suites/tiny"), "--runs", str(results / "runs")]
    assert reference.main([*places, "--out", str(out)]) == 0
    return out


@pytest.fixture
def elsewhere(tmp_path) -> Checkout:
    """Another machine: the project, the data sets still to be made, no run."""
    return copy(tmp_path)


def put_back(checkout: Checkout, kept: Path, *more: str, suite: str = "tiny.yaml") -> int:
    places = ["--kept", str(kept), "--results", str(checkout.root / "results")]
    return restore.main(["--suite", str(checkout.root / suite), *places, *more])


def more_seeds(checkout: Checkout) -> str:
    text = (checkout.root / "tiny.yaml").read_text()
    (checkout.root / "more.yaml").write_text(text.replace("seeds: [0]", "seeds: [0, 1]"))
    return "more.yaml"


def test_nothing_heavy_is_kept(kept, finished):
    names = {path.name for path in (kept / "runs").rglob("*") if path.is_file()}
    assert {"run.json", "metrics.json", "cost.json", "history.csv", "outcome.json"} <= names
    assert not names & {"student.pth", "predictions.json.gz"}
    place = str(finished.root)
    assert not any(place in path.read_text() for path in kept.rglob("*.json"))


def test_the_tables_are_made_from_them_without_training(finished, kept, elsewhere, capsys):
    assert put_back(elsewhere, kept) == 0
    assert "runs restored" in capsys.readouterr().out
    left = elsewhere.jobs("tables")
    assert not left.keys() & {"teacher", "student"}, left
    elsewhere.snakemake("tables")
    own, first = (place.root / MAIN for place in (elsewhere, finished))
    assert own.read_text() == first.read_text()
    assert put_back(elsewhere, kept) == 0
    assert "0 runs restored" in capsys.readouterr().out


def test_what_new_runs_learn_from_is_left_to_be_trained(kept, elsewhere, capsys):
    more = more_seeds(elsewhere)
    assert put_back(elsewhere, kept, suite=more) == 0
    told = capsys.readouterr().out
    suite = load(elsewhere.root / more)
    runs = elsewhere.root / "results/runs"
    new = {id for id, run in suite.by_id.items() if run.seed == 1}
    left = {id for id in suite.by_id if outcome.read(runs, id) is None} - new
    assert {suite.by_id[id].kind for id in left} == {"teacher", "classifier"}
    assert all(id in told for id in left)
    assert elsewhere.jobs("students", suite=more) == {
        "data": 1, "teacher": len(left), "student": len(new), "students": 1,
    }  # fmt: skip


def test_a_teacher_that_was_restored_to_be_read_is_forgotten_when_its_weights_are_needed(
    kept, elsewhere
):
    more = more_seeds(elsewhere)
    assert put_back(elsewhere, kept, "--to-read", suite=more) == 0
    suite = load(elsewhere.root / more)
    runs = elsewhere.root / "results/runs"
    old = {id for id, run in suite.by_id.items() if run.seed == 0}
    assert all(outcome.without_weights(runs, id) for id in old)
    assert put_back(elsewhere, kept, suite=more) == 0
    kinds = {suite.by_id[id].kind for id in old if outcome.read(runs, id) is None}
    assert kinds == {"teacher", "classifier"}


def test_results_of_other_settings_are_not_taken(kept, elsewhere, capsys):
    path = elsewhere.root / "tiny.yaml"
    path.write_text(path.read_text().replace("train: 24", "train: 23"))
    assert put_back(elsewhere, kept) == 2
    assert "keeps no run of suite 'tiny'" in capsys.readouterr().err


def test_keeping_loses_nothing_that_was_kept_elsewhere(finished, kept, tmp_path, capsys):
    out = tmp_path / "tiny"
    shutil.copytree(kept, out)
    runs = tmp_path / "runs"
    shutil.copytree(finished.root / "results/runs", runs)
    gone = next((runs / "digits").glob("*/mgd/*"))
    shutil.rmtree(gone)
    places = ["--suite-dir", str(finished.root / "results/suites/tiny"), "--runs", str(runs)]
    assert reference.main([*places, "--out", str(out)]) == 2
    assert "workflow.restore --suite tiny" in capsys.readouterr().err
    assert next((out / "runs" / "digits").glob("*/mgd/*/run.json")).is_file()
