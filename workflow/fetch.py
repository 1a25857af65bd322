"""Fetches one run's weights instead of training them: a teacher from the zoo, or from a file.

    python -m workflow.fetch --suite papers/mgd --run <id>

The weights must be those that the suite names (by hash) and must fit the detector in every tensor.
The run folder is then that of a training, so that all later steps treat it alike. A machine with a
network may fetch everything beforehand; the files are kept in `<data>/weights`.
"""

from __future__ import annotations

import sys

import workflow.compat

workflow.compat.install()

from workflow.compat.checkpoints import CheckpointError  # noqa: E402 (once it is installed)
from workflow.data.catalogue import describe  # noqa: E402
from workflow.data.state import fingerprint  # noqa: E402
from workflow.models.build import build_detector  # noqa: E402
from workflow.models.weights import (  # noqa: E402
    ZOO,
    WeightsError,
    checkpoint,
    load_into,
    read_weights,
    weights_folder,
)
from workflow.models.zoo import ZooError  # noqa: E402
from workflow.running import asked, networks  # noqa: E402
from workflow.running.errors import UserError, speaking  # noqa: E402
from workflow.running.folder import RunFolder  # noqa: E402
from workflow.running.student import plain_checkpoint  # noqa: E402


@speaking
def main(arguments: list[str] | None = None) -> int:
    options = asked.parser(__doc__.splitlines()[0]).parse_args(arguments)
    spec = asked.asked(options)
    if spec.checkpoint is None:
        raise UserError(f"{spec.id} names no checkpoint: it is trained by workflow.train")
    folder = RunFolder(options.root, spec)
    if folder.is_complete():
        print(f"{spec.id}: complete already")
        return 0
    data = describe(spec.data, options.data)
    detector = build_detector(
        networks.configuration(spec.model, data, spec), spec.seed, pretrained=False
    )
    try:
        found = checkpoint(spec.checkpoint, weights_folder(options.data))
        # The zoo's file is the right one by its hash; some carry tensors that nothing reads.
        load_into(detector, read_weights(found), found.source, spec.checkpoint.startswith(ZOO))
    except (WeightsError, CheckpointError, ZooError) as error:
        raise UserError(f"{spec.id}: {error}") from error
    folder.begin(fingerprint(data))
    folder.finish(plain_checkpoint(detector, spec, data))
    print(f"{spec.id}: {found.source}, SHA-256 {found.sha256[:16]}...")
    return 0


if __name__ == "__main__":
    sys.exit(main())
