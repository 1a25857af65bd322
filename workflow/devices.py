"""Which GPUs a job uses, of those that it may use.

Snakemake counts GPUs but does not hand out numbers, and `CUDA_VISIBLE_DEVICES` of a whole session
is the same for each of its jobs. So a job takes the lock of each device that it uses; the kernel
frees it when the job and its programs have ended, however they end. Imports no torch.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import IO

SECONDS_BETWEEN_LOOKS = 2.0
NAME = re.compile(r"\d+|GPU-.+|MIG-.+")


class TooFewDevices(ValueError):
    """More GPUs were asked for than there will ever be here."""


class StoppedWaiting(Exception):
    """The job was told to end before there were devices for it."""


def present() -> int:
    """GPUs of this machine; 0 where the driver's own tool finds none."""
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


def usable(count: int | None = None) -> list[str]:
    """The GPUs that this process may use, by the names that CUDA has for them here.

    Empty where there are none, and where Slurm hides what it gave in other ways.
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        # As CUDA reads it: what comes behind a name that is none does not count.
        names = (name.strip() for name in given.split(","))
        return list(takewhile(NAME.fullmatch, names))
    if "SLURM_JOB_ID" in os.environ:
        return []
    return [str(number) for number in range(present() if count is None else count)]


@contextmanager
def devices(
    wanted: int,
    folder: Path | None = None,
    count: int | None = None,
    told_to_stop: Callable[[], bool] = lambda: False,
) -> Iterator[str]:
    """Yields `CUDA_VISIBLE_DEVICES` for `wanted` free GPUs, waiting until there are so many.

    Empty where nothing needs to be said: no GPU was asked for, or there is none to choose.
    """
    names = usable(count) if wanted else []
    if not names:
        yield ""
        return
    if wanted > len(names):
        raise TooFewDevices(
            f"{wanted} GPUs were asked for, and {len(names)} can be used here "
            f"({', '.join(names)}); allowed: `--config gpus={len(names)}` or fewer, or "
            "`gpus` under `resources` in the suite"
        )
    folder = folder or Path(tempfile.gettempdir())
    held: list[tuple[str, IO[str]]] = []
    try:
        # In turn: of two jobs that both want all devices, each could get half, for ever.
        with _lock(folder, "turn") as turn:
            while not _taken(turn):
                _wait(told_to_stop)
            while True:
                held += _free(folder, names, wanted - len(held), {name for name, _ in held})
                if len(held) == wanted:
                    break
                _wait(told_to_stop)
        yield ",".join(sorted((name for name, _ in held), key=names.index))
    finally:
        for _, handle in held:
            handle.close()


def _free(
    folder: Path, names: Sequence[str], wanted: int, mine: set[str]
) -> list[tuple[str, IO[str]]]:
    found: list[tuple[str, IO[str]]] = []
    for name in names:
        if name in mine or len(found) == wanted:
            continue
        handle = _lock(folder, name)
        if _taken(handle):
            os.set_inheritable(handle.fileno(), True)  # see workflow.child
            found.append((name, handle))
        else:
            handle.close()
    return found


def _lock(folder: Path, name: str) -> IO[str]:
    # Slurm may call each of its jobs' devices 0, whichever they are: there, each has its own locks.
    owner = f"{os.getuid()}-{os.environ.get('SLURM_JOB_ID', '')}".rstrip("-")
    plain = re.sub(r"[^\w-]", "_", name)
    return (folder / f"distillation-gpu-{plain}-{owner}.lock").open("w")


def _taken(handle: IO[str]) -> bool:
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _wait(told_to_stop: Callable[[], bool]) -> None:
    if told_to_stop():
        raise StoppedWaiting
    time.sleep(SECONDS_BETWEEN_LOOKS)
