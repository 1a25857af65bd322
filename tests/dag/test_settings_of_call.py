"""What stands in config.yaml and behind `--config` is checked before anything is planned."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.dag.conftest import ROOT, Checkout, copy
from workflow.command import UserError
from workflow.settings_of_call import BARE_CALL, SettingsOfCall, settings_of_call


def refused(spelled: dict[str, str] | None = None, /, **values: object) -> str:
    with pytest.raises(UserError) as caught:
        settings_of_call(values, spelled)
    return str(caught.value)


def test_values_are_taken_as_yaml_and_the_command_line_have_them():
    given = {"gpus": "4", "account": 1234, "partial": "true", "max_hours": 12, "results": "here"}
    found = settings_of_call(given)
    assert (found.gpus, found.account, found.partial) == (4, "1234", True)
    assert (found.max_hours, found.results) == (12.0, Path("here"))
    assert found.attempts == 3


def test_a_folder_below_home_is_meant_as_a_shell_means_it(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    found = settings_of_call({"data": "~/sets", "results": "~", "coco_root": "~/coco of {mine}"})
    assert found.data == Path("/home/me/sets")
    assert found.results == Path("/home/me")
    assert found.coco_root == Path("/home/me/coco of {mine}")


@pytest.mark.parametrize("key", ["results", "data", "suite"])
def test_braces_that_snakemake_would_fill_in_are_refused(key):
    said = refused(**{key: "my {own}.yaml"})
    assert said.startswith(f"{key}: a path without braces is needed, because Snakemake fills them")


def test_an_empty_value_is_as_good_as_none():
    assert settings_of_call({"account": None, "attempts": None}) == settings_of_call({})


def test_an_unknown_key_is_told_with_the_nearest_and_all_allowed_ones():
    said = refused(siute="coco")
    assert said.startswith("siute: unknown key 'siute'; did you mean 'suite'? allowed: account, ")
    assert all(key in said for key in SettingsOfCall.model_fields)
    assert "\n" not in said


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("gpus", "abc", "a valid integer"),
        ("gpus", -1, "greater than or equal to 0"),
        ("gpus", True, "a number"),
        ("threads", 0, "greater than or equal to 1"),
        ("threads", 1.5, "a valid integer"),
        ("attempts", 0, "greater than or equal to 1"),
        ("max_hours", "long", "a valid number"),
        ("max_hours", 0, "greater than 0"),
        ("devices", -3, "greater than or equal to 1"),
        ("price", -1, "greater than or equal to 0"),
        ("speed", 0, "greater than 0"),
        ("partial", "perhaps", "a valid boolean"),
        ("suite", False, "a valid string"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(key, value, allowed):
    said = refused(**{key: value})
    assert re.fullmatch(rf"{key}: input should be .*{allowed}.*, found {value!r}", said)


def test_what_is_no_number_is_told():
    assert refused(speed=float("inf")) == "speed: inf is no number that can be used"


def test_all_that_is_wrong_is_told_at_once_by_what_was_written():
    said = refused({"gpus": "config.yaml: gpus"}, gpus="many", threads=0)
    assert len(said.split("\nerror: ")) == 2
    assert said.startswith("config.yaml: gpus: ")


def test_a_suite_that_is_named_wins_over_a_profiles():
    assert settings_of_call({}).asked == BARE_CALL
    assert settings_of_call({"default_suite": "coco"}).asked == "coco"
    assert settings_of_call({"default_suite": "coco", "suite": "mini"}).asked == "mini"


def test_the_page_has_every_key():
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    example = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    assert set(example) == SettingsOfCall.model_fields.keys() - {"default_suite"}
    settings_of_call(example)
    assert "`default_suite`" in page


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    made = copy(tmp_path_factory.mktemp("settings"))
    shutil.copytree(ROOT / "slurm", made.root / "slurm")
    return made


def listed(checkout: Checkout, *arguments: str, **environment: str):
    """`--list` reads the rules and plans nothing."""
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--list", *arguments],
        cwd=checkout.root,
        env={**os.environ, "PYTHONPATH": str(checkout.root), **environment},
        capture_output=True,
        text=True,
    )


def test_the_cluster_profile_is_about_coco_whatever_else_is_set(checkout):
    ended = listed(checkout, "--profile", "slurm", "--config", "gpus=4")
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"^suite: coco, \d+ runs$", ended.stderr, re.MULTILINE)


def test_a_profile_without_a_suite_sends_the_demo_to_no_cluster(checkout):
    command = [sys.executable, "-m", "snakemake", "status", "--executor", "slurm", "--jobs", "1"]
    ended = subprocess.run(command, cwd=checkout.root, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "error: suite: no suite is named" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_users_own_file_wins_over_the_cluster_profile(checkout):
    own = checkout.root / "config.yaml"
    own.write_text("suite: tiny.yaml\n")
    try:
        ended = listed(checkout, "--config", "gpus=4", SNAKEMAKE_PROFILE="slurm")
    finally:
        own.unlink()
    assert "suite: tiny, " in ended.stderr


def test_a_wrong_setting_ends_with_two_and_says_where_it_stands(checkout):
    own = checkout.root / "config.yaml"
    own.write_text("threads: many\n")
    try:
        ended = listed(checkout, "--config", "suite=tiny.yaml", "siute=coco")
    finally:
        own.unlink()
    assert ended.returncode == 2
    assert "error: config.yaml: threads: input should be a valid integer" in ended.stderr
    assert "error: --config siute: unknown key 'siute'; did you mean 'suite'?" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_suite_is_not_told_where_everything_is_quiet(checkout):
    quiet = listed(checkout, "--quiet", "all", "--config", "suite=tiny.yaml")
    assert quiet.returncode == 0
    assert "suite: " not in quiet.stderr
    # Without the profile that sets it, snakemake has no notion of quiet at all.
    bare = listed(checkout, "--workflow-profile", "none", "--config", "suite=tiny.yaml")
    assert "suite: tiny, " in bare.stderr


def test_a_dry_run_lists_every_job_where_it_is_asked_to(checkout):
    """As docs/cluster.md has it: the profiles' own `quiet` leaves the jobs out."""
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    assert "--dry-run --quiet host" in page
    asked = ("students", "--profile", "slurm", "--dry-run", "--quiet", "host")
    ended = checkout.snakemake(*asked, config=("gpus=2",))
    assert len(re.findall(r"^rule student:$", ended.stdout, re.MULTILINE)) == 2
    assert "gres=gpu:2" in ended.stdout


def test_the_forecast_of_a_table_by_snakemake(checkout):
    told = checkout.snakemake("forecast", config=("table=main", "devices=3", "price=0"))
    assert "table main: " in told.stdout + told.stderr
    assert "on 3 cores" in told.stdout + told.stderr
    wrong = checkout.snakemake("forecast", config=("table=mian",), check=False)
    assert wrong.returncode == 2
    assert "error: suite tiny: unknown table 'mian'; did you mean 'main'?" in wrong.stderr


def test_who_reads_the_forecast_may_stop_early(checkout):
    call = '"$0" -m snakemake forecast --config suite=tiny.yaml | true; exit ${PIPESTATUS[0]}'
    ended = subprocess.run(
        ["bash", "-c", call, sys.executable], cwd=checkout.root, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr


def test_training_is_of_one_table_by_its_target_only(checkout):
    """`table=` restricts a forecast; before `all` it would let the whole suite be trained."""
    ended = checkout.snakemake("all", config=("table=main",), check=False)
    assert ended.returncode == 2
    assert "error: --config table: only `forecast` and `rehearse` are of one table" in ended.stderr
    assert "ask for the target `table_main`" in ended.stderr
    assert not (checkout.root / "results" / "runs").exists()


def test_an_absent_teacher_is_told_before_anything_runs(checkout):
    """The path is from the suite's file, wherever Snakemake was started."""
    folder = checkout.root / "suites"
    folder.mkdir()
    given = f"checkpoints: {{mini-retinanet-r34: t.pth#sha256={'a' * 64}}}\n"
    (folder / "own.yaml").write_text((checkout.root / "tiny.yaml").read_text() + given)
    ended = checkout.snakemake("table_main", suite="suites/own.yaml", check=False)
    place = (folder / "t.pth").resolve()
    assert ended.returncode == 2
    assert f"suites/own.yaml: checkpoints.mini-retinanet-r34: {place}: no such file" in ended.stderr
    assert not (checkout.root / "results" / "runs").exists()
    assert not (checkout.root / "data").exists()
    checkout.snakemake("forecast", suite="suites/own.yaml")


def test_what_a_suite_extends_is_seen_in_its_plan(checkout):
    base = (checkout.root / "tiny.yaml").read_text()
    (checkout.root / "base.yaml").write_text(base)
    (checkout.root / "child.yaml").write_text("title: Child\nextends: base.yaml\n")
    plan = "results/suites/child/plan.json"
    checkout.snakemake(plan, suite="child.yaml")
    again = checkout.snakemake(plan, "--dry-run", suite="child.yaml")
    assert "Nothing to be done" in again.stdout + again.stderr
    (checkout.root / "base.yaml").write_text(base + "figures:\n  gains: {kind: effects}\n")
    assert checkout.jobs(plan, suite="child.yaml") == {"plan": 1}
