"""One environment, said in several files: they agree."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.conftest import HEAVIEST, TESTS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LINES = [
    line
    for line in (ROOT / "requirements.txt").read_text().splitlines()
    if line and not line.lstrip().startswith("#")
]
WANTED = [Requirement(line) for line in LINES]
PINS = {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in WANTED}
MACS = {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64",
        "os_name": "posix"}  # fmt: skip


def conda() -> tuple[dict[str, str], list[str]]:
    """Conda's packages by name, and pip's arguments."""
    content = yaml.safe_load((ROOT / "environment.yml").read_text())
    packages = [item for item in content["dependencies"] if isinstance(item, str)]
    (pip,) = [item["pip"] for item in content["dependencies"] if isinstance(item, dict)]
    return dict(item.split("=", 1) for item in packages), pip


def test_every_requirement_is_one_exact_pin() -> None:
    exact = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!_-]+( ; .+)?")
    assert [line for line in LINES if not exact.fullmatch(line)] == []  # no options, hosts, ranges
    assert len(PINS) == len(LINES)
    assert [each for each in WANTED if each.url or each.extras] == []


def test_one_list_serves_all_systems() -> None:
    """A Mac asks for no package that only Linux has; of ours nobody misses one."""
    everywhere = [canonicalize_name(each.name) for each in WANTED if each.marker is None]
    macs = [each for each in WANTED if each.marker is None or each.marker.evaluate(MACS)]
    cuda = re.compile(r"nvidia-(?!ml-py)|cuda-|triton")
    assert [each.name for each in macs if cuda.match(each.name)] == []
    assert any(cuda.match(name) for name in PINS)
    direct = {canonicalize_name(Requirement(each).name) for each in PROJECT["dependencies"]}
    assert direct <= set(everywhere)


@pytest.mark.parametrize(
    "wanted",
    [
        *PROJECT["dependencies"],
        *(item for extra in PROJECT["optional-dependencies"].values() for item in extra),
    ],
)
def test_every_direct_dependency_is_pinned_as_it_allows(wanted: str) -> None:
    requirement = Requirement(wanted)
    name = canonicalize_name(requirement.name)
    assert name in PINS, "run `make lock`"
    assert PINS[name] in requirement.specifier


def test_one_opencv_and_one_mmengine() -> None:
    assert "opencv-python" in PINS
    assert not {"opencv-python-headless", "onedl-mmengine", "mmcv"} & set(PINS)


def test_conda_installs_the_same_pins_by_pip() -> None:
    packages, pip = conda()
    assert pip == ["-r requirements.txt"]
    assert set(packages) == {"python", "pip"}
    assert re.fullmatch(r"\d+(\.\d+)+", packages["pip"])
    assert f"{packages['python']}.0" in SpecifierSet(PROJECT["requires-python"])


def test_the_linters_know_the_oldest_python() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert tools["mypy"]["python_version"] == "3.11"
    assert tools["ruff"]["target-version"] == "py311"
    assert "3.11" in SpecifierSet(PROJECT["requires-python"])
    assert "3.10" not in SpecifierSet(PROJECT["requires-python"])


def test_version_and_licence_are_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text()
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in (ROOT / "LICENSE").read_text()


def make(*arguments: str) -> str:
    environment = {**os.environ, "VENV": "somewhere/else"}
    result = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_help_lists_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = [line.split()[0] for line in make("help").splitlines()]
    assert sorted(listed) == sorted(phony.group(1).split())


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench"])
def test_a_target_sets_up_first_and_keeps_to_the_named_environment(target: str) -> None:
    plan = make("--dry-run", target)
    assert "-m venv somewhere/else" in plan
    assert "somewhere/else/bin/python -m pip install" in plan
    assert f"{ROOT}/somewhere/else/bin:" in plan
    assert "/.venv/" not in plan.replace("-not -path './.venv/*'", "").replace(
        os.environ["PATH"], ""
    )


def test_the_files_that_tests_begin_with_exist() -> None:
    assert [name for name in HEAVIEST if not (TESTS / name).is_file()] == []
    assert len(set(HEAVIEST)) == len(HEAVIEST)


def test_continuous_integration_is_a_bash_program() -> None:
    program = ROOT / ".ci/run"
    assert os.access(program, os.X_OK)
    assert subprocess.run(["bash", "-n", str(program)]).returncode == 0
    text = program.read_text()
    assert "set -euo pipefail" in text
    assert text.index("make check") < text.index("make test")
