"""What Linux and macOS tell in different ways. No torch."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from pathlib import Path


def usable_cores() -> int:
    """Cores that this process may use: fewer than the machine has, inside a cluster's job."""
    # macOS binds no process to cores, and has no such call.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def peak_bytes(whose: int = resource.RUSAGE_SELF) -> int:
    """Most memory that this process had so far; with RUSAGE_CHILDREN its largest child's."""
    # Of the two alone, macOS counts in bytes.
    return resource.getrusage(whose).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def processor() -> str:
    """The processor's name; its kind where no name is told, as on most ARM servers."""
    return _name_by_linux() or _name_by_macos() or platform.processor() or platform.machine()


def _name_by_linux() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "")


def _name_by_macos() -> str:
    if sys.platform != "darwin":
        return ""
    try:
        return subprocess.run(
            ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
