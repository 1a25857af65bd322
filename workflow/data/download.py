"""One large file over HTTP: continued where it broke off, checked, and only then given its name."""

from __future__ import annotations

import errno
import hashlib
import http.client
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from workflow.data.errors import DataError

CHUNK = 1 << 20
TIMEOUT = 60  # seconds without a byte
ATTEMPTS = 6  # in a row without a new byte


def download(
    url: str,
    target: Path,
    checksum: str,
    progress: bool = False,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Fetches `url` unless `target` is there. `checksum` is `<algorithm>:<hex>`.

    A broken transfer leaves a hidden `.part` file, from which the next attempt or the next call
    goes on. Anything else that is wrong leaves nothing.
    """
    if target.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    failures = 0
    while True:
        before = _size(part)
        try:
            _transfer(url, part, progress)
            break
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            _give_up_if_hopeless(error, url, part)
            failures = 0 if _size(part) > before else failures + 1
            if failures == ATTEMPTS:
                raise DataError(
                    f"{url}: broke off {ATTEMPTS} times in a row ({error}); {_size(part):,} bytes "
                    "are kept, and the same command goes on from there"
                ) from error
            pause(min(60.0, 2.0**failures))
    try:
        check(part, url, checksum)
    except DataError:
        part.unlink()
        raise
    part.replace(target)


def check(path: Path, url: str, checksum: str) -> None:
    """Raises DataError where the file is a web page or has not the content that it should."""
    with path.open("rb") as handle:
        if handle.read(512).lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
            raise DataError(f"{url}: sent a web page instead of the file (a proxy? a moved file?)")
        handle.seek(0)
        algorithm, _, wanted = checksum.partition(":")
        found = hashlib.file_digest(handle, algorithm).hexdigest()
    if found != wanted:
        raise DataError(
            f"{url}: what came has {algorithm} {found}, expected {wanted}; it was deleted"
        )


def _transfer(url: str, part: Path, progress: bool) -> None:
    """One connection: appends to `part` where the server can continue, else begins anew."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is left to send, or the file is another by now
            if error.headers.get("Content-Range") == f"bytes */{have}":
                return
            part.unlink()
        raise
    with response:
        continues = response.status == 206
        start = have if continues else 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        _require_room(part, (total or 0) - start)
        with part.open("ab" if continues else "wb") as handle:
            bar = tqdm(
                desc=url.rsplit("/", 1)[-1], total=total, initial=start, unit="B", unit_scale=True,
                disable=not progress,
            )  # fmt: skip
            with bar:
                _copy(response, handle, bar)
    if total is not None and _size(part) < total:
        raise http.client.IncompleteRead(b"", total - _size(part))


def _copy(source: http.client.HTTPResponse, target: BinaryIO, bar: tqdm) -> None:
    while chunk := source.read1(CHUNK):  # read1: what has come is kept if the line then breaks
        target.write(chunk)
        bar.update(len(chunk))


def _require_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed:,} bytes are needed and {free:,} are free")


def _give_up_if_hopeless(error: Exception, url: str, part: Path) -> None:
    if isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code != 416:
        raise DataError(f"{url}: the server answers {error.code} {error.reason}") from error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        part.unlink(missing_ok=True)
        raise DataError(f"{part.parent}: the disk is full: {error.strerror}") from error
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        raise DataError(f"{part.parent}: cannot be written: {error.strerror}") from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
