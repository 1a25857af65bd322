"""One training from its first (or next) step to the finished run folder."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from typing import Any

from mmengine.dist import is_main_process
from mmengine.model import BaseModel
from torch.utils.data import DataLoader

from workflow.data.catalogue import DataSet
from workflow.data.folder import Busy, NoLocks, only_one
from workflow.data.state import fingerprint
from workflow.running.checkpoints import save_atomically
from workflow.running.conduct import Conductor
from workflow.running.environment import launched
from workflow.running.errors import DONE, FAILURE, UserError
from workflow.running.folder import RunFolder
from workflow.running.guard import Diverged
from workflow.running.networks import student_of
from workflow.running.order import order_of
from workflow.running.positives import average_positives
from workflow.running.runner import build_runner, unwrapped
from workflow.running.seeds import SowEveryIteration
from workflow.running.signals import RESUME_ME, Interrupted
from workflow.running.student import plain_checkpoint


def carry_out(
    options: argparse.Namespace,
    folder: RunFolder,
    data: DataSet,
    network: BaseModel,
    loader: DataLoader[Any],
) -> int:
    """Returns the program's exit code. Two suites may ask for one run at once: one waits.

    But not with siblings, who would wait for this process no longer than their network does.
    """
    lock = only_one(folder.work / "run", wait=not launched()) if is_main_process() else None
    try:
        with lock or nullcontext():
            return DONE if folder.is_complete() else _train(options, folder, data, network, loader)
    except Busy as error:
        raise UserError(
            f"{folder.spec.id} is being trained by another process; start it again after that"
        ) from error
    except NoLocks as error:
        raise UserError(f"{folder.spec.id}: {error}") from error


def _train(
    options: argparse.Namespace,
    folder: RunFolder,
    data: DataSet,
    network: BaseModel,
    loader: DataLoader[Any],
) -> int:
    spec = folder.spec
    assert spec.schedule is not None  # or there would be nothing to carry out
    iterations = order_of(loader).iterations
    conductor = Conductor(
        folder, iterations, options.checkpoint_every, spread(options.snapshots, iterations)
    )
    if is_main_process():
        folder.begin(fingerprint(data))
    if launched():
        average_positives(network)
    runner = build_runner(
        network,
        loader,
        spec.schedule,
        hooks=[SowEveryIteration(spec.seed), conductor],
        work=folder.work,
        seed=spec.seed,
        clip=spec.options.clip,
        wandb=options.wandb,
    )
    try:
        runner.train()
    except Interrupted as pause:
        if is_main_process():
            print(f"{spec.id}: {pause}", file=sys.stderr)
        return RESUME_ME
    except Diverged as problem:
        if is_main_process():
            folder.fail(str(problem))
            print(f"error: {spec.id}: {problem}", file=sys.stderr)
        return FAILURE
    finally:
        conductor.stop.close()
    if is_main_process():
        conductor.cost.write(folder.cost, iterations, conductor.parts(runner))
        methods = getattr(unwrapped(runner.model), "methods", None)
        if methods is not None:
            save_atomically(methods.state_dict(), folder.methods)
        folder.finish(plain_checkpoint(student_of(unwrapped(runner.model)), spec, data))
    return DONE


def spread(count: int, iterations: int) -> tuple[int, ...]:
    """So many moments, evenly from the first weights to the last."""
    if count < 2:
        return ()
    return tuple(round(iterations * part / (count - 1)) for part in range(count))
