"""Trains one run of a suite: a teacher, a baseline or a distilled student.

python -m workflow.train --suite demo --run <id>

Killed at any moment and started again, it goes on where its last checkpoint stands and ends in the
same weights. SIGTERM and SIGUSR1 save at once and exit with 75: 'start me again'. On several GPUs:

torchrun --nproc_per_node 8 -m workflow.train --suite papers/mgd --run <id>
"""

from __future__ import annotations

import sys
from typing import Any

import workflow.compat

workflow.compat.install()

import torch  # noqa: E402 (mmdet must meet the compatibility layer)
from mmdet.utils import register_all_modules  # noqa: E402
from mmengine.dist import is_main_process  # noqa: E402

from workflow.data.catalogue import DataSet  # noqa: E402
from workflow.models.weights import use_folder, weights_folder  # noqa: E402
from workflow.running import asked, distributed, networks  # noqa: E402
from workflow.running.conduct import Conductor  # noqa: E402
from workflow.running.errors import FAILURE, UserError, speaking  # noqa: E402
from workflow.running.folder import RunFolder, dataset_fingerprint  # noqa: E402
from workflow.running.guard import Diverged  # noqa: E402
from workflow.running.loading import open_split, train_loader, train_pipeline  # noqa: E402
from workflow.running.order import order_of  # noqa: E402
from workflow.running.runner import build_runner, unwrapped  # noqa: E402
from workflow.running.seeds import SowEveryIteration  # noqa: E402
from workflow.running.signals import RESUME_ME, Interrupted  # noqa: E402
from workflow.running.student import plain_checkpoint  # noqa: E402
from workflow.spec import RunSpec  # noqa: E402


@speaking
def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    spec = asked.asked(options)
    if spec.schedule is None:
        raise UserError(f"{spec.id} is not trained: its weights are fetched by workflow.fetch")
    folder = RunFolder(options.root, spec)
    if folder.is_complete():
        print(f"{spec.id}: complete already")
        return 0
    data = asked.dataset_of(options, spec)
    distributed.start()
    torch.use_deterministic_algorithms(not torch.cuda.is_available(), warn_only=True)
    register_all_modules(init_default_scope=True)

    loader = _loader(options, spec, data)
    use_folder(weights_folder(options.data))
    try:
        network = networks.training_network(options, spec, data)
    except networks.MISTAKES as error:
        raise UserError(f"{spec.id}: {error}") from error
    iterations = order_of(loader).iterations
    conductor = Conductor(
        folder, iterations, options.checkpoint_every, _spread(options.snapshots, iterations)
    )
    if is_main_process():
        folder.begin(dataset_fingerprint(data.root))
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
        print(f"{spec.id}: {pause}", file=sys.stderr)
        return RESUME_ME
    except Diverged as problem:
        if is_main_process():
            folder.fail(str(problem))
        print(f"error: {spec.id}: {problem}", file=sys.stderr)
        return FAILURE
    if is_main_process():
        conductor.cost.write(folder.cost, iterations, conductor.parts(runner))
        student = networks.student_of(unwrapped(runner.model))
        folder.finish(plain_checkpoint(student, spec, data))
    return 0


def _loader(options: Any, spec: RunSpec, data: DataSet) -> Any:
    """Images in the order and with the augmentation that the seed decides."""
    schedule = spec.schedule
    assert schedule is not None
    config = networks.configuration(spec.model, data, spec)
    pipeline = config.train_pipeline or train_pipeline(schedule.image_scale, config.shift)
    workers = options.workers if options.workers is not None else distributed.usual_workers()
    if schedule.batch_size % distributed.processes():
        raise UserError(
            f"schedule.batch_size: {schedule.batch_size} images cannot be shared evenly by "
            f"{distributed.processes()} processes"
        )
    return train_loader(
        open_split(data, "train", pipeline, training=True),
        schedule,
        spec.seed,
        workers,
        distributed.rank(),
        distributed.processes(),
    )


def _spread(count: int, iterations: int) -> tuple[int, ...]:
    """So many moments, evenly from the first weights to the last."""
    if count < 2:
        return ()
    return tuple(round(iterations * part / (count - 1)) for part in range(count))


def _parser() -> Any:
    parser = asked.parser(__doc__.splitlines()[0])
    parser.add_argument("--checkpoint-every", type=int, help="steps between resumable checkpoints")
    parser.add_argument("--snapshots", type=int, default=0, help="kept for agreement.csv")
    parser.add_argument("--wandb", metavar="PROJECT", help="log to Weights & Biases too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
