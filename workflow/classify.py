"""Trains one image classifier on crops of ground-truth boxes: a mini detector's first weights, or
the teacher of classifier-to-detector distillation.

python -m workflow.classify --suite demo --run <id>

Resumes, saves on signals and records as workflow.train does; metrics.json holds its accuracy on the
crops of the test split.
"""

from __future__ import annotations

import sys

import workflow.compat

workflow.compat.install()

from workflow.compat.checkpoints import CheckpointError  # noqa: E402 (once it is installed)
from workflow.models.classifier import ClassifierOptions, build_classifier  # noqa: E402
from workflow.running import asked, environment  # noqa: E402
from workflow.running.accuracy import write_accuracy  # noqa: E402
from workflow.running.crop_loading import Crops, crop_loader  # noqa: E402
from workflow.running.errors import DONE, UserError, speaking  # noqa: E402
from workflow.running.folder import RunFolder  # noqa: E402
from workflow.running.session import carry_out  # noqa: E402


@speaking
def main(arguments: list[str] | None = None) -> int:
    options = asked.training_parser(__doc__).parse_args(arguments)
    asked.check_logging(options)
    spec = asked.asked(options)
    schedule = spec.schedule
    if spec.kind != "classifier" or schedule is None:
        raise UserError(f"{spec.id} is a {spec.kind}, not a classifier that is trained")
    folder = RunFolder(options.root, spec)
    data = asked.dataset_of(options, spec)
    processes = asked.processes_sharing(schedule)
    environment.prepare(options.data)

    choices = ClassifierOptions.model_validate(spec.model["options"])
    try:
        network = build_classifier(
            choices, len(data.classes), data.pixel_mean, data.pixel_std, spec.seed
        )
    except CheckpointError as error:  # of ImageNet, where there is no network
        raise UserError(f"{spec.id}: {error}") from error
    if not folder.is_complete():
        crops = Crops(data, "train", choices, training=True)
        workers = asked.workers(options)
        loader = crop_loader(crops, schedule, spec.seed, workers, environment.rank(), processes)
        ended = carry_out(options, folder, data, network, loader)
        if ended != DONE:
            return ended
    if environment.rank() == 0:
        write_accuracy(folder, network, Crops(data, "test", choices, training=False), data)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
