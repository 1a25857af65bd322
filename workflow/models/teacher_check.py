"""Whether a fetched teacher is the one that was meant, told by its own AP. Imports no torch.

A wrong teacher (another checkpoint, other pixels, overwritten weights) trains students that look
only a little worse, so it is caught before any student starts: the teacher is evaluated on val2017
like every run, and must reach the zoo's figure.

    python -m workflow.models.teacher_check --run results/runs/<id>
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow.models.zoo import ZooError, zoo_model

TOLERANCE = 0.3
"""Points of AP. The zoo rounds to one digit and was measured with compiled operators; a wrong
checkpoint of the same architecture is off by more (the nearest pair differs by 0.2 only where both
are RetinaNet-X101 teachers of 1x and 2x, which the hash tells apart)."""
VAL2017 = ("coco", "coco-10pct", "coco-1pct")
"""Data sets whose test split is val2017, where the zoo's figures hold."""
ZOO = "zoo:"
MISTAKE = 2


class TeacherMismatch(ValueError):
    """The teacher does not reach what its source promises."""


@dataclass(frozen=True)
class Verdict:
    message: str
    expected: float | None
    """The zoo's AP, None where it has nothing to say of this teacher on this data."""
    found: float


def check_teacher(spec: dict[str, Any], box_ap: float, tolerance: float = TOLERANCE) -> Verdict:
    """`spec` is the teacher's RunSpec as JSON, `box_ap` its AP in percent; raises on a mismatch."""
    name, source = spec["group"], spec.get("checkpoint") or ""
    if not source.startswith(ZOO) or spec["data"]["name"] not in VAL2017:
        return Verdict(f"teacher {name}: AP {box_ap:.1f}; no zoo figure holds here", None, box_ap)
    model = zoo_model(source.removeprefix(ZOO))
    if model.box_ap is None:
        return Verdict(f"teacher {name}: AP {box_ap:.1f}; the zoo prints none", None, box_ap)
    if abs(box_ap - model.box_ap) > tolerance:
        raise TeacherMismatch(
            f"teacher {name}: AP {box_ap:.1f} on val2017, mmdet's zoo says {model.box_ap:.1f} "
            f"(tolerance {tolerance}). Its students would learn from a wrong teacher, so the suite "
            f"stops here. Check that the images are val2017, that the file is {model.file_name}, "
            "and that its pixels' mean, deviation and channel order are the configuration's."
        )
    message = f"teacher {name}: AP {box_ap:.1f}, the zoo says {model.box_ap:.1f}"
    return Verdict(message, model.box_ap, box_ap)


def check_run(folder: Path, tolerance: float = TOLERANCE) -> Verdict:
    """Reads the run folder's `run.json` and `metrics.json`."""
    content = {}
    for name in ("run.json", "metrics.json"):
        try:
            content[name] = json.loads((folder / name).read_text(encoding="utf-8"))
        except OSError as error:
            raise TeacherMismatch(f"{folder / name}: {error.strerror}; evaluate it first") from None
        except ValueError as error:
            raise TeacherMismatch(f"{folder / name}: not JSON ({error})") from None
    box_ap = content["metrics.json"].get("AP")
    if box_ap is None:
        raise TeacherMismatch(f"{folder / 'metrics.json'}: AP is null, nothing was evaluated")
    return check_teacher(content["run.json"]["spec"], float(box_ap), tolerance)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", maxsplit=1)[0])
    parser.add_argument("--run", type=Path, required=True, help="the teacher's run folder")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="points of AP")
    parser.add_argument("--out", type=Path, help="where to note the verdict as JSON")
    options = parser.parse_args(arguments)
    try:
        verdict = check_run(options.run, options.tolerance)
    except (TeacherMismatch, ZooError) as error:
        print(f"error: {error}", file=sys.stderr)
        return MISTAKE
    print(verdict.message)
    if options.out:
        note = {"expected": verdict.expected, "found": verdict.found, "message": verdict.message}
        options.out.write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
