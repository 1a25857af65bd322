"""The process and the machine: what a result depends on beside its settings."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from workflow.machine import processor
from workflow.running.errors import UserError

PACKAGES = (
    "torch", "torchvision", "mmdet", "mmengine", "mmcv", "mmcv-lite", "mmrazor", "numpy",
    "opencv-python", "pillow",
)  # fmt: skip


WORKERS_PER_GPU = 4


def prepare(data_root: Path) -> None:
    """Of this process, before anything is built: its GPU, its numerics, its siblings, where
    downloaded weights lie, mmdet's registries."""
    from mmdet.utils import register_all_modules
    from mmengine.logging import MMLogger

    from workflow.models.weights import use_folder, weights_folder

    MMLogger.get_current_instance().setLevel("WARNING")  # else it tells of every initialised tensor
    on_cuda = torch.cuda.is_available()
    if on_cuda:
        if processes_here() > torch.cuda.device_count():
            raise UserError(
                f"torchrun --nproc-per-node: {processes_here()} processes want a GPU each, and "
                f"{torch.cuda.device_count()} can be used here"
            )
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    else:
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Which would also fill every new tensor, to make the use of unset memory visible.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if launched() and not torch.distributed.is_initialized():
        # mmengine's own start would ask for a GPU even for processes on the CPU.
        torch.distributed.init_process_group("nccl" if on_cuda else "gloo")
    register_all_modules(init_default_scope=True)
    use_folder(weights_folder(data_root))


def device() -> torch.device:
    """Of a program that runs alone."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def launched() -> bool:
    """Whether torchrun started this process, with its siblings."""
    return "LOCAL_RANK" in os.environ


def rank() -> int:
    return int(os.environ.get("RANK", "0"))


def processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def processes_here() -> int:
    """Those of them that torchrun started on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def usual_workers() -> int:
    """On CPU the training itself needs every core, and loads its small images in between."""
    return WORKERS_PER_GPU if torch.cuda.is_available() else 0


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue  # mmcv or mmcv-lite: a machine has one of the two
    return found


def hardware() -> dict[str, Any]:
    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "machine": platform.machine(),
        "processor": processor(),
        # Sums are taken in another order with wider registers: the last bits depend on it.
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "devices": devices,
        "cuda": torch.version.cuda if devices else None,
        "processes": processes(),
    }


@cache
def code_revision() -> str | None:
    """The commit, with `+changes` where the working tree differs; None outside a checkout."""
    root = Path(__file__).parents[2]

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def processor_name() -> str:
    """`AMD EPYC, AVX2`: what a CPU's speed and its last bits depend on."""
    return f"{processor()}, {torch.backends.cpu.get_cpu_capability()}"
