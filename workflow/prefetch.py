"""Fetches all weights that a suite will need, for nodes without a network.

    python -m workflow.prefetch --suite papers/mgd [--data data]

Teachers from the zoo go to `<data>/weights`, backbones that were trained on ImageNet to
`<data>/weights/checkpoints`; what is there already is checked, not fetched again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import workflow.compat

workflow.compat.install()

from mmengine.runner.checkpoint import CheckpointLoader  # noqa: E402 (loaders are safe ones now)

from workflow import suite as suites  # noqa: E402
from workflow.models.classifier import ClassifierOptions, first_weights  # noqa: E402
from workflow.models.coco import read_packaged  # noqa: E402
from workflow.models.schema import DetectorDefinition  # noqa: E402
from workflow.models.weights import checkpoint, use_folder, weights_folder  # noqa: E402
from workflow.models.zoo import ZooError  # noqa: E402
from workflow.running.errors import UserError, speaking  # noqa: E402
from workflow.running.networks import MISTAKES  # noqa: E402
from workflow.spec import RunSpec  # noqa: E402


@speaking
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", maxsplit=1)[0])
    parser.add_argument("--suite", required=True, help="a shipped suite's name, or a path")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where data sets lie")
    options = parser.parse_args(arguments)
    try:
        runs = suites.load(options.suite).runs
    except suites.SuiteError as error:
        raise UserError(str(error)) from error
    folder = weights_folder(options.data)
    use_folder(folder)
    try:
        for reference in sorted({run.checkpoint for run in runs if run.checkpoint}):
            found = checkpoint(reference, folder)
            print(f"{reference}: {found.path}")
        for reference in sorted(filter(None, {backbone(run) for run in runs})):
            CheckpointLoader.load_checkpoint(reference, map_location="cpu")
            print(f"{reference}: in {folder}")
    except (*MISTAKES, ZooError) as error:
        raise UserError(str(error)) from error
    return 0


def backbone(run: RunSpec) -> str | None:
    """Where the run's backbone comes from, if it is trained here from somebody's weights."""
    if run.schedule is None:
        return None
    if run.kind == "classifier":
        return first_weights(ClassifierOptions.model_validate(run.model["options"]))
    if run.family is None or run.model["fidelity"] != "coco":
        return None
    model = read_packaged(DetectorDefinition.model_validate(run.model)).model
    found = (model.backbone.get("init_cfg") or {}).get("checkpoint")
    return None if found is None else str(found)


if __name__ == "__main__":
    sys.exit(main())
