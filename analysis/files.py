"""Reading and writing of result files: whole or not at all, and the same bytes each time."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from analysis.errors import AnalysisError

GZIP_MAGIC = b"\x1f\x8b"


def write_text(path: Path, text: str) -> None:
    """Writes beside the target and renames, so a reader never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_bytes(path: Path) -> tuple[bytes, str]:
    """The content, unpacked where it is gzip, and the SHA-256 of the file as it lies there."""
    try:
        stored = path.read_bytes()
    except FileNotFoundError:
        raise AnalysisError(f"{path}: no such file") from None
    except OSError as error:
        raise AnalysisError(f"{path}: cannot be read: {error.strerror}") from None
    digest = hashlib.sha256(stored).hexdigest()
    if not stored.startswith(GZIP_MAGIC):
        return stored, digest
    try:
        return gzip.decompress(stored), digest
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise AnalysisError(
            f"{path}: the gzip file is truncated or damaged ({error}); make it again"
        ) from None


def parse_json(content: bytes, path: Path) -> Any:
    """Three times faster than the standard library on half a million detections."""
    try:
        return from_json(content, cache_strings="keys")
    except ValueError as error:
        raise AnalysisError(f"{path}: not valid JSON, perhaps truncated: {error}") from None


def read_json(path: Path) -> Any:
    return parse_json(read_bytes(path)[0], path)
