"""What failed programs said is found in their logs."""

from __future__ import annotations

import os
import time
from pathlib import Path

from workflow.complaints import complaints

CANCELLED = (
    "slurmstepd-node1: error: *** JOB 5 ON node1 CANCELLED AT 2026-11-20 DUE TO TIME LIMIT ***"
)


def test_only_new_complaints_are_told(tmp_path):
    logs = {
        "data.log": "making\nerror: no such folder: /nowhere\n\n",
        "slurm/5.log": f"Building DAG\n{CANCELLED}\nsrun: error: node1: task 0: Killed\n",
        "table.log": "Traceback (most recent call last):\n  File x\nKeyError: 'AP'\n",
        "good.log": "all is well\nno error: none\n",
        "old.log": "error: long ago\n",
    }
    for name, text in logs.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    hour_ago = time.time() - 3600
    os.utime(tmp_path / "old.log", (hour_ago, hour_ago))
    assert list(complaints([tmp_path, tmp_path / "slurm"], time.time() - 60)) == [
        f"{tmp_path / 'data.log'}: error: no such folder: /nowhere",
        f"{tmp_path / 'slurm/5.log'}: {CANCELLED}",
        f"{tmp_path / 'table.log'}: KeyError: 'AP'",
    ]


def test_a_log_that_is_reached_by_two_names_is_told_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "logs" / "slurm" / "5.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"{CANCELLED}\n")
    (tmp_path / "link").symlink_to(log.parent)
    since = time.time() - 60
    folders = [tmp_path / "logs", Path("logs/slurm"), tmp_path / "link", tmp_path / "absent"]
    assert list(complaints(folders, since)) == [f"{log}: {CANCELLED}"]
