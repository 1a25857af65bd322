"""What one run is, resolved to the last number. Imports no torch.

A suite is expanded into these objects; everything else (run ids, DAG, training, tables, forecast)
reads them. The hash of a run covers every value that can change its result, teachers included by
their own hashes, and nothing else: two suites that ask for the same run share it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from methods.settings.base import Family, Frozen, MethodSpec, RunOptions

Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""numpy's generators take no others."""
Pixels = Annotated[int, Field(ge=1)]
NUMBER = "expected a number such as 0.001 or 1.0e-3"
HASH = "#sha256="
"""Between a file of weights and what it must hold: `<path>#sha256=<hex>`."""


class DataSpec(Frozen):
    """A data set, by what identifies its content. Where it lies on disk is not part of it."""

    name: str
    """`digits`, `coco`, `coco-10pct`, or the name of a user's set."""
    options: dict[str, Any] = {}
    """What decides the content: version, seed and sizes for digits, fingerprints otherwise."""
    locations: dict[str, dict[str, str]] = Field(default={}, exclude=True, repr=False)
    """Where a user's files lie now, by split; never written out, so never part of a hash."""


class ScheduleSpec(Frozen):
    """How long, with what optimiser. Exactly one of `epochs` and `iterations` is given."""

    epochs: int | None = Field(None, ge=1)
    iterations: int | None = Field(None, ge=1)
    batch_size: int = Field(ge=1)
    """Images per optimiser step over all devices."""
    optimiser: dict[str, Any]
    """As mmengine names it: type, lr, momentum, weight_decay ..."""
    paramwise: dict[str, Any] = {}
    """mmengine's `paramwise_cfg`: `bias_lr_mult`, `norm_decay_mult` ..."""
    warmup_iterations: int = Field(0, ge=0)
    warmup_ratio: float = Field(0.001, ge=0, le=1)
    warmup: Literal["linear", "constant"] = "linear"
    milestones: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = ()
    """Where the rate drops, as fractions of the whole schedule."""
    decay: float = Field(0.1, gt=0, le=1)
    clip: float | None = Field(None, gt=0)
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    image_scale: tuple[tuple[Pixels, Pixels], ...] = ()
    """(long, short) sides to choose from; empty leaves the data set's own size."""

    @field_validator("optimiser", "paramwise")
    @classmethod
    def _sensible_numbers(cls, values: dict[str, Any]) -> dict[str, Any]:
        """mmengine and torch know the names; what no optimiser can use is known here already."""
        rate = values.get("lr")
        if "lr" in values and (isinstance(rate, bool) or not isinstance(rate, int | float)):
            raise ValueError(f"lr: {NUMBER}, found {rate!r}")
        if rate == 0:
            raise ValueError("lr: expected a number above 0, found 0")
        for key, value in _values(values):
            if isinstance(value, str) and _reads_as_number(value):
                # YAML takes 1e-3 for a word, and the optimiser would trip over it.
                raise ValueError(f"{key}: {NUMBER}, found {value!r}")
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{key}: expected a number of at least 0, found {value}")
        return values

    @model_validator(mode="after")
    def _one_length(self) -> ScheduleSpec:
        if (self.epochs is None) == (self.iterations is None):
            raise ValueError("give exactly one of `epochs` and `iterations`")
        return self


class RunSpec(Frozen):
    """One training (or one fetched checkpoint), resolved."""

    kind: Literal["classifier", "teacher", "student"]
    group: str
    """The pair's name for students, the model's for teachers and classifiers."""
    row: str
    """The variant: `baseline`, `amd-mask-only`, `icd+fkd`; `teacher` for teachers."""
    seed: Seed
    data: DataSpec
    model: dict[str, Any]
    """The resolved definition, see workflow/models/schema.py."""
    family: Family | None = None
    schedule: ScheduleSpec | None = None
    """None where nothing is trained: a checkpoint from the zoo or from a path."""
    checkpoint: str | None = None
    """For a fetched teacher: `zoo:<model>` or a path with its SHA-256, `<path>#sha256=<hex>`."""
    methods: tuple[MethodSpec, ...] = ()
    options: RunOptions = RunOptions()
    backbone: RunSpec | None = None
    """The run whose weights the backbone starts from, None for scratch or the config's own."""
    teacher: RunSpec | None = None
    teacher_model: dict[str, Any] | None = None
    classifier: RunSpec | None = None

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON; nested runs enter by their own hashes."""
        content = self.model_dump(mode="json", exclude={"backbone", "teacher", "classifier"})
        for part in ("backbone", "teacher", "classifier"):
            run = getattr(self, part)
            content[part] = run.hash if run else None
        for method in content["methods"]:
            if not method["code"]:
                del method["code"]  # a shipped method's code is no part of its runs
        if self.checkpoint is not None and HASH in self.checkpoint:
            content["checkpoint"] = self.checkpoint.rpartition("#")[2]  # wherever the file lies
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def id(self) -> str:
        """Where the run lies below `results/runs/`: readable, and unique by content."""
        return f"{self.data.name}/{self.group}/{self.row}/seed{self.seed}-{self.hash[:10]}"

    def dependencies(self) -> tuple[RunSpec, ...]:
        return tuple(run for run in (self.backbone, self.teacher, self.classifier) if run)


def _values(values: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every plain value in nested ones, with its key as it would be written down."""
    if isinstance(values, dict):
        for name, value in values.items():
            yield from _values(value, f"{key}.{name}" if key else str(name))
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _values(value, key)
    else:
        yield key, values


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
