"""Says what this machine has for the benchmark, one line each, and what to do about what is wrong.

    python -m workflow.doctor [--data data] [--runs results/runs]

`ok` is as it should be, `--` is absent and needed only for some things, `!!` must be mended. Exit
code 1 if anything must be mended.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from pathlib import Path

import psutil

from workflow.doctor_places import data_sets, disk, locks
from workflow.finding import ABSENT, GIGABYTE, OK, WRONG, Finding
from workflow.machine import usable_cores

ROOT = Path(__file__).parents[1]
PINS = ROOT / "requirements.txt"
SHOWN = ("torch", "torchvision", "mmdet", "mmengine", "mmrazor", "numpy", "snakemake")


def python() -> Iterator[Finding]:
    """The interpreter, against `requires-python`."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)["project"]["requires-python"]
    from packaging.specifiers import SpecifierSet

    found = platform.python_version()
    good = found in SpecifierSet(wanted)
    mend = "" if good else f"make a new environment with Python {wanted}"
    yield Finding("python", f"{found} in {sys.prefix}", OK if good else WRONG, mend)


def packages() -> Iterator[Finding]:
    """Versions, and whether everything pinned is installed as pinned."""
    installed = {_normal(found.metadata["Name"]): found.version for found in distributions()}
    for name in SHOWN:
        if name in installed:
            yield Finding(name, installed[name])
    pins = _pins_of_this_machine()
    # A CUDA build is the same release under a local name: 2.14.1+cu126.
    off = [
        f"{name} {installed.get(name, 'is missing')} (pinned {wanted})"
        for name, wanted in pins.items()
        if installed.get(name, "").partition("+")[0] != wanted
        and not (name == "mmcv-lite" and "mmcv" in installed)
    ]
    if off:
        more = f" and {len(off) - 3} more" if len(off) > 3 else ""
        yield Finding("pins", "; ".join(off[:3]) + more, WRONG, "pip install -r requirements.txt")
    else:
        yield Finding("pins", f"all {len(pins)} packages are as pinned")
    for one, other in (("opencv-python", "opencv-python-headless"), ("mmengine", "onedl-mmengine")):
        if one in installed and other in installed:
            yield Finding(
                one,
                f"{other} is installed too, and overwrites its files",
                WRONG,
                f"pip uninstall -y {other} && pip install --force-reinstall --no-deps "
                f"{one}=={installed[one]}",
            )


def _pins_of_this_machine() -> dict[str, str]:
    """Name and version; CUDA's packages, for one, are marked as Linux's alone."""
    from packaging.requirements import Requirement

    lines = (line.partition("#")[0].strip() for line in PINS.read_text().splitlines())
    wanted = [Requirement(line) for line in lines if line]
    return {
        each.name: str(each.specifier).removeprefix("==")
        for each in wanted
        if each.marker is None or each.marker.evaluate()
    }


def opencv() -> Iterator[Finding]:
    """OpenCV's wheel needs libraries of the system that slim machines lack."""
    try:
        import cv2

        yield Finding("opencv", cv2.__version__)
    except ImportError as error:
        yield Finding(
            "opencv",
            f"cannot be imported: {error}",
            WRONG,
            "apt-get install libgl1 libglib2.0-0; without root: pip install --force-reinstall "
            "--no-deps opencv-python-headless (the same module, linked to no display)",
        )


def operators() -> Iterator[Finding]:
    """Who carries out mmcv's operators, and whether a call comes back."""
    import torch

    import workflow.compat

    workflow.compat.install()
    from mmcv.ops import nms

    from workflow.compat.operators import backend

    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    for device in devices:
        boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 4]], device=device)
        _, kept = nms(boxes, torch.tensor([0.5, 0.9], device=device), 0.5)
        if kept.tolist() != [1]:
            mend = "reinstall torch and torchvision as one release pair"
            yield Finding("operators", f"nms on {device} gave {kept.tolist()}", WRONG, mend)
            return
    yield Finding("operators", f"{backend()}, works on {' and '.join(devices)}")


def devices() -> Iterator[Finding]:
    """GPUs that torch can use; a GPU that it cannot use is wrong."""
    import torch

    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        memory = properties.total_memory / GIGABYTE
        yield Finding(f"gpu {index}", f"{properties.name}, {memory:.0f} GB")
    if torch.cuda.is_available():
        return
    built = f"torch is built for CUDA {torch.version.cuda}"
    if torch.version.cuda is None:
        built = "torch is built without CUDA"
    driver = _first_line("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
    if driver:
        mend = "install the CUDA build of torch that fits the driver; the README says how"
        yield Finding("gpu", f"{driver} is there, but torch cannot use it; {built}", WRONG, mend)
    else:
        yield Finding("gpu", f"none: runs use the CPU; {built}", ABSENT)


def processor() -> Iterator[Finding]:
    """Cores that this process may use, threads that it will use, and memory."""
    import torch

    cores, threads = usable_cores(), torch.get_num_threads()
    text = f"{threads} of {cores} usable cores ({os.cpu_count()} in the machine)"
    if threads > cores:
        mend = f"export OMP_NUM_THREADS={cores}: more threads than cores wait for each other"
        yield Finding("threads", text, WRONG, mend)
    else:
        yield Finding("threads", text)
    memory = psutil.virtual_memory()
    free, total = memory.available / GIGABYTE, memory.total / GIGABYTE
    yield Finding("memory", f"{free:.0f} GB free of {total:.0f} GB")


def cluster() -> Iterator[Finding]:
    """Slurm, needed only for `snakemake --profile slurm`."""
    if not shutil.which("sbatch"):
        mend = "only for a cluster: run on its login node"
        yield Finding("slurm", "not on this machine", ABSENT, mend)
        return
    release = _first_line("sbatch", "--version") or "slurm of unknown version"
    partitions = _first_line("sinfo", "--noheader", "--format=%P %a %D nodes")
    if partitions:
        yield Finding("slurm", f"{release}; partition {partitions}")
    else:
        mend = "only for a cluster: sinfo does not answer; is slurmctld running?"
        yield Finding("slurm", f"{release}, but no partition answers", ABSENT, mend)


def tools() -> Iterator[Finding]:
    """Programs that some outputs or tests use."""
    uses = {
        ("git",): "records the code's revision in every run",
        ("pdflatex",): "tests the LaTeX tables",
        ("chromium", "chromium-browser", "google-chrome"): "tests the tables in a browser",
    }
    for programs, use in uses.items():
        found = next(filter(None, map(shutil.which, programs)), None)
        yield Finding(programs[0], found or f"not found; {use}", OK if found else ABSENT)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _first_line(*command: str) -> str:
    """What a program prints first; empty where it is absent, fails or does not answer."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = result.stdout.splitlines()
    return lines[0].strip() if result.returncode == 0 and lines else ""


def examine(data: Path, runs: Path) -> Iterator[Finding]:
    """All findings, in the order of the report. An examination that fails is itself a finding."""
    examinations: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("python", python),
        ("packages", packages),
        ("opencv", opencv),
        ("operators", operators),
        ("devices", devices),
        ("processor", processor),
        ("disk", lambda: disk(data, runs)),
        ("locks", lambda: locks(data, runs)),
        ("slurm", cluster),
        ("tools", tools),
        ("data sets", lambda: data_sets(data)),
    ]
    for subject, examination in examinations:
        try:
            yield from examination()
        except Exception as error:  # the doctor must reach the end of the list
            mend = "pip install -r requirements.txt"
            yield Finding(subject, f"{type(error).__name__}: {error}", WRONG, mend)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"), help="where data sets lie")
    parser.add_argument("--runs", type=Path, default=Path("results/runs"), help="where runs lie")
    given = parser.parse_args(arguments)
    wrong = 0
    for finding in examine(given.data, given.runs):
        print(finding, flush=True)
        wrong += finding.state == WRONG
    print(f"\n{wrong} to mend" if wrong else "\nready")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
