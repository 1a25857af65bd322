"""Files from the net: checked, resumed where they broke off, and fetched once. Imports no torch.

A file appears under its name only when it is complete and its hash is right; until then it grows
as `<name>.part` beside it. Several jobs may ask for the same file: the first fetches, the others
wait for its lock.
"""

from __future__ import annotations

import hashlib
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlparse

from workflow.data.folder import NoLocks, take

CHUNK = 1 << 20
ATTEMPTS = 5
TIMEOUT_SECONDS = 60
PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE = 206, 416


class DownloadError(ValueError):
    """A file that could not be had, or is not the one that was meant."""


def fetch(url: str, folder: Path, sha256_prefix: str = "", pause: float = 2.0) -> Path:
    """The local copy of `url`, whose SHA-256 starts with `sha256_prefix`.

    A file that is there already is checked as well: a damaged one is an error, never replaced
    silently.
    """
    target = folder / file_name(url)
    with _locked(target.with_name(target.name + ".lock")):
        if not target.exists():
            part = target.with_name(target.name + ".part")
            if not sha256_prefix:
                # Of an earlier version of the file perhaps, and no hash would tell.
                part.unlink(missing_ok=True)
            _download(url, part, target, pause)
            _check(part, sha256_prefix, url, remove=True)
            part.rename(target)
        else:
            _check(target, sha256_prefix, url, remove=False)
    return target


def file_name(url: str) -> str:
    """What the file is called here: the last part of the address, never a way to another folder."""
    name = unquote(Path(urlparse(url).path).name)
    if not name or "/" in name or name == "..":
        raise DownloadError(f"{url}: the address ends in no file name")
    return name


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _download(url: str, part: Path, target: Path, pause: float) -> None:
    """Appends to `part` until it is complete; a broken connection is taken up where it broke."""
    problem: Exception | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            if _append(url, part):
                return
            problem = ConnectionError("the connection closed early")
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise DownloadError(
                    f"{url}: the server answers {error.code} {error.reason}"
                ) from None
            problem = error
        except (OSError, HTTPException) as error:
            problem = error
    raise DownloadError(
        f"{url}: not complete after {ATTEMPTS} attempts ({problem}); what arrived is kept and "
        f"continued next time, or put the file at {target}"
    )


def _append(url: str, part: Path) -> bool:
    """One request for what is missing; whether the file is complete afterwards."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "python"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == RANGE_NOT_SATISFIABLE:
            # Nothing is missing, or the part is longer than the file: the hash decides.
            return True
        raise
    with response:
        # A server that ignores the range sends the whole file: start over.
        resumed = have > 0 and response.status == PARTIAL_CONTENT
        length = response.headers.get("Content-Length")
        expected = None if length is None else int(length) + (have if resumed else 0)
        with part.open("ab" if resumed else "wb") as file:
            while chunk := response.read(CHUNK):
                file.write(chunk)
        return expected is None or part.stat().st_size == expected


def _check(path: Path, sha256_prefix: str, url: str, remove: bool) -> None:
    found = sha256_of(path) if sha256_prefix else ""
    if found.startswith(sha256_prefix):
        return
    if remove:
        path.unlink()
    name, start = path.name.removesuffix(".part"), found[: len(sha256_prefix)]
    raise DownloadError(
        f"{name}: its hash is wrong, SHA-256 {start}... instead of {sha256_prefix}...; "
        f"{'the download was discarded' if remove else f'delete {path}'} (from {url})"
    )


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = path.open("ab")
    except OSError as error:
        told = f"{path.parent}: cannot be written to: {error.strerror}"
        raise DownloadError(told) from error
    with opened as file:
        try:
            take(file, path)
        except NoLocks as error:
            raise DownloadError(str(error)) from error
        yield file
