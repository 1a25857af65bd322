"""A real Slurm on this very machine: one node, two pretend GPUs, and if asked for an accounting
database.

    python -m tests.slurm.local start FOLDER [--accounting]   # as root; prints what to export
    python -m tests.slurm.local stop FOLDER

Debian: `apt-get install slurm-wlm munge`; accounting.py says what it takes beside. Everything lies
in FOLDER, the daemons listen on ports and sockets of their own, and only processes that were
started here are ended: a Slurm that serves this machine already is not touched.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shlex
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

from tests.slurm import accounting
from tests.slurm.daemons import Daemons, free_ports, program

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "srun")
CPUS = 2
GPUS = 2
SETTINGS = Path(__file__).with_name("slurm.conf")


def missing(with_accounting: bool = False) -> str | None:
    """Why there can be no such Slurm here; None if there can."""
    absent = [name for name in PROGRAMS if program(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (Debian: slurm-wlm and munge)"
    if os.geteuid() != 0:
        return "Slurm's daemons are started as root"
    return accounting.missing() if with_accounting else None


class LocalSlurm:
    """`with LocalSlurm(folder) as slurm:` starts the daemons, and in the end stops them again."""

    def __init__(self, folder: Path, with_accounting: bool = False) -> None:
        self.folder = folder.resolve()
        self.node = "node1"
        self.munge = self.folder / "run" / "munge.socket"
        self.daemons = Daemons(self.folder, lambda: self.environment)
        self.accounting: accounting.Accounting | None = None
        if with_accounting:
            self.accounting = accounting.Accounting(self.daemons, self.command, self.munge)

    @property
    def environment(self) -> dict[str, str]:
        """In which Slurm's commands find this Slurm; the socket's place stands in slurm.conf."""
        # A job of another Slurm may have started us: nothing of it must reach ours.
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_"))}
        path = f"{self.folder / 'bin'}:{kept.get('PATH', '')}"
        return {**kept, "PATH": path, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def __enter__(self) -> LocalSlurm:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._write()
        places = {"socket": self.munge, "key-file": self.folder / "munge.key"}
        places |= {f"{name}-file": self.folder / f"munge.{name}" for name in ("pid", "log", "seed")}
        munge = [f"--{option}={place}" for option, place in places.items()]
        self.daemons.launch("munged", "--foreground", *munge)
        self.daemons.wait("munged made no socket", self.munge.exists)
        if self.accounting is not None:
            self.accounting.start()
        self.daemons.launch("slurmctld", "-D", "-i")
        self.daemons.launch("slurmd", "-D", "-N", self.node)
        self.daemons.wait("the node did not become idle", lambda: self.state().startswith("IDLE"))

    def stop(self) -> None:
        if self.daemons.alive("slurmctld"):
            self.command("scancel", "--user=root", "--full", check=False)
            deadline = time.monotonic() + 20
            while self.jobs() and time.monotonic() < deadline:
                time.sleep(0.5)
        self.daemons.stop()

    def command(self, *words: str, check: bool = True) -> str:
        """One of Slurm's commands; what it printed."""
        ended = subprocess.run(
            words, env=self.environment, capture_output=True, text=True, timeout=60
        )
        if check and ended.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {ended.stderr.strip()}")
        return ended.stdout.strip()

    def state(self) -> str:
        """Of the node: IDLE, ALLOCATED, MIXED+DRAIN ..."""
        told = self.command("scontrol", "show", "node", self.node, check=False)
        words = [word for word in told.split() if word.startswith("State=")]
        return words[0].removeprefix("State=") if words else ""

    def jobs(self, state: str | None = None) -> dict[int, str]:
        """Job id -> its comment (which names the run), of pending and running jobs, or of those in
        `state`."""
        asked = (f"--states={state}",) if state else ()
        told = self.command("squeue", "--noheader", "--format=%i|%k", *asked, check=False)
        pairs = (line.split("|", 1) for line in told.splitlines() if "|" in line)
        return {int(number): comment for number, comment in pairs}

    def job(self, number: int) -> dict[str, str]:
        """What Slurm knows of a job: `JobState`, `Restarts`, `TimeLimit`, `ReqTRES` ..."""
        told = self.command("scontrol", "show", "job", str(number))
        return dict(word.split("=", 1) for word in told.split() if "=" in word)

    def _write(self) -> None:
        # Every user must reach munge's socket, and munged insists on it.
        (self.folder / "run").mkdir(parents=True, exist_ok=True)
        for folder in (self.folder, self.folder / "run"):
            folder.chmod(0o755)
        (self.folder / "state").mkdir(exist_ok=True)
        (self.folder / "spool").mkdir(exist_ok=True)
        key = self.folder / "munge.key"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_bytes(secrets.token_bytes(128))
        for number in range(GPUS):
            device = self.folder / f"gpu{number}"
            if not device.exists():
                # Another /dev/null: Slurm gives out numbers for devices, not for ordinary files.
                os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        gres = f"Name=gpu File={self.folder}/gpu[0-{GPUS - 1}]\n"
        (self.folder / "gres.conf").write_text(gres, encoding="utf-8")
        ports = free_ports(2)
        text = SETTINGS.read_text(encoding="utf-8").format(
            folder=self.folder,
            host=socket.gethostname(),
            node=self.node,
            controller_port=ports[0],
            node_port=ports[1],
            cpus=CPUS,
            gpus=GPUS,
        )
        text += accounting.OFF if self.accounting is None else self.accounting.write()
        (self.folder / "slurm.conf").write_text(text, encoding="utf-8")
        self._write_srun()

    def _write_srun(self) -> None:
        """Snakemake keeps Slurm's variables from the `srun` inside a job, SLURM_CONF among them."""
        wrapper = self.folder / "bin" / "srun"
        wrapper.parent.mkdir(exist_ok=True)
        configuration = shlex.quote(str(self.folder / "slurm.conf"))
        call = f'SLURM_CONF={configuration} exec {program("srun")} "$@"'
        wrapper.write_text(f"#!/bin/sh\n{call}\n", encoding="utf-8")
        wrapper.chmod(0o755)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("start", "stop"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--accounting", action="store_true", help="with an accounting database")
    options = parser.parse_args(arguments)
    problem = missing(options.accounting)
    if problem is not None:
        print(f"error: no Slurm can be started here: {problem}", file=sys.stderr)
        return 2
    slurm = LocalSlurm(options.folder, options.accounting)
    if options.what == "stop":
        slurm.stop()
        return 0
    slurm.start()
    for name in ("SLURM_CONF", "PATH"):
        print(f"export {name}={shlex.quote(slurm.environment[name])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
