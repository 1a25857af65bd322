"""Where the numbers come from: software, machines, data, code, and every run's identity."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.errors import AnalysisError
from analysis.files import read_json
from analysis.findings.sentences import counted
from analysis.records import RUN_FILE, SPLIT, Records
from analysis.report.costs import KINDS
from analysis.split import images_of


@dataclass(frozen=True)
class RunLine:
    """One finished run."""

    id: str
    kind: str
    hash: str
    weights: str
    """SHA-256 of the weights, where they are kept."""
    finished: str
    command: str


@dataclass(frozen=True)
class Provenance:
    versions: dict[str, tuple[str, ...]]
    machines: tuple[str, ...]
    revisions: tuple[str, ...]
    engines: tuple[str, ...]
    data: tuple[tuple[str, str, str, str], ...]
    """Name, images judged on, fingerprint of the whole set, SHA-256 of their annotations."""
    copies: tuple[str, ...]
    """Teachers and backbones of which the runs learned from several trainings."""
    first: str
    last: str
    runs: tuple[RunLine, ...]


def provenance(records: Records) -> Provenance:
    frame = records.frame
    claims = {str(id): _claim(records, str(id)) for id in frame.index}
    versions: dict[str, dict[str, None]] = {}
    for claim in claims.values():
        for package, number in (claim.get("versions") or {}).items():
            versions.setdefault(package, {})[str(number)] = None
    lines = [_line(row, claims[str(row["id"])]) for _, row in frame.iterrows()]
    return Provenance(
        {package: tuple(numbers) for package, numbers in sorted(versions.items())},
        _distinct(_machine(claim.get("hardware") or {}) for claim in claims.values()),
        _distinct(frame["code_revision"]),
        _distinct(frame["engine"]),
        _data(frame),
        _copies(claims),
        min(_distinct(frame["started"]), default=""),
        max(_distinct(frame["finished"]), default=""),
        tuple(sorted(lines, key=lambda line: (list(KINDS).index(line.kind), line.id))),
    )


def _claim(records: Records, id: str) -> dict[str, Any]:
    """run.json again: the frame keeps only what is counted or compared."""
    try:
        content = read_json(records.runs_dir / id / RUN_FILE)
    except AnalysisError:
        return {}  # gone since the records were read
    return content if isinstance(content, dict) else {}


def _copies(claims: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    """`digits/…/teacher/seed0-…: 1a2b3c4d5e (14 runs), …`. The same run that is trained again on
    another kind of processor ends in other weights, and so do those that learn from it."""
    found: dict[str, dict[str, int]] = {}
    for claim in claims.values():
        for id, weights in (claim.get("learned_from") or {}).items():
            numbers = found.setdefault(str(id), {})
            numbers[str(weights)[:10]] = numbers.get(str(weights)[:10], 0) + 1
    return tuple(
        f"{id}: " + ", ".join(f"{sha} ({counted(n, 'run')})" for sha, n in numbers.items())
        for id, numbers in found.items()
        if len(numbers) > 1
    )


def _line(row: pd.Series[Any], claim: dict[str, Any]) -> RunLine:
    return RunLine(
        str(row["id"]),
        str(row["kind"]),
        str(row["hash"]),
        str(claim.get("student_sha256") or ""),
        str(claim.get("finished") or ""),
        _command(str(claim.get("command") or "")),
    )


def _command(recorded: str) -> str:
    """As anybody would type it: which interpreter it was does not matter elsewhere."""
    try:
        words = shlex.split(recorded)
    except ValueError:
        return recorded
    if "-m" not in words:
        return recorded
    return shlex.join(["python", *words[words.index("-m") :]])


def _machine(hardware: dict[str, Any]) -> str:
    """`AMD EPYC, 2 cores, 1 thread; NVIDIA H200 (CUDA 13.0)`, from what was recorded."""
    parts = [
        str(hardware[key]) for key in ("processor", "instructions", "machine") if hardware.get(key)
    ]
    parts += [
        counted(hardware[key], noun, plural)
        for key, noun, plural in (
            ("cores", "core", "cores"),
            ("threads", "thread", "threads"),
            ("processes", "process", "processes"),
        )
        if isinstance(hardware.get(key), int)
    ]
    devices = hardware.get("devices") or ([hardware["device"]] if hardware.get("device") else [])
    names = ", ".join(dict.fromkeys(map(_device, devices))) or "no GPU"
    return ", ".join([*parts, names]) + (
        f" (CUDA {hardware['cuda']})" if hardware.get("cuda") else ""
    )


def _device(told: Any) -> str:
    return str(told.get("name") or told) if isinstance(told, dict) else str(told)


def _data(frame: pd.DataFrame) -> tuple[tuple[str, str, str, str], ...]:
    """Classifiers look at the boxes of the same set, and do not count its images."""
    found: dict[tuple[str, str, str], str] = {}
    for _, row in frame.iterrows():
        name, fingerprint, annotations = (
            "" if pd.isna(row[key]) else str(row[key])
            for key in ("data", "dataset_fingerprint", "annotations_sha256")
        )
        count = row["images"]
        images = "" if pd.isna(count) else f"{int(count):,} {images_of(row[SPLIT])}"
        key = name, fingerprint, annotations
        found[key] = found.get(key) or images
    return tuple(
        (name, images, fingerprint, annotations)
        for (name, fingerprint, annotations), images in found.items()
    )


def _distinct(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(value) for value in values if value and value == value))
