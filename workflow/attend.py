"""Notes what a finished student attends to on a few test images, beside its teacher and beside
itself before training: results/runs/<id>/attention.npz, and agreement.csv where the training kept
snapshots.

python -m workflow.attend --suite demo --run <id> --images 12
"""

from __future__ import annotations

import json
import sys
from typing import Any

import workflow.compat

workflow.compat.install()

import numpy as np  # noqa: E402 (mmdet must meet the compatibility layer)
import torch  # noqa: E402

from workflow.distill.algorithm import Distillation  # noqa: E402
from workflow.distill.pixels import TeacherPixels  # noqa: E402
from workflow.running import agreement, asked, environment, networks  # noqa: E402
from workflow.running import attention as maps  # noqa: E402
from workflow.running.errors import DONE, UserError, speaking  # noqa: E402
from workflow.running.folder import RunFolder, write_bytes, write_text  # noqa: E402
from workflow.running.loading import boxes_first, open_split, test_pipeline  # noqa: E402


@speaking
def main(arguments: list[str] | None = None) -> int:
    parser = asked.parser(__doc__)
    parser.add_argument("--images", type=int, default=12, help="how many, evenly over the split")
    options = parser.parse_args(arguments)
    spec = asked.asked(options)
    if spec.kind == "classifier" or spec.schedule is None:
        raise UserError(f"{spec.id} is no detector that was trained here: nothing to compare")
    folder = asked.folder_of(options, spec, "the run")
    data = asked.dataset_of(options, spec)
    environment.prepare(options.data)
    device = environment.device()

    # As it was before its first step, with all that was inherited, and its teacher and methods.
    trained = networks.training_network(options, spec, data).to(device)
    student: Any = networks.student_of(trained)
    teacher: Any = networks.teacher_network(options, spec, data)
    config = networks.configuration(spec.model, data, spec)
    pipeline = boxes_first(config.test_pipeline or test_pipeline(data, spec.schedule.image_scale))
    dataset = open_split(data, "test", pipeline)
    scene = maps.pack(dataset, maps.choose(dataset, options.images), student)
    levels = maps.levels_of(student, config.image_size)

    found: dict[str, list[Any]] = {"before": maps.attention(student, scene.inputs)}
    on_its_way = _on_its_way(folder, student, scene)
    if teacher is not None:
        teacher = teacher.to(device)
        pixels = TeacherPixels(student.data_preprocessor, teacher.data_preprocessor)
        seen = pixels(scene.inputs, scene.sizes)
        found["teacher"] = maps.attention(teacher, seen)
        _write_agreement(folder, on_its_way, found["teacher"], scene, levels)
    else:
        # To be held against the teacher of the pair, which another run has seen.
        found |= {f"student@{iteration}": each for iteration, each in on_its_way}
    student.load_state_dict(networks.load_weights(folder.student))
    found["student"] = maps.attention(student, scene.inputs)
    arrays = {f"{what}/{i}": one for what, each in found.items() for i, one in enumerate(each)}
    if isinstance(trained, Distillation):
        arrays |= _explained(folder, trained, scene, levels)
    meta = {
        "images": scene.facts,
        "levels": [{"name": _name(level.stride), "stride": level.stride} for level in levels],
        "temperature": maps.TEMPERATURE,
    }
    write_bytes(
        folder.path / "attention.npz",
        lambda file: np.savez_compressed(file, meta=np.array(json.dumps(meta)), **arrays),
    )
    return DONE


def _explained(
    folder: RunFolder, trained: Distillation, scene: maps.Scene, levels: Any
) -> dict[str, Any]:
    """The methods' own masks, weights, errors and gates, with their weights as trained."""
    if not folder.methods.is_file():
        print(f"{folder.methods} is gone: no maps of the methods themselves", file=sys.stderr)
        return {}
    weights = torch.load(folder.methods, map_location="cpu", weights_only=True)
    trained.methods.load_state_dict(weights)
    _, explained = trained.eval().look(scene.inputs, scene.samples)
    return {
        f"{name}/{index}": array
        for name, pyramid in explained.items()
        for index, array in maps.by_level(
            name, pyramid, trained.pairings[name.split(".")[0]].strides, levels
        ).items()
    }


def _on_its_way(folder: RunFolder, student: Any, scene: maps.Scene) -> list[tuple[int, list[Any]]]:
    """(iteration, attention by level) of every snapshot that the training kept."""
    found = []
    for path in folder.snapshots():
        snapshot = torch.load(path, map_location="cpu", weights_only=True)
        student.load_state_dict(snapshot["state_dict"])
        found.append((int(snapshot["iteration"]), maps.attention(student, scene.inputs)))
    return found


def _write_agreement(
    folder: RunFolder,
    on_its_way: list[tuple[int, list[Any]]],
    teacher: list[Any],
    scene: maps.Scene,
    levels: Any,
) -> None:
    """For the maps of one stride on both sides, at every snapshot of the training."""
    taught = {round(scene.inputs.shape[2] / one.shape[1]): one for one in teacher}
    rows: list[dict[str, Any]] = []
    for iteration, seen in on_its_way:
        for level, own in zip(levels, seen, strict=True):
            other = taught.get(level.stride)
            if other is None or other.shape != own.shape:
                continue
            shape = own.shape[1:]
            inside = [
                agreement.inside_boxes(fact["boxes"], fact["scale"], level.stride, shape)
                for fact in scene.facts
            ]
            valid = [agreement.in_image(size, level.stride, shape) for size in scene.sizes]
            rows += agreement.rows(
                iteration,
                _name(level.stride),
                other,
                own,
                np.stack(inside),
                np.stack(valid),
            )
    if rows:
        write_text(folder.path / "agreement.csv", agreement.as_csv(rows))


def _name(stride: int) -> str:
    """The papers' name of the level whose cells are 2^l pixels wide."""
    return f"P{stride.bit_length() - 1}"


if __name__ == "__main__":
    sys.exit(main())
