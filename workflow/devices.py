"""Which GPUs a job may use on a machine that has no Slurm to say so.

Snakemake counts GPUs but does not hand out numbers. A job takes the lock of each device that it
uses; the kernel frees it when the job ends, however it ends. Imports no torch.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

GIVEN_BY_OTHERS = ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID")


def present() -> int:
    """GPUs of this machine; 0 where the driver's own tool finds none."""
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


@contextmanager
def devices(wanted: int, folder: Path | None = None, count: int | None = None) -> Iterator[str]:
    """Yields `CUDA_VISIBLE_DEVICES` for `wanted` free GPUs, waiting until there are so many.

    Empty where nothing needs to be said: no GPU was asked for, or somebody else gave them out.
    """
    count = present() if count is None else count
    if not wanted or not count or any(name in os.environ for name in GIVEN_BY_OTHERS):
        yield ""
        return
    folder = folder or Path(tempfile.gettempdir())
    held: list[tuple[int, IO[str]]] = []
    try:
        while len(held) < min(wanted, count):
            held += _free(folder, count, min(wanted, count) - len(held), [n for n, _ in held])
            if len(held) < min(wanted, count):
                time.sleep(2)
        yield ",".join(str(number) for number, _ in sorted(held, key=lambda one: one[0]))
    finally:
        for _, handle in held:
            handle.close()


def _free(folder: Path, count: int, wanted: int, mine: list[int]) -> list[tuple[int, IO[str]]]:
    found: list[tuple[int, IO[str]]] = []
    for number in range(count):
        if number in mine or len(found) == wanted:
            continue
        handle = (folder / f"distillation-gpu-{number}-{os.getuid()}.lock").open("w")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            continue
        found.append((number, handle))
    return found
