"""An accounting database for the local Slurm: MariaDB on a socket of its own, and slurmdbd.

Debian: `apt-get install slurmdbd mariadb-server-core mariadb-client-core`. These bring the programs
of MariaDB without its service; one that serves this machine already is not touched.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.slurm.daemons import Daemons, free_ports, program

PROGRAMS = ("mariadbd", "mariadb-install-db", "my_print_defaults", "slurmdbd", "sacctmgr", "sacct")
CLUSTER = "local"
"""As slurm.conf calls it."""
ACCOUNTS = ("kitchen", "garden")
"""That root may charge, beside Slurm's own `root`; the first one where a job names none."""
USER = "root"
SETTINGS = """\
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={munge}
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=accounting
"""
OFF = "\nAccountingStorageType=accounting_storage/none\n"
# The 'password' is munge's socket: for the database Slurm takes it from here, not from AuthInfo.
# Associations: a job is refused whose user may not charge its account.
ON = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={munge}
AccountingStorageEnforce=associations
"""


def missing() -> str | None:
    """Why there can be no accounting database here; None if there can."""
    absent = [name for name in PROGRAMS if program(name) is None]
    packages = "slurmdbd, mariadb-server-core and mariadb-client-core"
    return f"not installed: {', '.join(absent)} (Debian: {packages})" if absent else None


class Accounting:
    def __init__(self, daemons: Daemons, command: Callable[..., str], munge: Path) -> None:
        self.daemons, self.command, self.munge = daemons, command, munge
        self.folder = daemons.folder
        self.socket = self.folder / "database.socket"
        # Without its option files, as root, and small: it usually sets 100 MB aside for its log.
        self.database = ("--no-defaults", "--user=root", "--innodb-log-file-size=8M",
                         f"--datadir={self.folder / 'database'}")  # fmt: skip

    def write(self) -> str:
        """Writes slurmdbd's settings; what slurm.conf says of them."""
        (port,) = free_ports(1)
        settings = self.folder / "slurmdbd.conf"
        # Nobody else may read it, as there could be a password in it: slurmdbd insists.
        settings.touch()
        settings.chmod(0o600)
        text = SETTINGS.format(
            host=socket.gethostname(), port=port, munge=self.munge, folder=self.folder
        )
        settings.write_text(text, encoding="utf-8")
        return ON.format(port=port, munge=self.munge)

    def start(self) -> None:
        """Before slurmctld, which asks for accounts when it starts, and after munged."""
        self._make_database()
        # Only this machine's root comes in, and only by the socket.
        places = (f"--socket={self.socket}", f"--pid-file={self.folder / 'mariadbd.pid'}")
        self.daemons.launch("mariadbd", *self.database, "--skip-networking", *places)
        self.daemons.wait("mariadbd made no socket", self.socket.exists)
        # slurmdbd's settings have no word for the place of a socket.
        self.daemons.launch("slurmdbd", "-D", MYSQL_UNIX_PORT=str(self.socket))
        self.daemons.wait("slurmdbd does not answer", self._answers)
        if CLUSTER not in self._known("cluster"):
            self._add("cluster", CLUSTER)
        for account in ACCOUNTS:
            self._add("account", account, f"cluster={CLUSTER}")
            self._add("user", USER, f"account={account}", f"cluster={CLUSTER}")
        choice = ("where", f"name={USER}", "set", f"defaultaccount={ACCOUNTS[0]}")
        self.command("sacctmgr", "--immediate", "modify", "user", *choice)

    def _make_database(self) -> None:
        if (self.folder / "database" / "mysql").is_dir():
            return
        path = program("mariadb-install-db")
        assert path is not None, missing()
        made = subprocess.run(
            [path, *self.database, "--skip-test-db", "--skip-name-resolve"],
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": "C"},
            timeout=120,
        )
        if made.returncode != 0:
            raise RuntimeError(f"mariadb-install-db: {made.stdout}{made.stderr}")

    def _answers(self) -> bool:
        try:
            self._known("cluster")
        except RuntimeError:
            return False
        return True

    def _known(self, kind: str) -> list[str]:
        told = self.command("sacctmgr", "--noheader", "--parsable2", "list", kind, f"format={kind}")
        return told.splitlines()

    def _add(self, kind: str, *words: str) -> None:
        self.command("sacctmgr", "--immediate", "add", kind, *words)
