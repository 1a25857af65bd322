"""What a method's settings are, and how a row of a table names them. Imports no torch.

Snakemake reads the suites again in every job, so everything that a suite must know about a method
(its switches, its defaults per detector family, its named variants) lives in `methods/settings/`,
one file a paper, and is plain pydantic. The mathematics live in the file that `module` names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Family = Literal["one-stage", "two-stage", "anchor-free", "ssd"]
FAMILIES: tuple[Family, ...] = get_args(Family)
Tap = Literal["fpn-conv", "neck-out", "cls-logits"]
"""`fpn-conv`: raw output of the FPN's 3x3 convolutions; `neck-out`: what the neck returns;
`cls-logits`: the class logits that a dense head predicts from each level."""
NEEDS = frozenset({"features", "positives", "classifier", "cells"})
"""What a method can need; see `Settings.needs`."""

Levels = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
Factors = tuple[Annotated[int, Field(ge=1)], ...]


class Frozen(BaseModel):
    """Unknown keys are refused, values never change after they were checked. Numbers are finite:
    a run's hash is taken of its JSON, which knows no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """YAML reads `no` as False, and pydantic that as 0: a weight, say, that nobody meant."""
        if _holds_switch(value) and _takes_numbers_alone(cls, str(info.field_name)):
            if isinstance(value, bool):
                raise ValueError("input should be a number")
            raise ValueError(f"input should be numbers, found {value!r}")
        return value


def _holds_switch(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_holds_switch, value))
    return isinstance(value, bool)


@cache
def _takes_numbers_alone(model: type[BaseModel], field: str) -> bool:
    kinds = {*_plain_kinds(model.model_fields[field].annotation)}
    return not kinds.isdisjoint({int, float}) and bool not in kinds


def _plain_kinds(annotation: Any) -> Iterator[Any]:
    """What may stand in a field, in lists too; what mappings hold is checked where it is used."""
    if get_origin(annotation) in (dict, Mapping, Literal):
        return
    if not get_args(annotation):
        yield annotation
    for part in get_args(annotation):
        yield from _plain_kinds(part)


class RunOptions(Frozen):
    """What a method asks of the training around its loss."""

    inherit: bool = False
    """Start the student's neck and head from the teacher's; the pair must allow it too."""
    clip: float | None = Field(None, gt=0)
    """L2 norm at which gradients are clipped; None leaves the schedule's own setting."""
    teacher: str | None = None
    """Another teacher of the pair by its name there, or `self`, `untrained`, `shuffled`."""


class MethodSpec(Frozen):
    """One method with every switch resolved, as plain JSON values."""

    method: str
    settings: dict[str, Any]
    code: str = ""
    """Of a dropped-in method what its file does, see `methods.settings.digest`."""


class Variant(Frozen):
    """A named row: what differs from the method's default."""

    settings: dict[str, Any] = {}
    run: dict[str, Any] = {}
    note: str = ""
    families: tuple[Family, ...] = FAMILIES
    """Detector families for which the row makes sense."""
    by_family: dict[Family, dict[str, Any]] = {}
    """Further settings that depend on the detector family; they lie over `settings`."""

    factor: float = 1.0
    """On all losses: rows `...-x<number>`."""

    def settings_for(self, family: Family) -> dict[str, Any]:
        return {**self.settings, **self.by_family.get(family, {})}


class Sweep(Frozen):
    """Rows `<prefix>-<number>` that set one field: the listed numbers, and any other on demand."""

    field: str
    values: tuple[str, ...]
    """As the row's name spells them: `0.30` stays `0.30`."""
    prefix_of_value: str = ""
    """`x` in `mgd-alpha-x0.5`."""
    settings: dict[str, Any] = {}
    """What the rows share besides: `icd-loc-lambda` leaves the classes out."""
    run: dict[str, Any] = {}

    def variant(self, number: float) -> Variant:
        return Variant(settings={**self.settings, self.field: number}, run=self.run)


class Settings(Frozen):
    """Base of every method's settings; a subclass adds the switches as fields with defaults."""

    method: ClassVar[str]
    """The key: `amd`. Also the default row's name."""
    module: ClassVar[str]
    """Where `build(settings, context)` is found: `methods.amd`."""
    code: ClassVar[str] = ""
    """What a dropped-in file does, as a number; the catalogue sets it."""
    title: ClassVar[str]
    """As it is written in tables: `AMD`."""
    citation: ClassVar[str] = ""
    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = {}
    """Defaults that depend on the detector family; they override the fields' defaults."""
    run_by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = {}
    run: ClassVar[RunOptions] = RunOptions()
    variants: ClassVar[Mapping[str, Variant]] = {}
    """Rows by their full names: `amd-mask-only`."""
    sweeps: ClassVar[Mapping[str, Sweep]] = {}
    """Rows that differ in one number, by what stands before it: `amd-tau`."""
    needs: ClassVar[frozenset[str]] = frozenset({"features"})
    """`features`: a detector teacher's pyramid; `positives` and `classifier`: see methods.icd;
    `cells`: that the positives lie in cells of the pyramid, as those of dense heads do."""

    def requirements(self) -> frozenset[str]:
        """What these very settings need; overridden where a switch changes it."""
        return self.needs

    @classmethod
    def named_variants(cls) -> dict[str, Variant]:
        """All rows but the default one, the listed numbers of the sweeps among them."""
        swept = {
            f"{prefix}-{sweep.prefix_of_value}{text}": sweep.variant(float(text))
            for prefix, sweep in cls.sweeps.items()
            for text in sweep.values
        }
        return {**cls.variants, **swept}


class FeatureSettings(Settings):
    """What all methods on pyramids share."""

    tap: Tap = "fpn-conv"
    levels: Levels | None = None
    """Indices into the tap's maps, fine to coarse; None takes all."""
    weight: float = Field(1.0, ge=0)
    """Factor on all of the method's terms, for sweeps; the paper's weights stay beside it."""
    normalise: Literal["paper", "reference"] = "paper"
    """`paper`: reductions as published, whose sums grow with the image. `reference`: every sum is
    rescaled to the size that its map has for an 800x1344 batch with 256 channels, so that the
    paper's weights keep their meaning at any resolution and width. The two agree there."""
