"""Detects with the student on its way: what AP over the training is measured from.

python -m workflow.trace --suite demo --run <id> --split tune

Runs every snapshot that the training kept, and the finished student, over the split's images. What
they detect goes into the folder `curve` of the run's working folder, and last a list of it,
<split>.json; what is there already is not done again. `python -m analysis.curve` makes curve.csv
of that.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import workflow.compat

workflow.compat.install()

from workflow.data.digits_options import SPLITS  # noqa: E402 (mmdet must meet the compat layer)
from workflow.judged import traced_of  # noqa: E402
from workflow.models.build import build_detector  # noqa: E402
from workflow.running import asked, environment, networks  # noqa: E402
from workflow.running.detections import detect, write_detections  # noqa: E402
from workflow.running.errors import DONE, UserError, speaking  # noqa: E402
from workflow.running.folder import RunFolder, write_text  # noqa: E402
from workflow.running.loading import open_split, split_loader, test_pipeline  # noqa: E402
from workflow.running.progress import Progress  # noqa: E402


@speaking
def main(arguments: list[str] | None = None) -> int:
    parser = asked.parser(__doc__)
    parser.add_argument("--split", choices=SPLITS, default="tune")
    parser.add_argument("--batch-size", type=int, default=8)
    options = parser.parse_args(arguments)
    spec = asked.asked(options)
    if spec.kind == "classifier" or spec.schedule is None:
        raise UserError(f"{spec.id} is no detector that was trained here: it has no way to trace")
    folder = asked.folder_of(options, spec, "the run")
    data = asked.dataset_of(options, spec)
    environment.prepare(options.data)

    config = networks.configuration(spec.model, data, spec)
    detector = build_detector(config, spec.seed, pretrained=False).to(environment.device()).eval()
    pipeline = config.test_pipeline or test_pipeline(data, spec.schedule.image_scale)
    dataset = open_split(data, options.split, pipeline)
    loader = split_loader(dataset, options.batch_size, asked.workers(options))
    listed = traced_of(folder.path, options.split)
    points = []
    for iteration, weights in _way(folder):
        path = listed.with_name(f"{options.split}-{iteration:07d}.json.gz")
        points.append({"iteration": iteration, "predictions": path.name})
        if path.is_file() and path.stat().st_mtime_ns >= weights.stat().st_mtime_ns:
            continue
        detector.load_state_dict(networks.load_weights(weights))
        told = f"{spec.group} {spec.row} seed {spec.seed}, iteration {iteration}: images"
        write_detections(detect(detector, loader, Progress(told, len(dataset))), path)
    write_text(listed, json.dumps({"split": options.split, "points": points}, indent=1) + "\n")
    return DONE


def _way(folder: RunFolder) -> list[tuple[int, Path]]:
    """(iteration, weights) of every snapshot, then of the finished student."""
    last = int(json.loads(folder.cost.read_text(encoding="utf-8"))["iterations"])
    kept = [(int(path.stem.rsplit("-", 1)[1]), path) for path in folder.snapshots()]
    if not kept:
        print(f"{folder.path}: no snapshots were kept, so the end alone is known", file=sys.stderr)
    return [*(one for one in kept if one[0] < last), (last, folder.student)]


if __name__ == "__main__":
    sys.exit(main())
