"""Fetching weights over HTTP, taking only the right ones, and checking a teacher by its AP."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader

from tests.distill.pairs import detector
from workflow import download
from workflow.compat import loaders
from workflow.compat.checkpoints import UnsafeCheckpoint
from workflow.download import DownloadError, fetch
from workflow.models import teacher_check, weights
from workflow.models.teacher_check import TeacherMismatch, check_teacher
from workflow.models.weights import WeightsError, checkpoint, load_into, read_weights
from workflow.models.zoo import ZooModel

CONTENT = bytes(range(256)) * 4096  # one MiB
DIGITS = hashlib.sha256(CONTENT).hexdigest()[:8]
NAME = f"model-{DIGITS}.pth"


class Served:
    """A server that can break off, ignore ranges, or answer with errors, and notes requests."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.break_after: list[int] = []
        """Bytes after which one connection each is cut."""
        self.answers_ranges = True
        self.errors: list[int] = []
        self.requests: list[str | None] = []
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                served.requests.append(asked)
                if served.errors:
                    self.send_error(served.errors.pop(0))
                    return
                start = 0
                if asked and served.answers_ranges:
                    start = int(asked.removeprefix("bytes=").rstrip("-"))
                    if start >= len(served.content):
                        self.send_error(416)
                        return
                body = served.content[start:]
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                cut = served.break_after.pop(0) if served.break_after else len(body)
                self.wfile.write(body[:cut])

            def log_message(self, format: str, *arguments: object) -> None:
                assert format  # silent: pytest's output is for failures

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/zoo/{NAME}"


@pytest.fixture
def served() -> Iterator[Served]:
    found = Served()
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_a_file_is_fetched_once(served: Served, tmp_path: Path) -> None:
    path = fetch(served.url, tmp_path, DIGITS)
    assert path == tmp_path / NAME
    assert path.read_bytes() == CONTENT
    assert fetch(served.url, tmp_path, DIGITS) == path
    assert len(served.requests) == 1


def test_a_broken_connection_is_taken_up_where_it_broke(served: Served, tmp_path: Path) -> None:
    served.break_after = [300_000, 200_000]
    assert fetch(served.url, tmp_path, DIGITS, pause=0.01).read_bytes() == CONTENT
    assert served.requests == [None, "bytes=300000-", "bytes=500000-"]


def test_a_later_call_continues_what_an_earlier_one_left(served: Served, tmp_path: Path) -> None:
    served.break_after = [100_000] + [0] * (download.ATTEMPTS - 1)
    with pytest.raises(DownloadError, match=r"not complete after 5 attempts.*put the file at"):
        fetch(served.url, tmp_path, DIGITS, pause=0.001)
    assert not (tmp_path / NAME).exists()
    assert fetch(served.url, tmp_path, DIGITS).read_bytes() == CONTENT
    assert served.requests[-1] == "bytes=100000-"


def test_a_server_without_ranges_starts_over(served: Served, tmp_path: Path) -> None:
    served.answers_ranges, served.break_after = False, [300_000]
    assert fetch(served.url, tmp_path, DIGITS, pause=0.01).read_bytes() == CONTENT


def test_a_part_that_is_whole_already_is_taken(served: Served, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT)
    assert fetch(served.url, tmp_path, DIGITS).read_bytes() == CONTENT


def test_without_a_hash_nothing_of_another_day_is_continued(served: Served, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(b"old" * 1000)
    assert fetch(served.url, tmp_path).read_bytes() == CONTENT
    assert served.requests == [None]


def test_a_name_is_what_the_address_ends_in(served: Served, tmp_path: Path) -> None:
    spaced = served.url.replace("model-", "my%20model-")
    assert loaders.download(spaced, tmp_path).read_bytes() == CONTENT
    assert (tmp_path / f"my {NAME}").is_file()
    for end in ("%2e%2e%2fout.pth", ".."):
        with pytest.raises(DownloadError, match="the address ends in no file name"):
            fetch(f"http://127.0.0.1/zoo/{end}", tmp_path / "in")
    assert not (tmp_path / "out.pth").exists()


def test_the_wrong_content_is_discarded(served: Served, tmp_path: Path) -> None:
    served.content = b"<html>moved</html>"
    with pytest.raises(
        DownloadError, match=rf"instead of {DIGITS}\.\.\.; the download was discarded"
    ):
        fetch(served.url, tmp_path, DIGITS)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{NAME}.lock"]


def test_a_damaged_file_is_never_replaced_silently(served: Served, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"damaged")
    with pytest.raises(
        DownloadError, match=rf"instead of {DIGITS}\.\.\.; delete {tmp_path / NAME}"
    ):
        fetch(served.url, tmp_path, DIGITS)
    assert served.requests == []


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(
    served: Served, tmp_path: Path
) -> None:
    served.errors = [503]
    assert fetch(served.url, tmp_path, DIGITS, pause=0.01).exists()
    served.errors = [404]
    with pytest.raises(DownloadError, match="the server answers 404"):
        fetch(served.url.replace(NAME, "other.pth"), tmp_path)
    assert len(served.requests) == 3


def test_jobs_that_want_the_same_file_fetch_it_once(served: Served, tmp_path: Path) -> None:
    threads = [threading.Thread(target=fetch, args=(served.url, tmp_path, DIGITS)) for _ in "123"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert len(served.requests) == 1


@pytest.fixture
def teacher_file(tmp_path: Path) -> Path:
    """As the zoo has them: weights beside logging objects' leftovers, no counters in old norms."""
    model = detector("RetinaNet", seed=4)
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("batches_tracked")}
    path = tmp_path / "teacher.pth"
    torch.save({"meta": {"epoch": 12}, "state_dict": state}, path)
    return path


def test_a_zoo_teacher_is_fetched_and_fills_its_detector(
    served: Served, tmp_path: Path, teacher_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.content = teacher_file.read_bytes()
    digits = hashlib.sha256(served.content).hexdigest()
    url = served.url.replace(NAME, f"retinanet-{digits[:8]}.pth")
    monkeypatch.setattr(
        weights, "zoo_model", lambda name: ZooModel(name, "", url, digits[:8], 41.0)
    )
    found = checkpoint("zoo:retinanet", tmp_path / "weights")
    assert (found.sha256, found.source) == (digits, url)
    model = detector("RetinaNet", seed=5)
    load_into(model, read_weights(found), found.source)
    expected = detector("RetinaNet", seed=4).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())


def test_a_file_of_the_users_must_have_the_suites_hash(teacher_file: Path, tmp_path: Path) -> None:
    digits = hashlib.sha256(teacher_file.read_bytes()).hexdigest()
    found = checkpoint(f"{teacher_file}#sha256={digits}", tmp_path)
    assert found.path == teacher_file
    assert checkpoint(str(teacher_file), tmp_path).sha256 == digits
    with pytest.raises(WeightsError, match=f"its SHA-256 is {digits}, the suite says {'0' * 64}"):
        checkpoint(f"{teacher_file}#sha256={'0' * 64}", tmp_path)
    with pytest.raises(WeightsError, match="no such file"):
        checkpoint(f"{tmp_path / 'none.pth'}#sha256={digits}", tmp_path)


def test_weights_of_another_detector_are_refused(teacher_file: Path, tmp_path: Path) -> None:
    state = read_weights(checkpoint(str(teacher_file), tmp_path))
    with pytest.raises(WeightsError, match=r"teacher\.pth: not the weights of this FasterRCNN; "):
        load_into(detector("Faster R-CNN"), state, "teacher.pth")
    fewer = {name: value for name, value in state.items() if not name.startswith("neck.")}
    with pytest.raises(WeightsError, match=r"the file lacks neck\.lateral_convs\.0\.conv\.weight"):
        load_into(detector("RetinaNet"), fewer, "teacher.pth")
    more = {**state, "mask_head.weight": torch.zeros(1)}
    with pytest.raises(WeightsError, match=r"the file also holds mask_head\.weight"):
        load_into(detector("RetinaNet"), more, "teacher.pth")
    load_into(detector("RetinaNet"), more, "teacher.pth", more_allowed=True)
    wrong = {**state, "bbox_head.retina_cls.bias": torch.zeros(3)}
    with pytest.raises(WeightsError, match=r"size mismatch for bbox_head\.retina_cls\.bias"):
        load_into(detector("RetinaNet"), wrong, "teacher.pth")


@pytest.mark.parametrize(
    ("name", "renamed"),
    [
        ("FCOS", {"conv_cls": "fcos_cls", "conv_reg": "fcos_reg", "conv_centerness": "centerness"}),
        ("RepPoints with DCN", {"conv2.conv_offset.": "conv2_offset."}),
    ],
)
def test_names_of_older_versions_are_understood(
    name: str, renamed: dict[str, str], tmp_path: Path
) -> None:
    """The zoo's oldest files were written when some layers were called otherwise."""
    model = detector(name, seed=4)
    old = {}
    for key, value in model.state_dict().items():
        for new, before in renamed.items():
            key = key.replace(new, before)
        old[key] = value
    assert old.keys() != model.state_dict().keys()
    path = tmp_path / "old.pth"
    torch.save({"state_dict": old}, path)
    fresh = detector(name, seed=5)
    load_into(fresh, read_weights(checkpoint(str(path), tmp_path)), "old.pth")
    expected = model.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in fresh.state_dict().items())


def test_a_checkpoint_that_runs_code_is_refused(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            import os

            return os.system, (f"touch {tmp_path / 'harmed'}",)

    path = tmp_path / "evil.pth"
    torch.save({"state_dict": {"a": torch.ones(1)}, "meta": Harm()}, path)
    with pytest.raises(UnsafeCheckpoint):
        read_weights(checkpoint(str(path), tmp_path))
    assert not (tmp_path / "harmed").exists()


def test_backbones_nobody_publishes_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    weights.use_folder(tmp_path)
    assert torch.hub.get_dir() == str(tmp_path)
    with pytest.raises(WeightsError, match=f"put your own at {tmp_path / 'qr50.pth'}"):
        CheckpointLoader.load_checkpoint("weights://qr50.pth")
    torch.save({"conv1.weight": torch.ones(2)}, tmp_path / "qr50.pth")
    assert CheckpointLoader.load_checkpoint("weights://qr50.pth")["conv1.weight"].sum() == 2


ZOO_TEACHER = {
    "group": "retinanet-x101",
    "checkpoint": "zoo:retinanet_x101-64x4d_fpn_1x_coco",
    "data": {"name": "coco"},
}


def test_a_teacher_must_reach_the_zoos_figure() -> None:
    verdict = check_teacher(ZOO_TEACHER, 41.04)
    assert verdict.expected == 41.0
    assert "the zoo says 41.0" in verdict.message
    for wrong in (41.6, 40.4, 0.0):
        with pytest.raises(TeacherMismatch, match=rf"AP {wrong} on val2017, mmdet's zoo says 41.0"):
            check_teacher(ZOO_TEACHER, wrong)


def test_where_the_zoo_has_nothing_to_say_nothing_stops() -> None:
    trained = {**ZOO_TEACHER, "checkpoint": None}
    elsewhere = {**ZOO_TEACHER, "data": {"name": "digits"}}
    assert check_teacher(trained, 12.0).expected is None
    assert check_teacher(elsewhere, 12.0).expected is None


def test_the_program_reads_a_run_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert teacher_check.main(["--run", str(tmp_path)]) == 2
    assert "evaluate it first" in capsys.readouterr().err
    (tmp_path / "run.json").write_text(json.dumps({"spec": ZOO_TEACHER}), encoding="utf-8")
    (tmp_path / "metrics.json").write_text(json.dumps({"AP": 40.9}), encoding="utf-8")
    out = tmp_path / "teacher.json"
    assert teacher_check.main(["--run", str(tmp_path), "--out", str(out)]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["found"] == 40.9
    (tmp_path / "metrics.json").write_text(json.dumps({"AP": 30.4}), encoding="utf-8")
    assert teacher_check.main(["--run", str(tmp_path)]) == 2
    assert "error: teacher retinanet-x101: AP 30.4" in capsys.readouterr().err
