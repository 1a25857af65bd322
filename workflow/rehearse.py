"""Every kind of training in a suite takes one step, before hours are spent on any of them.

    python -m workflow.rehearse --suite coco                        # small images, on what is here
    python -m workflow.rehearse --suite coco --table main --full    # time and memory, on a GPU

The networks are built as a training builds them, but at random weights, and see noise: no data, no
download and no other run is needed. What could only be told when a training starts is told here: a
level or a head that a pair lacks, a method that breaks, a loss that is not a number. `--full` takes
the schedule's largest images and one GPU's share of its batch, and a few steps more.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import sys
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import workflow.compat

workflow.compat.install()

import torch  # noqa: E402 (after compat)
from mmengine.model import BaseModel  # noqa: E402
from mmengine.optim import OptimWrapper, build_optim_wrapper  # noqa: E402

from workflow.costs import devices, iterations  # noqa: E402
from workflow.data.catalogue import describe  # noqa: E402
from workflow.distill.algorithm import LOSS  # noqa: E402
from workflow.forecast import of_table  # noqa: E402
from workflow.running import environment, networks  # noqa: E402
from workflow.running.errors import DONE, FAILURE, UserError, speaking  # noqa: E402
from workflow.running.noise import noise_batch  # noqa: E402
from workflow.running.runner import optimiser_config  # noqa: E402
from workflow.spec import RunSpec  # noqa: E402
from workflow.suite import Suite, SuiteError, load  # noqa: E402

FEW_IMAGES = 2
MORE_STEPS = 3
"""With `--full`: the first step of all fills caches, and the last is timed."""


@dataclass(frozen=True)
class Tried:
    losses: dict[str, float]
    """Of the first step, as a training logs them."""
    seconds: float
    """Of the last step."""
    device_bytes: int | None
    """The most that lay on the GPU; None without one."""


class Flaw(Exception):
    """Why a training could not go on."""


def kinds(suite: Suite, table: str | None = None) -> list[RunSpec]:
    """One training of each kind: of those that differ in their seed alone, the first."""
    wanted = list(suite.by_id) if table is None else of_table(suite, table)
    found: dict[str, RunSpec] = {}
    for run in (suite.by_id[id] for id in wanted):
        if run.schedule is not None and run.family is not None:
            found.setdefault(_kind(run), run)
    return list(found.values())


def _kind(run: RunSpec) -> str:
    """All that the run is, but for its seed and those of the runs that it learns from."""
    parts = ("backbone", "teacher", "classifier")
    content = run.model_dump(mode="json", exclude={"seed", *parts})
    for part in parts:
        other = getattr(run, part)
        content[part] = None if other is None else _kind(other)
    return json.dumps(content, sort_keys=True)


def rehearse(run: RunSpec, options: argparse.Namespace, images: int, full: bool) -> Tried:
    """Raises UserError for what the user can put right, Flaw for what else went wrong."""
    assert run.schedule is not None  # `kinds` has no others
    data = describe(run.data, options.data)
    config = networks.configuration(run.model, data, run)
    size = data.image_size or config.image_size
    scales = run.schedule.image_scale
    if full and scales:
        long, short = max(scales, key=math.prod)
        size = (_padded(short), _padded(long))
    device = environment.device()
    batch = noise_batch(images, size, len(data.classes), config.masks)
    with _told():
        model = networks.training_network(options, run, data).to(device).train()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    wrapper = build_optim_wrapper(model, _optimiser(run, device))
    before = weight_sums(networks.student_of(model))
    losses, seconds = _step(model, batch, wrapper)
    strange = {name: value for name, value in losses.items() if not math.isfinite(value)}
    if strange:
        raise Flaw(f"the first step gives {', '.join(f'{k} = {v}' for k, v in strange.items())}")
    if weight_sums(networks.student_of(model)) == before:
        raise Flaw("the first step changes nothing in the student")
    for _ in range(MORE_STEPS if full else 0):
        _, seconds = _step(model, batch, wrapper)
    peak = torch.cuda.max_memory_allocated() if device.type == "cuda" else None
    return Tried(losses, seconds, peak)


def _step(model: BaseModel, batch: Any, wrapper: OptimWrapper) -> tuple[dict[str, float], float]:
    start = time.perf_counter()
    with _told():
        log = model.train_step(batch, wrapper)
        losses = {name: value.item() for name, value in log.items()}  # waits for the GPU
    return losses, time.perf_counter() - start


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong inside, as something that can be told in a line."""
    try:
        yield
    except UserError:
        raise
    except networks.MISTAKES as error:
        raise UserError(str(error)) from error
    except torch.OutOfMemoryError as error:
        raise Flaw(f"the GPU's memory does not suffice: {str(error).split('. ')[0]}") from error
    except Exception as error:  # whatever a method of the user's own may raise
        raise Flaw(f"{type(error).__name__}: {error} ({_where(error)})") from error


def _where(error: BaseException) -> str:
    """The last line of the user's code, or ours, on the way to what went wrong."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    return f"{own[-1].filename}:{own[-1].lineno}"


def _optimiser(run: RunSpec, device: torch.device) -> dict[str, Any]:
    schedule = run.schedule
    assert schedule is not None
    if device.type != "cuda" and schedule.precision == "float16":
        schedule = schedule.model_copy(update={"precision": "float32"})  # needs a GPU
    return optimiser_config(schedule, run.options.clip)


def _padded(side: int) -> int:
    """As detectors with five levels pad their batches."""
    return -(-side // 32) * 32


def weight_sums(model: Any) -> list[int]:
    """Of the bits of every weight: whatever changes one of them changes its sum."""
    return [int(value.detach().view(torch.int32).sum()) for value in model.parameters()]


def told(run: RunSpec, tried: Tried, full: bool) -> str:
    distillation = sum(v for name, v in tried.losses.items() if name.startswith(LOSS))
    words = [f"loss {tried.losses['loss']:.3g}"]
    words += [f"{distillation:.3g} of it distillation"] if run.methods else []
    if full:
        words.append(f"{tried.seconds:.3f} s a step")
        words.append(f"{tried.seconds * iterations(run) / 3600:.1f} hours at this pace")
    if tried.device_bytes is not None:
        words.append(f"{tried.device_bytes / 2**30:.1f} GiB")
    return ", ".join(words)


def _all(runs: Iterable[RunSpec], options: argparse.Namespace, gpus: int) -> int:
    """How many of them cannot be trained."""
    flaws = 0
    for run in runs:
        assert run.schedule is not None
        share = -(-run.schedule.batch_size // max(1, devices(run, gpus)))
        name = f"{run.group} {run.row}"
        try:
            tried = rehearse(run, options, share if options.full else FEW_IMAGES, options.full)
        except (UserError, Flaw) as problem:
            flaws += 1
            print(f"error: {name}: {problem}", file=sys.stderr, flush=True)
        else:
            print(f"{name}: {told(run, tried, options.full)}", flush=True)
        gc.collect()  # the pair before: an X101 teacher takes half a gigabyte
    return flaws


@speaking
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--suite", required=True, help="a shipped suite's name, or your own's path")
    parser.add_argument("--table", help="the trainings of this table, and what they learn from")
    parser.add_argument("--data", type=Path, default=Path("data"), help=argparse.SUPPRESS)
    parser.add_argument("--full", action="store_true", help="images and batch of a training")
    options = parser.parse_args(arguments)
    options.rehearsal = True
    try:
        suite = load(options.suite)
    except SuiteError as error:
        raise UserError(str(error)) from error
    runs = kinds(suite, options.table)
    environment.prepare(options.data)
    warnings.filterwarnings("ignore", module=r"torch|mmdet")  # of their own making
    flaws = _all(runs, options, suite.resources.gpus)
    print(f"{suite.name}: {len(runs)} kinds of training, {len(runs) - flaws} can start")
    return FAILURE if flaws else DONE


if __name__ == "__main__":
    sys.exit(main())
