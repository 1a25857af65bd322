"""Time and memory of a whole training step with each method, against the undistilled student's.

    python -m benchmarks.bench_steps                                     # a small pair, on the CPU
    python -m benchmarks.bench_steps --rows icd icd+fkd --batch 8
    python -m benchmarks.bench_steps --pair retinanet-x101-r50 --image 800x1333 --batch 2 \\
        --device cuda --csv steps.csv                                    # the papers' size

A step is forward, backward and the optimiser's, of the real detectors with random weights, on noise
images with a few boxes. The baseline's step is timed before every repetition of a row, so a busy
machine counts for both. `teacher` is a row of its own: the teacher runs and no loss is taken, so
that what a method costs can be told from what any detector teacher costs: `x teach` is a step in
units of that one. `contiguous` is the baseline without the layout that trainings on a CPU use. The
shares say where a row's step goes; memory is the peak above what lies there before the step.
"""

from __future__ import annotations

import argparse
import csv
import logging
import statistics
import sys
import time
from copy import deepcopy
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from mmengine.optim import OptimWrapper

from benchmarks.memory import peak_mib
from methods.settings.resolve import RowError, resolve
from workflow.data.catalogue import IMAGENET_MEAN, IMAGENET_STD, DataSet
from workflow.distill.build import DistillationError, build_distillation
from workflow.models import catalogue
from workflow.models.build import build_config, build_detector
from workflow.models.classifier import ClassifierOptions, build_classifier
from workflow.running.networks import quick
from workflow.running.noise import noise_batch

TEACHER = "teacher"
CONTIGUOUS = "contiguous"
ROWS = (
    *(CONTIGUOUS, TEACHER, "l2", "fitnet", "ssim", "mgd", "amd", "fgd", "fkd", "pkd", "cwd"),
    *("icd", "icd-cls", "icd-loc", "icd+fkd"),
)


@dataclass
class Line:
    row: str
    seconds: float
    ratio: float
    of_teacher: float | None
    """Of a step with a teacher and no loss, where that was measured."""
    teacher_share: float
    loss_share: float
    peak_mib: float | None


class Work:
    """One pair, and steps of it with any row."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.device = torch.device(arguments.device)
        self.pair = catalogue.pair(arguments.pair)
        self.data = DataSet(
            "noise", Path(), tuple(map(str, range(80))), {}, IMAGENET_MEAN, IMAGENET_STD, None
        )
        self.configs = {
            name: build_config(catalogue.detector(name), self.data)
            for name in (self.pair.student, self.pair.teacher)
            if name
        }
        self.batch = noise_batch(arguments.batch, arguments.image, len(self.data.classes))
        self.made: dict[str, Any] = {}
        self.baseline = self.step_of("baseline")

    def step_of(self, row: str) -> tuple[Any, OptimWrapper]:
        """What a row trains, and its optimiser."""
        student = self._detector(self.pair.student, 0)
        if row == CONTIGUOUS:
            student.to(memory_format=torch.contiguous_format)
            row = "baseline"
        # The teacher alone is any method on its pyramid, whose loss is then left out.
        recipe = resolve("pkd" if row == TEACHER else row, self.pair.family)
        model: Any = student
        if recipe.methods:
            needs = recipe.needs
            model = build_distillation(
                recipe.methods,
                student,
                self._detector(self.pair.teacher, 1) if "features" in needs else None,
                family=self.pair.family,
                seed=0,
                image_size=self.configs[self.pair.student].image_size,
                classes=len(self.data.classes),
                classifier=self._classifier() if "classifier" in needs else None,
            )
        if row == TEACHER:
            nothing = torch.zeros((), device=self.device)
            for distiller in model.methods.values():
                distiller.forward = lambda *_: {"nothing": nothing}
        model = model.to(self.device).train()
        own = [value for value in model.parameters() if value.requires_grad]
        return model, OptimWrapper(torch.optim.SGD(own, lr=1e-4, momentum=0.9))

    def run(self, model: Any, wrapper: OptimWrapper) -> float:
        self._wait()
        start = time.perf_counter()
        model.train_step(self.batch, wrapper)
        self._wait()
        return time.perf_counter() - start

    def _detector(self, name: str, seed: int) -> Any:
        # Drawing a large network's weights takes longer than timing its steps.
        if name not in self.made:
            self.made[name] = build_detector(self.configs[name], seed, pretrained=False)
        return quick(deepcopy(self.made[name]), self.device)

    def _classifier(self) -> Any:
        options = ClassifierOptions.model_validate(catalogue.detector(self.pair.classifier).options)
        return build_classifier(
            options, len(self.data.classes), IMAGENET_MEAN, IMAGENET_STD, 2, pretrained=False
        )

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def measure(work: Work, row: str, repeats: int) -> Line:
    model, wrapper = work.step_of(row)
    work.run(model, wrapper)  # the first step fills caches and the optimiser's state
    peak = peak_mib(work.device, lambda: work.run(model, wrapper))
    watch = getattr(model, "stopwatch", None)
    before = watch.seconds() if watch is not None else {}
    pairs = [(work.run(*work.baseline), work.run(model, wrapper)) for _ in range(repeats)]
    seconds = statistics.median(own for _, own in pairs)
    after = watch.seconds() if watch is not None else {}
    total = sum(own for _, own in pairs)
    shares = {part: (after[part] - before.get(part, 0.0)) / total for part in after}
    return Line(
        row=row,
        seconds=seconds,
        ratio=statistics.median(own / base for base, own in pairs),
        of_teacher=None,
        teacher_share=shares.get("teacher", 0.0),
        loss_share=shares.get("loss", 0.0),
        peak_mib=peak,
    )


def _named(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


def _size(text: str) -> tuple[int, int]:
    try:
        height, width = map(int, text.split("x"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not <height>x<width>") from error
    return height, width


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--pair", default="mini-retinanet-r34-r18")
    parser.add_argument("--rows", nargs="+", default=ROWS)
    parser.add_argument("--image", type=_size, default=(128, 128), metavar="HxW")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args(words)
    logging.disable(logging.INFO)  # mmengine tells how each weight was initialised
    work = Work(arguments)
    height, width = arguments.image
    print(
        f"{arguments.pair}, {arguments.batch} images of {height}x{width}, {_named(work.device)}, "
        f"torch {torch.__version__}, median of {arguments.repeats}"
    )
    print(
        f"{'row':<12} {'s/step':>8} {'x base':>7} {'x teach':>8} {'teacher':>8} {'loss':>6} "
        f"{'peak MiB':>9}"
    )
    lines: list[Line] = []
    with_teacher: float | None = None
    for row in ("baseline", *arguments.rows):
        try:
            line = measure(work, row, arguments.repeats)
        except (RowError, DistillationError) as error:
            print(f"{row:<12} cannot run here: {error}")
            continue
        if row == TEACHER:
            with_teacher = line.ratio
        line.of_teacher = line.ratio / with_teacher if with_teacher else None
        lines.append(line)
        peak = "-" if line.peak_mib is None else f"{line.peak_mib:.0f}"
        beside = "-" if line.of_teacher is None else f"{line.of_teacher:.2f}"
        print(
            f"{line.row:<12} {line.seconds:>8.3f} {line.ratio:>7.2f} {beside:>8} "
            f"{line.teacher_share:>8.0%} {line.loss_share:>6.0%} {peak:>9}",
            flush=True,
        )
    if arguments.csv:
        with arguments.csv.open("w", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Line)])
            writer.writeheader()
            writer.writerows(asdict(line) for line in lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
