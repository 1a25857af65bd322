"""A real Slurm on this very machine: one node, two pretend GPUs, no accounting database.

    python -m tests.slurm.local start FOLDER     # as root; prints what to export
    python -m tests.slurm.local stop FOLDER

Debian: `apt-get install slurm-wlm munge`. Everything lies in FOLDER, the daemons listen on ports
and a socket of their own, and only processes that were started here are ended: a Slurm that serves
this machine already is not touched.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "srun")
DAEMONS = ("munged", "slurmctld", "slurmd")
"""In the order in which they start."""
CPUS = 2
GPUS = 2
SETTINGS = Path(__file__).with_name("slurm.conf")


def missing() -> str | None:
    """Why there can be no Slurm here; None if there can."""
    absent = [name for name in PROGRAMS if _program(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (Debian: slurm-wlm and munge)"
    return None if os.geteuid() == 0 else "Slurm's daemons are started as root"


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


class LocalSlurm:
    """`with LocalSlurm(folder) as slurm:` starts the daemons, and in the end stops them again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.node = "node1"

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
        socket_ = self.folder / "run" / "munge.socket"
        places = {"socket": socket_, "key-file": self.folder / "munge.key"}
        places |= {f"{name}-file": self.folder / f"munge.{name}" for name in ("pid", "log", "seed")}
        munge = [f"--{option}={place}" for option, place in places.items()]
        self._launch("munged", "--foreground", *munge)
        self._await("munged made no socket", socket_.exists)
        self._launch("slurmctld", "-D", "-i")
        self._launch("slurmd", "-D", "-N", self.node)
        self._await("the node did not become idle", lambda: self.state().startswith("IDLE"))

    def stop(self) -> None:
        if _alive(self._pid("slurmctld")):
            self.command("scancel", "--user=root", "--full", check=False)
            deadline = time.monotonic() + 20
            while self.jobs() and time.monotonic() < deadline:
                time.sleep(0.5)
        for name in reversed(DAEMONS):
            _end(self._pid(name))
            self._pid_file(name).unlink(missing_ok=True)

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
        ports = _free_ports(2)
        text = SETTINGS.read_text(encoding="utf-8").format(
            folder=self.folder,
            host=socket.gethostname(),
            node=self.node,
            controller_port=ports[0],
            node_port=ports[1],
            cpus=CPUS,
            gpus=GPUS,
        )
        (self.folder / "slurm.conf").write_text(text, encoding="utf-8")
        self._write_srun()

    def _write_srun(self) -> None:
        """Snakemake keeps Slurm's variables from the `srun` inside a job, SLURM_CONF among them."""
        wrapper = self.folder / "bin" / "srun"
        wrapper.parent.mkdir(exist_ok=True)
        configuration = shlex.quote(str(self.folder / "slurm.conf"))
        call = f'SLURM_CONF={configuration} exec {_program("srun")} "$@"'
        wrapper.write_text(f"#!/bin/sh\n{call}\n", encoding="utf-8")
        wrapper.chmod(0o755)

    def _launch(self, name: str, *options: str) -> None:
        program = _program(name)
        assert program is not None, missing()
        with (self.folder / f"{name}.out").open("ab") as log:
            # A session of its own: Ctrl+C in a terminal ends the caller, who then stops us.
            process = subprocess.Popen(
                [program, *options],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._pid_file(name).write_text(str(process.pid), encoding="utf-8")

    def _await(self, problem: str, ready, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            dead = [name for name in DAEMONS if self._pid(name) and not _alive(self._pid(name))]
            if dead or time.monotonic() > deadline:
                said = "\n".join(
                    f"--- {path}\n{path.read_text(errors='replace')[-2000:]}"
                    for path in sorted(self.folder.glob("*.out"))
                )
                raise RuntimeError(f"{problem}; ended: {dead or 'none'}\n{said}")
            time.sleep(0.2)

    def _pid_file(self, name: str) -> Path:
        return self.folder / f"{name}.started"

    def _pid(self, name: str) -> int:
        path = self._pid_file(name)
        return int(path.read_text()) if path.is_file() else 0


def _alive(pid: int) -> bool:
    """Whether a process runs; one of ours that has ended is no longer there either."""
    if not pid:
        return False
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass  # started by an earlier call of this program
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _end(pid: int) -> None:
    for number, seconds in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        if not _alive(pid):
            return
        os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while _alive(pid) and time.monotonic() < deadline:
            time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("start", "stop"))
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    problem = missing()
    if problem is not None:
        print(f"error: no Slurm can be started here: {problem}", file=sys.stderr)
        return 2
    slurm = LocalSlurm(options.folder)
    if options.what == "stop":
        slurm.stop()
        return 0
    slurm.start()
    for name in ("SLURM_CONF", "PATH"):
        print(f"export {name}={shlex.quote(slurm.environment[name])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
