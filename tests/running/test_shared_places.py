"""Trainings on file systems without locks, and on those that cannot sync a folder."""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import stat
from pathlib import Path
from unittest import mock

import pytest
import torch

from tests.running.tiny import Tiny
from workflow.running.checkpoints import save_atomically
from workflow.running.errors import UserError
from workflow.running.folder import RunFolder
from workflow.running.session import carry_out


def test_a_training_without_locks_is_refused_in_words(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse = mock.Mock(side_effect=OSError(errno.ENOLCK, "No locks available"))
    monkeypatch.setattr(fcntl, "flock", refuse)
    folder = RunFolder(tmp_path, tiny.student("baseline"))
    with pytest.raises(UserError, match=r"gives no locks \(No locks available\)") as caught:
        carry_out(argparse.Namespace(), folder, mock.Mock(), mock.Mock(), mock.Mock())
    assert str(caught.value).startswith(f"{folder.spec.id}: {folder.work}: ")


def test_a_checkpoint_is_saved_where_folders_cannot_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def files_only(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(handle)

    monkeypatch.setattr(os, "fsync", files_only)
    save_atomically({"a": torch.ones(2)}, tmp_path / "state.pth")
    assert torch.load(tmp_path / "state.pth", weights_only=True)["a"].tolist() == [1.0, 1.0]
