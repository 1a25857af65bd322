"""What may stand in config.yaml and behind `--config`: of this machine and of this call, never of a
run's content. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from methods.settings.base import Frozen
from workflow.command import UserError
from workflow.wording import described

BARE_CALL = "demo"
"""What a call without any settings is about."""


def _word(value: Any) -> Any:
    # An account may be called 1234, which YAML takes for a number.
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _home(path: Path) -> Path:
    # A shell would have done it; config.yaml has none, and a folder called `~` would be made.
    return Path(os.path.expanduser(path))


Name = TypeVar("Name", str, Path)


def _without_braces(path: Name) -> Name:
    if {"{", "}"} & set(str(path)):
        raise ValueError("a path without braces is needed, because Snakemake fills them in")
    return path


Word = Annotated[str, BeforeValidator(_word), Field(min_length=1)]
Place = Annotated[Path, BeforeValidator(_word), AfterValidator(_home)]
Made = Annotated[Place, AfterValidator(_without_braces)]
"""Where files are that Snakemake's rules name."""
SuiteName = Annotated[Word, AfterValidator(_without_braces)]
Count = Annotated[int, Field(ge=1)]
Amount = Annotated[float, Field(gt=0)]


class SettingsOfCall(Frozen):
    """All keys, and what holds where they are left out. docs/cluster.md says what they are for."""

    suite: SuiteName | None = None
    default_suite: SuiteName | None = None
    """What a profile is for (slurm/settings.yaml): gives way to `suite`, wherever that stands."""
    results: Made = Path("results")
    data: Made = Path("data")
    coco_root: Place | None = None
    partial: bool = False
    """What stands now is enough: `--config partial=true tables` waits for no other runs."""

    partition: Word | None = None
    account: Word | None = None
    gpus: Annotated[int, Field(ge=0)] | None = None
    threads: Count | None = None
    memory_gb: Amount | None = None
    attempts: Count = 3
    max_hours: Amount | None = None

    table: Word | None = None
    devices: Count | None = None
    price: Annotated[float, Field(ge=0)] | None = None
    speed: Amount | None = None

    @property
    def names_a_suite(self) -> bool:
        return bool(self.suite or self.default_suite)

    @property
    def asked(self) -> str:
        return self.suite or self.default_suite or BARE_CALL


def settings_of_call(
    values: Mapping[str, Any], spelled: Mapping[str, str] | None = None
) -> SettingsOfCall:
    """The checked settings. A key without a value counts as left out, so that `--config account=`
    undoes what config.yaml says. `spelled` has what a person wrote for a key, or where."""
    given = {key: value for key, value in values.items() if value is not None}
    try:
        return SettingsOfCall.model_validate(given)
    except ValidationError as error:
        lines = []
        for location, message in described(error, SettingsOfCall):
            key = str(location[0])
            lines.append(f"{(spelled or {}).get(key, key)}: {message}")
        raise UserError("\nerror: ".join(lines)) from None
