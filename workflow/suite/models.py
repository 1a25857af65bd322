"""Runs that students depend on: teachers, classifiers and backbones, each resolved once."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from workflow.data.catalogue import COCO_SHARES
from workflow.models import catalogue
from workflow.models.schema import DetectorDefinition
from workflow.spec import HASH, DataSpec, RunSpec, ScheduleSpec
from workflow.suite.problems import Collector
from workflow.suite.schema import ScheduleEntry, SuiteFile
from workflow.suite.source import Location

CHECKPOINT = re.compile(rf".+{HASH}[0-9a-f]{{64}}")


class Models:
    """Definitions and their runs, remembered: hundreds of students share a handful of them."""

    def __init__(self, file: SuiteFile, data: DataSpec, problems: Collector) -> None:
        self.file = file
        self.data = data
        self.problems = problems
        self._definitions: dict[str, DetectorDefinition] = {}
        self._dumps: dict[str, dict[str, Any]] = {}
        self._runs: dict[str, RunSpec | None] = {}

    def definition(self, name: str) -> DetectorDefinition:
        if name not in self._definitions:
            self._definitions[name] = catalogue.detector(name)
        return self._definitions[name]

    def dump(self, name: str) -> dict[str, Any]:
        if name not in self._dumps:
            self._dumps[name] = self.definition(name).model_dump(mode="json")
        return self._dumps[name]

    def run(self, name: str, at: Location) -> RunSpec | None:
        """The run that yields this model's weights; None (and a problem) where nothing can."""
        if name not in self._runs:
            self._runs[name] = self._resolve(name, at)
        return self._runs[name]

    def tell_unused(self) -> None:
        """Weights for a model that teaches nobody here: most likely another was meant, and without
        a word the usual one would teach. What a base has for other suites too is left alone."""
        source = self.problems.source
        for name in self.file.checkpoints:
            own = source.place(("checkpoints", name))[0] == source.file
            if own and name not in self._runs and not self.problems.problems:
                taught = ", ".join(self._runs) or "nobody"
                message = f"nobody learns from {name!r} here, only from {taught}"
                self.problems.add(("checkpoints", name), message)

    def backbone(self, name: str, at: Location) -> RunSpec | None:
        pretrained = self.definition(name).pretrained
        return self.run(pretrained, at) if pretrained else None

    def _resolve(self, name: str, at: Location) -> RunSpec | None:
        definition = self.definition(name)
        kind: Literal["classifier", "teacher"] = "teacher" if definition.family else "classifier"
        common: dict[str, Any] = {
            "kind": kind,
            "group": name,
            "row": kind,
            "seed": self.file.teacher_seed,
            "data": self.data,
            "model": self.dump(name),
            "family": definition.family,
        }
        given = self.file.checkpoints.get(name)
        if given is not None:
            if not CHECKPOINT.fullmatch(given):
                self.problems.add(
                    ("checkpoints", name),
                    f"expected `<path>#sha256=<64 hex digits>`, got {given!r}",
                )
            return RunSpec(**common, checkpoint=self._beside(name, given))
        trained = "the zoo's are of COCO's classes" if definition.zoo else "the zoo has none"
        if definition.zoo and self.data.name in COCO_SHARES:
            return RunSpec(**common, checkpoint=f"zoo:{definition.zoo}")
        if not definition.schedule:
            self.problems.add(
                at,
                f"no weights are known for {name!r}: {trained} and it has no schedule to be "
                f"trained with; give a file under `checkpoints: {{{name}: <path>#sha256=<hex>}}`",
            )
            return None
        entry = getattr(self.file.schedules, kind)
        schedule = self.schedule(definition.schedule, name, entry, ("schedules", kind))
        if schedule is None:
            return None
        backbone = self.backbone(name, at)
        return RunSpec(**common, schedule=schedule, backbone=backbone)

    def _beside(self, name: str, given: str) -> str:
        """The path with its hash, from the folder of the file that says it."""
        path, mark, digits = given.rpartition(HASH)
        file, _ = self.problems.source.place(("checkpoints", name))
        whole = Path(file).parent / os.path.expanduser(path)  # Path's own raises for unknown people
        return f"{os.path.realpath(whole)}{mark}{digits}"

    def schedule(
        self, default: str, trained: str, entry: ScheduleEntry | None, at: Location
    ) -> ScheduleSpec | None:
        """The named schedule for this model, with the entry's values laid over it."""
        name = entry.name if entry and entry.name else default
        try:
            spec = catalogue.schedule(name, trained)
        except catalogue.UnknownName:
            self.problems.unknown(at, "schedule", name, catalogue.names("schedules"))
            return None
        except catalogue.BrokenDefinition as error:
            self.problems.add(at, str(error))
            return None
        changes = dict(entry.model_extra or {}) if entry else {}
        if not changes:
            return spec
        unknown = [key for key in changes if key not in ScheduleSpec.model_fields]
        for key in unknown:
            self.problems.unknown((*at, key), "key", key, ScheduleSpec.model_fields)
        if unknown:
            return None
        values = spec.model_dump()
        if "iterations" in changes or "epochs" in changes:
            values |= {"iterations": None, "epochs": None}
        for key, value in changes.items():
            both = isinstance(value, dict) and isinstance(values.get(key), dict)
            values[key] = {**values[key], **value} if both else value
        try:
            return ScheduleSpec.model_validate(values)
        except ValidationError as error:
            self.problems.validation(error, ScheduleSpec, at)
            return None
