"""Two processes with gloo: one gradient, draws of their own, and a teacher that DDP never sees."""

from __future__ import annotations

import socket
from multiprocessing.connection import Connection
from typing import Any

import pytest
import torch
from torch import multiprocessing

from tests.compat.detectors import batch
from tests.distill.pairs import SIDE, distillation, optimiser

PROCESSES = 2


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _work(rank: int, port: int, results: Connection) -> None:
    from mmengine.model import MMDistributedDataParallel

    torch.distributed.init_process_group(
        "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=PROCESSES
    )
    model = distillation("mgd+pkd")
    model.iteration = 3
    wrapped = MMDistributedDataParallel(model, device_ids=None, broadcast_buffers=False)
    teachers = {id(value) for value in model.teacher.parameters()}
    seeds = []
    model.watch = lambda _iteration, _pyramids, made: seeds.append(made.seed)
    log = wrapped.train_step(batch(images=2, size=SIDE, seed=rank), optimiser(model))
    results.send(
        {
            "teacher in DDP": any(id(value) in teachers for value in wrapped.parameters()),
            "seed": seeds[0],
            "terms": sorted(log),
            "weights": torch.cat([v.detach().flatten() for v in model.parameters()]).numpy(),
        }
    )
    torch.distributed.destroy_process_group()


def test_two_processes_take_one_step_together() -> None:
    if not torch.distributed.is_gloo_available():
        pytest.skip("this torch has no gloo")
    context, port = multiprocessing.get_context("fork"), _free_port()
    receivers, processes = [], []
    for rank in range(PROCESSES):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(rank, port, sender))
        process.start()
        sender.close()
        receivers.append(receiver)
        processes.append(process)
    found: list[dict[str, Any]] = []
    for receiver, process in zip(receivers, processes, strict=True):
        assert receiver.poll(120), "a process said nothing in two minutes"
        found.append(receiver.recv())
        process.join(30)
        assert process.exitcode == 0
    one, other = found
    assert not one["teacher in DDP"]
    assert one["seed"] != other["seed"]
    assert one["terms"] == other["terms"]
    assert {"distill.mgd.rebuild", "distill.pkd.correlation"} <= set(one["terms"])
    assert (one["weights"] == other["weights"]).all()
