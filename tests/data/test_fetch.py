"""Downloads and archives go wrong in known ways: one clear message, nothing half-made left."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data.web import Web, serve
from workflow.data import fetch_coco
from workflow.data.download import ATTEMPTS, download
from workflow.data.errors import DataError
from workflow.data.fetch_coco import Archive, fetch
from workflow.data.unpack import unpack

CONTENT = bytes(range(256)) * 4000  # a megabyte


def sha1(content: bytes) -> str:
    return f"sha1:{hashlib.sha1(content).hexdigest()}"


def archive_of(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def visible(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "file.zip").write_bytes(CONTENT)
    with serve(tmp_path / "served") as found:
        yield found


def get(web: Web, target: Path, checksum: str = sha1(CONTENT)) -> None:
    download(f"{web.url}/file.zip", target, checksum, pause=lambda seconds: None)


def test_a_transfer_that_breaks_off_goes_on_where_it_was(web, tmp_path):
    web.break_after = [300_000, 0, 500_000]
    get(web, tmp_path / "got.zip")
    assert (tmp_path / "got.zip").read_bytes() == CONTENT
    assert web.asked == [None, "bytes=300000-", "bytes=300000-", "bytes=800000-"]
    get(web, tmp_path / "got.zip")
    assert len(web.asked) == 4  # what is there is not fetched again


def test_a_later_call_goes_on_from_what_an_earlier_one_kept(web, tmp_path):
    web.break_after = [300_000] + [0] * ATTEMPTS
    with pytest.raises(DataError, match="300,000 bytes are kept"):
        get(web, tmp_path / "got.zip")
    assert not (tmp_path / "got.zip").exists()
    get(web, tmp_path / "got.zip")
    assert (tmp_path / "got.zip").read_bytes() == CONTENT
    assert web.asked[-1] == "bytes=300000-"


def test_a_server_without_ranges_begins_anew(web, tmp_path):
    web.break_after, web.ranges = [300_000], False
    get(web, tmp_path / "got.zip")
    assert (tmp_path / "got.zip").read_bytes() == CONTENT


def test_a_part_that_was_whole_already_is_taken(web, tmp_path):
    (tmp_path / ".got.zip.part").write_bytes(CONTENT)
    get(web, tmp_path / "got.zip")
    assert (tmp_path / "got.zip").read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_thrown_away(web, tmp_path):
    (tmp_path / ".got.zip.part").write_bytes(CONTENT + b"more")
    get(web, tmp_path / "got.zip")
    assert (tmp_path / "got.zip").read_bytes() == CONTENT


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(web, tmp_path):
    web.answers = [503, 500]
    get(web, tmp_path / "got.zip")
    assert len(web.asked) == 3
    with pytest.raises(DataError, match="404"):
        download(f"{web.url}/none.zip", tmp_path / "none.zip", sha1(b""))
    assert visible(tmp_path) == ["got.zip", "served/file.zip"]


def test_a_wrong_checksum_leaves_nothing(web, tmp_path):
    with pytest.raises(DataError, match=r"file\.zip: what came has sha1 .*expected 00ff"):
        get(web, tmp_path / "got.zip", "sha1:00ff")
    assert visible(tmp_path) == ["served/file.zip"]


def test_a_web_page_saved_as_a_zip_is_recognised(web, tmp_path):
    (web.folder / "file.zip").write_text("<!DOCTYPE html><html>Please log in</html>")
    with pytest.raises(DataError, match="web page instead of the file"):
        get(web, tmp_path / "got.zip")
    assert visible(tmp_path) == ["served/file.zip"]


def test_a_server_that_is_not_there_is_said(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/file.zip"
        with pytest.raises(DataError, match=r"broke off .* times in a row .*refused"):
            download(url, tmp_path / "got.zip", sha1(b""), pause=lambda seconds: None)
    assert visible(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/evil.txt", "val/../../evil.txt", "other/evil.txt", "val/..\\evil.txt"]
)
def test_an_archive_that_leads_out_of_its_folder_is_refused_whole(tmp_path, name):
    archive = tmp_path / "a.zip"
    archive.write_bytes(archive_of({"val/good.txt": b"good", name: b"evil"}))
    with pytest.raises(DataError, match=r"evil\.txt.* outside the folder 'val'"):
        unpack(archive, tmp_path / "into" / "val")
    assert visible(tmp_path) == ["a.zip"]


def test_an_archive_with_a_link_in_it_is_refused(tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        link = zipfile.ZipInfo("val/link")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, "/etc")
    with pytest.raises(DataError, match="is a link"):
        unpack(archive, tmp_path / "val")
    assert visible(tmp_path) == ["a.zip"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "page"])
def test_a_damaged_archive_leaves_nothing(tmp_path, damage):
    whole = archive_of({"val/a.bin": os.urandom(5000), "val/b.bin": os.urandom(5000)})
    flipped = whole[:6000] + bytes([whole[6000] ^ 255]) + whole[6001:]
    content = {"cut": whole[:-700], "flipped": flipped, "page": b"<html>no</html>"}[damage]
    archive = tmp_path / "a.zip"
    archive.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.zip: no sound zip archive"):
        unpack(archive, tmp_path / "val")
    assert visible(tmp_path) == ["a.zip"]
    assert not (tmp_path / "val").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs leave to mount a small tmpfs")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_too_small_is_said_before_anything_is_written(web, small_disk):
    with pytest.raises(DataError, match=r"the disk is full: 1,024,000 bytes are needed"):
        get(web, small_disk / "got.zip")
    assert visible(small_disk) == []


def test_a_disk_that_fills_up_meanwhile_is_left_clean(web, small_disk, monkeypatch):
    monkeypatch.setattr("workflow.data.download._require_room", lambda part, needed: None)
    with pytest.raises(DataError, match="the disk is full: No space left"):
        get(web, small_disk / "got.zip")
    assert visible(small_disk) == []


@pytest.mark.parametrize("announced", [True, False])
def test_unpacking_onto_a_full_disk_leaves_nothing(tmp_path, small_disk, announced, monkeypatch):
    archive = tmp_path / "a.zip"
    archive.write_bytes(archive_of({"val/a.bin": bytes(2_000_000)}))
    if not announced:
        monkeypatch.setattr("workflow.data.unpack._require_room", lambda *arguments: None)
    with pytest.raises(DataError, match=r"are free at|No space left"):
        unpack(archive, small_disk / "val")
    assert visible(small_disk) == []


def test_fetching_takes_up_where_it_stopped_and_cleans_up(tmp_path):
    parts = {n: archive_of({f"{n}/one.txt": n.encode() * 99}) for n in ("annotations", "val2017")}
    (tmp_path / "served").mkdir()
    for name, content in parts.items():
        (tmp_path / "served" / f"{name}.zip").write_bytes(content)
    archives = [Archive(name, f"{name}.zip", sha1(content)) for name, content in parts.items()]
    with serve(tmp_path / "served") as web:
        web.answers = [404]
        with pytest.raises(DataError, match="404"):
            fetch(tmp_path / "coco", web.url, archives)
        fetch(tmp_path / "coco", web.url, archives)
        fetch(tmp_path / "coco", web.url, archives)
        assert len(web.asked) == 3  # one failed, two came, the third call asked for nothing
    assert [p for p in visible(tmp_path / "coco") if not p.startswith(".")] == [
        "annotations/one.txt",
        "val2017/one.txt",
    ]


def test_the_program_reports_a_failed_fetch_and_exits_with_2(tmp_path, capsys):
    with serve(tmp_path) as web:
        assert fetch_coco.main(["--root", str(tmp_path / "data"), "--server", web.url]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "annotations_trainval2017.zip: the server answers 404" in lines[0]
    assert visible(tmp_path / "data") in ([], [".coco2017.lock"])
