"""What two systems tell in different ways; the one that is not here is played."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from workflow import machine

MIB = 2**20


def test_peak_memory_is_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    grown = b"x" * (64 * MIB)
    assert len(grown) < machine.peak_bytes() < 2**40
    monkeypatch.setattr(resource, "getrusage", lambda whose: type("Usage", (), {"ru_maxrss": 7}))
    monkeypatch.setattr(sys, "platform", "linux")
    assert machine.peak_bytes() == 7 * 1024
    monkeypatch.setattr(sys, "platform", "darwin")
    assert machine.peak_bytes() == 7


def test_cores_where_processes_are_not_bound_to_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 8}, raising=False)
    assert machine.usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert machine.usable_cores() == os.cpu_count()
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine.usable_cores() == 1


def test_a_processor_is_named_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(text: str) -> None:
        monkeypatch.setattr(Path, "read_text", lambda path, encoding: text)

    told("processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\nmodel name\t: another\n")
    assert machine.processor() == "Some CPU @ 3 GHz"
    told("processor\t: 0\nCPU implementer\t: 0x41\n")  # an ARM server: no name in it
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(sys, "platform", "linux")
    assert machine.processor() == "aarch64"


@pytest.mark.parametrize(("fails", "name"), [(False, "Apple M9"), (True, "arm64")])
def test_a_mac_names_its_processor_elsewhere(
    monkeypatch: pytest.MonkeyPatch, fails: bool, name: str
) -> None:
    def absent(path: Path, encoding: str) -> str:
        raise FileNotFoundError(path)

    def sysctl(words: list[str], **options: object) -> object:
        if fails:
            raise subprocess.CalledProcessError(1, words)
        assert words[1:] == ["-n", "machdep.cpu.brand_string"]
        return type("Done", (), {"stdout": "Apple M9\n"})

    monkeypatch.setattr(Path, "read_text", absent)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", sysctl)
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert machine.processor() == name
