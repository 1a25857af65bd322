"""What somebody is told whose account Slurm does not take; a stand-in answers for Slurm."""

from __future__ import annotations

import pytest

from workflow.account import refusal


@pytest.fixture
def answer(tmp_path, monkeypatch):
    """Makes `sacctmgr` and `sshare` print a text, or fail with it."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def answered(text: str, code: int = 0) -> None:
        for name in ("sacctmgr", "sshare"):
            path = tmp_path / name
            where = "&2" if code else "&1"
            path.write_text(f"#!/bin/sh\nprintf '{text}' >{where}\nexit {code}\n")
            path.chmod(0o755)

    return answered


def test_known_accounts_pass(answer):
    answer("kitchen\\ngarden\\n1234\\n")
    assert refusal("garden") is None
    assert refusal(1234) is None  # as YAML reads it
    assert refusal("kitchen, garden") is None


def test_an_unknown_account_is_named_beside_the_known_ones(answer):
    answer("kitchen\\ngarden\\n")
    said = refusal("nobody")
    assert said is not None
    assert "nobody" in said
    assert "kitchen" in said
    assert "garden" in said
    assert "\n" not in said


def test_without_a_database_the_way_out_is_told(answer):
    answer("no database here", code=1)
    said = refusal("garden")
    assert said is not None
    assert "leave it out" in said
    assert "no database here" in said
    assert "\n" not in said
