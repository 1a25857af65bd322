"""How long the processes of a training on several GPUs have, from Slurm's warning to its end."""

from __future__ import annotations

import re
import shlex

import pytest
from torch.distributed.launcher.api import LaunchConfig
from torch.distributed.run import parse_args

from tests.dag.conftest import ROOT
from workflow import carry_out
from workflow.stages import SECONDS_TO_SAVE, launcher

NAME = "TORCH_ELASTIC_SHUTDOWN_TIMEOUT"


def patience(monkeypatch: pytest.MonkeyPatch) -> int | None:
    """Torchrun's, in the environment that a run's programs get."""
    for name, value in carry_out._environment(1, "").items():
        monkeypatch.setenv(name, value)
    return LaunchConfig(min_nodes=1, max_nodes=1, nproc_per_node=2).shutdown_timeout


def test_torchrun_waits_until_all_have_saved(monkeypatch):
    monkeypatch.delenv(NAME, raising=False)
    assert patience(monkeypatch) == SECONDS_TO_SAVE


def test_a_site_may_say_otherwise(monkeypatch):
    monkeypatch.setenv(NAME, "77")
    assert patience(monkeypatch) == 77


def test_slurm_leaves_a_little_more():
    profile = (ROOT / "slurm" / "config.yaml").read_text(encoding="utf-8")
    (warned,) = re.findall(r"--signal=USR1@(\d+)", profile)
    assert int(warned) > SECONDS_TO_SAVE
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    assert f"{SECONDS_TO_SAVE} seconds of that, or what `{NAME}` says" in page


def test_several_nodes_are_warned_as_one_is():
    """The command of docs/cluster.md, which a person starts by hand."""
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^(srun --nodes=2.*?)^```", page, re.MULTILINE | re.DOTALL)
    words = shlex.split(command)
    asked = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert {"--cpus-per-task", "--mem", "--time", "--signal"} <= asked
    profile = (ROOT / "slurm" / "config.yaml").read_text(encoding="utf-8")
    assert next(word for word in words if word.startswith("--signal=")) in profile
    given, _, program = words[-1].partition("exec torchrun ")
    assert f"{NAME}={SECONDS_TO_SAVE}" in given
    program = re.sub(r"\$\(.*?\)", "host", program.replace("\\\n", " "))
    found = parse_args(shlex.split(program))
    ours = parse_args([*launcher(4)[2:], "-m", "--", "workflow.train"])
    assert found.signals_to_handle == ours.signals_to_handle
    assert (found.module, found.training_script) == (True, "workflow.train")
