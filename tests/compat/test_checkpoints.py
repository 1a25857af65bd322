"""Checkpoints from outside: real ones load, malicious ones neither run nor load."""

from __future__ import annotations

import argparse
import builtins
import functools
import os
import pickle
import sys
import tarfile
import zipfile
from collections import OrderedDict, defaultdict, deque
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer, MessageHub
from torch import nn

import workflow.compat
from workflow.compat.checkpoints import (
    CheckpointError,
    UnsafeCheckpoint,
    load_resume,
    load_state_dict,
    load_tensors,
)

workflow.compat.install()

from mmengine.runner.checkpoint import CheckpointLoader, load_checkpoint  # noqa: E402

FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


def save(content: object, path: Path, zipped: bool = True) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def zoo_checkpoint() -> dict:
    """What OpenMMLab's own training writes, with the objects that torch's strict mode refuses."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2).half())
    hub = MessageHub.get_instance("zoo")
    hub.update_scalar("train/loss", 0.5)
    hub.update_scalar("train/loss", torch.tensor(0.25))
    hub.update_info("iter", 7)
    buffer = HistoryBuffer()
    buffer.update(1.5)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network[0](torch.rand(1, 3, 3, 3)).sum().backward()
    optimiser.step()
    return {
        "meta": {
            "epoch": 12,
            "cfg": "model = dict()",
            "dataset_meta": {"CLASSES": ("cat", "dog"), "PALETTE": [(1, 2, 3), (4, 5, 6)]},
            "config": ConfigDict(model=ConfigDict(type="X"), steps=[1, 2]),
            "arguments": argparse.Namespace(gpus=8),
            "seed": np.int64(3),
            "mAP": np.float64(0.4),
            "array": np.arange(3.0),
            "nested": defaultdict(list, a=[1, 2]),
            "recent": deque([1, 2], maxlen=3),
            "place": Path("somewhere"),
            "names": {"cat", Path("dog")},
        },
        "state_dict": network.state_dict(),
        "optimizer": optimiser.state_dict(),
        "message_hub": hub.state_dict(),
        "buffer": buffer,
        "method": buffer.mean,
        "partial": functools.partial(int, base=2),
    }


@FORMATS
def test_a_real_openmmlab_checkpoint_loads(tmp_path: Path, zipped: bool) -> None:
    written = zoo_checkpoint()
    path = save(written, tmp_path / "zoo.pth", zipped)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)  # else this test would prove nothing

    content = load_tensors(path)

    assert list(content["state_dict"]) == list(written["state_dict"])
    for key, value in written["state_dict"].items():
        assert content["state_dict"][key].dtype == value.dtype
        assert content["state_dict"][key].equal(value)
    assert content["state_dict"]._metadata == written["state_dict"]._metadata
    assert content["meta"]["epoch"] == 12
    assert content["meta"]["dataset_meta"] == written["meta"]["dataset_meta"]
    assert content["meta"]["nested"] == {"a": [1, 2]}
    assert content["meta"]["names"] == {"cat"}
    momentum = content["optimizer"]["state"][0]["momentum_buffer"]
    assert momentum.equal(written["optimizer"]["state"][0]["momentum_buffer"])
    assert content["message_hub"]["runtime_info"]["iter"] == 7
    for odd in ("arguments", "seed", "mAP", "array", "place", "recent", "config"):
        assert odd not in content["meta"]
    for odd in ("buffer", "method", "partial"):
        assert odd not in content


@FORMATS
def test_what_is_loaded_is_plain(tmp_path: Path, zipped: bool) -> None:
    content = load_tensors(save(zoo_checkpoint(), tmp_path / "zoo.pth", zipped))
    path = save(content, tmp_path / "again.pth")
    assert load_resume(path)["meta"] == content["meta"]  # torch's strictest mode reads it


def test_shared_weights_stay_shared(tmp_path: Path) -> None:
    weight = torch.rand(3)
    content = load_tensors(save({"a": weight, "b": weight[1:]}, tmp_path / "shared.pth"))
    assert content["a"].untyped_storage().data_ptr() == content["b"].untyped_storage().data_ptr()
    assert content["b"].equal(weight[1:])


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.bfloat16, torch.int8, torch.bool, torch.complex64]
)
def test_every_kind_of_number(tmp_path: Path, dtype: torch.dtype) -> None:
    weight = torch.tensor([0, 1, 2]).to(dtype)
    assert load_tensors(save([weight], tmp_path / "kind.pth"))[0].equal(weight)
    parameter = nn.Parameter(torch.rand(2), requires_grad=True)
    (loaded,) = load_tensors(save([parameter], tmp_path / "parameter.pth"))
    assert type(loaded) is torch.Tensor
    assert loaded.equal(parameter)


@pytest.mark.parametrize("key", ["state_dict", "model", None])
def test_weights_are_found_where_they_usually_are(tmp_path: Path, key: str | None) -> None:
    weights = OrderedDict(a=torch.rand(2), b=torch.rand(3))
    path = save({key: weights, "epoch": 3} if key else weights, tmp_path / "weights.pth")
    loaded = load_state_dict(path)
    assert list(loaded) == ["a", "b"]
    assert loaded["b"].equal(weights["b"])


def test_weights_that_are_no_tensors_are_an_error(tmp_path: Path) -> None:
    path = save({"state_dict": {"a": np.zeros(2)}}, tmp_path / "arrays.pth")
    with pytest.raises(CheckpointError, match=r"arrays\.pth: holds no weights"):
        load_state_dict(path)


class Calls:
    """Pickles to a call of `function(*arguments)`."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple:
        return self.call


ATTACKS = {
    "os.system": lambda witness: Calls(os.system, f"touch {witness}"),
    "eval": lambda witness: Calls(builtins.eval, f"open({str(witness)!r}, 'w').close()"),
    "exec": lambda witness: Calls(builtins.exec, f"open({str(witness)!r}, 'w').close()"),
    "open": lambda witness: Calls(builtins.open, str(witness), "w"),
    "nested": lambda witness: Calls(builtins.list, [Calls(os.mkdir, str(witness))]),
}


@FORMATS
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_malicious_pickle_does_not_run(tmp_path: Path, attack: str, zipped: bool) -> None:
    witness = tmp_path / "executed"
    content = {"state_dict": {"weight": torch.rand(2)}, "meta": ATTACKS[attack](witness)}
    path = save(content, tmp_path / "teacher.pth", zipped)

    for load in (
        load_tensors,
        load_state_dict,
        lambda path: load_checkpoint(nn.Linear(1, 1), path),
    ):
        with pytest.raises(UnsafeCheckpoint, match=r"teacher\.pth: refused.*Nothing was executed"):
            load(str(path))
    assert not witness.exists()
    torch.load(path, weights_only=False)  # the attack is real: an ordinary load runs it
    assert witness.exists()


def test_an_unknown_function_is_never_imported_nor_called(tmp_path: Path) -> None:
    witness = tmp_path / "executed"
    module = tmp_path / "friendly_looking.py"
    module.write_text(f"open({str(witness)!r}, 'w').close()\n")
    path = tmp_path / "teacher.pth"
    pickled = b"\x80\x02cfriendly_looking\nbuild\n)R."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        assert load_tensors(path) is None
    assert not witness.exists()


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x02cfriendly\nThing\nN}U\x08__call__K\x01s\x86b.",  # set an attribute of a class
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN}U\x01xK\x01s\x86b.",  # or of a function
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)\x81.",  # subclass or instantiate a function
        b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00hex\x86R.",  # other codecs
    ],
)
def test_a_pickle_cannot_alter_what_loads_it(tmp_path: Path, pickled: bytes) -> None:
    path = tmp_path / "odd.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")
    with pytest.raises(CheckpointError, match=r"odd\.pth"):
        load_tensors(path)


def test_a_tensor_cannot_read_beyond_its_storage(tmp_path: Path) -> None:
    path = save(torch.rand(4), tmp_path / "short.pth")
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    (name,) = [name for name in records if name.endswith("data.pkl")]
    assert records[name].count(b"K\x04\x85") == 1  # the shape (4,)
    records[name] = records[name].replace(b"K\x04\x85", b"K\x7f\x85")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in records.items():
            archive.writestr(name, data)
    with pytest.raises(CheckpointError, match="not a readable torch checkpoint"):
        load_tensors(path)


def test_programs_and_other_files_are_refused(tmp_path: Path) -> None:
    scripted = tmp_path / "program.pt"
    torch.jit.script(nn.Linear(1, 1)).save(str(scripted))
    with pytest.raises(UnsafeCheckpoint, match="TorchScript"):
        load_tensors(scripted)

    with tarfile.open(tmp_path / "old.pth", "w") as archive:
        archive.add(scripted, "pickle")
    with pytest.raises(CheckpointError, match="tar archive"):
        load_tensors(tmp_path / "old.pth")

    (tmp_path / "page.pth").write_text("<html>404</html>")
    with pytest.raises(CheckpointError, match=r"page\.pth: not a readable torch checkpoint"):
        load_tensors(tmp_path / "page.pth")

    (tmp_path / "empty.pth").touch()
    with pytest.raises(CheckpointError, match=r"empty\.pth: not a readable torch checkpoint"):
        load_tensors(tmp_path / "empty.pth")

    whole = save({"a": torch.rand(1000)}, tmp_path / "cut.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=r"cut\.pth: not a readable torch checkpoint"):
        load_tensors(tmp_path / "cut.pth")

    with pytest.raises(CheckpointError, match=r"absent\.pth: no such file"):
        load_tensors(tmp_path / "absent.pth")


def test_resuming_takes_only_plain_checkpoints(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    optimiser = torch.optim.AdamW(model.parameters())
    model(torch.rand(1, 2)).sum().backward()
    optimiser.step()
    state = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "random": torch.get_rng_state(),
        "iteration": 5,
    }
    loaded = load_resume(save(state, tmp_path / "resume.pth"))
    assert loaded["iteration"] == 5
    assert loaded["random"].equal(state["random"])
    assert loaded["optimiser"]["param_groups"] == state["optimiser"]["param_groups"]
    with pytest.raises(CheckpointError, match=r"zoo\.pth: not a checkpoint of this project"):
        load_resume(save(zoo_checkpoint(), tmp_path / "zoo.pth"))


def test_mmengine_loads_through_it(tmp_path: Path) -> None:
    path = save(zoo_checkpoint(), tmp_path / "zoo.pth")
    content = CheckpointLoader.load_checkpoint(str(path), map_location="cpu")
    assert "buffer" not in content
    assert content["state_dict"]["0.weight"].shape == (4, 3, 3, 3)


def test_mmengine_downloads_through_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a real, local HTTP server; the name's digits must be the file's SHA-256."""
    import hashlib
    import http.server
    import threading

    served = tmp_path / "served"
    served.mkdir()
    path = save({"state_dict": {"a": torch.ones(2)}}, served / "model.pth")
    digits = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    good = path.rename(served / f"model-{digits}.pth")
    (served / "model-00000000.pth").write_bytes(good.read_bytes())
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(served))
    handler.func.log_message = lambda *arguments: None  # type: ignore[attr-defined]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        content = CheckpointLoader.load_checkpoint(f"{address}/{good.name}")
        assert content["state_dict"]["a"].equal(torch.ones(2))
        with pytest.raises(CheckpointError, match="hash"):
            CheckpointLoader.load_checkpoint(f"{address}/model-00000000.pth")
        with pytest.raises(CheckpointError, match=r"cannot be downloaded.*put the file at"):
            CheckpointLoader.load_checkpoint(f"{address}/missing-00000000.pth")
        server.shutdown()
    again = CheckpointLoader.load_checkpoint(f"{address}/{good.name}")  # from the cache
    assert again["state_dict"]["a"].equal(torch.ones(2))


def test_unknown_places_are_named() -> None:
    with pytest.raises(CheckpointError, match=r"torchvision://resnet5: .*nearest names: resnet"):
        CheckpointLoader.load_checkpoint("torchvision://resnet5")
    with pytest.raises(CheckpointError, match="unknown place for a checkpoint"):
        CheckpointLoader.load_checkpoint("s3://bucket/model.pth")


def test_a_pickle_bomb_of_depth_is_an_error(tmp_path: Path) -> None:
    body = b"\x80\x02" + b"]" * 5000 + b"a" * 4999 + b"."
    path = tmp_path / "deep.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", body)
        archive.writestr("archive/version", "3\n")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)  # Python's own; some libraries raise it when they are imported
    try:
        with pytest.raises(CheckpointError, match=r"deep\.pth"):
            load_tensors(path)
    finally:
        sys.setrecursionlimit(limit)
