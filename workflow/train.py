"""Trains one run of a suite: a teacher, a baseline or a distilled student.

python -m workflow.train --suite demo --run <id>

Killed at any moment and started again, it goes on where its last checkpoint stands and ends in the
same weights. SIGTERM and SIGUSR1 save at once and exit with 75: 'start me again'. On several GPUs:

torchrun --nproc-per-node 8 -m -- workflow.train --suite papers/mgd --run <id>
"""

from __future__ import annotations

import sys

import workflow.compat

workflow.compat.install()

from workflow.running import asked, environment, loading, networks  # noqa: E402 (after compat)
from workflow.running.errors import DONE, UserError, speaking  # noqa: E402
from workflow.running.folder import RunFolder  # noqa: E402
from workflow.running.session import carry_out  # noqa: E402


@speaking
def main(arguments: list[str] | None = None) -> int:
    options = asked.training_parser(__doc__).parse_args(arguments)
    asked.check_logging(options)
    spec = asked.asked(options)
    schedule = spec.schedule
    if spec.kind == "classifier":
        raise UserError(f"{spec.id} is a classifier: `python -m workflow.classify` trains it")
    if schedule is None:
        raise UserError(f"{spec.id} is not trained: its weights are fetched, see docs/runs.md")
    folder = RunFolder(options.root, spec)
    if folder.is_complete():
        print(f"{spec.id}: complete already")
        return DONE
    data = asked.dataset_of(options, spec)
    processes = asked.processes_sharing(schedule)
    environment.prepare(options.data)

    # Which images, in what order and how augmented: decided by the seed and each one's position.
    config = networks.configuration(spec.model, data, spec)
    pipeline = config.train_pipeline or loading.train_pipeline(
        data, schedule.image_scale, config.shift
    )
    images = loading.open_split(data, "train", pipeline, training=True)
    loader = loading.train_loader(
        images, schedule, spec.seed, asked.workers(options), environment.rank(), processes
    )
    # The student, with its teacher and its methods around it where the row has any.
    network = networks.training_network(options, spec, data)
    return carry_out(options, folder, data, network, loader)


if __name__ == "__main__":
    sys.exit(main())
