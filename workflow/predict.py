"""Runs a finished detector over a split's images, once: results/runs/<id>/predictions.json.gz.

python -m workflow.predict --suite demo --run <id>

Every later stage reads the detections from that file; no GPU is needed again.
"""

from __future__ import annotations

import sys
from typing import Any

import workflow.compat

workflow.compat.install()

from workflow.data.digits_options import SPLITS  # noqa: E402
from workflow.judged import REPORTED, predictions_of  # noqa: E402
from workflow.models.build import build_detector  # noqa: E402
from workflow.running import asked, environment, networks  # noqa: E402
from workflow.running.detections import detect, write_detections  # noqa: E402
from workflow.running.errors import speaking  # noqa: E402
from workflow.running.loading import open_split, split_loader, test_pipeline  # noqa: E402
from workflow.running.progress import Progress  # noqa: E402


@speaking
def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    spec = asked.asked(options)
    folder = asked.folder_of(options, spec, "the run")
    data = asked.dataset_of(options, spec)
    environment.prepare(options.data)

    config = networks.configuration(spec.model, data, spec)
    detector = build_detector(config, spec.seed, pretrained=False)
    detector.load_state_dict(networks.load_weights(folder.student))
    detector.to(environment.device()).eval()

    scales = spec.schedule.image_scale if spec.schedule else ()
    pipeline = config.test_pipeline or test_pipeline(data, scales)
    dataset = open_split(data, options.split, pipeline)
    progress = Progress(f"{spec.group} {spec.row} seed {spec.seed}: images", len(dataset))
    loader = split_loader(dataset, options.batch_size, asked.workers(options))
    write_detections(detect(detector, loader, progress), predictions_of(folder.path, options.split))
    return 0


def _parser() -> Any:
    parser = asked.parser(__doc__)
    parser.add_argument("--split", choices=SPLITS, default=REPORTED)
    parser.add_argument("--batch-size", type=int, default=8)
    return parser


if __name__ == "__main__":
    sys.exit(main())
