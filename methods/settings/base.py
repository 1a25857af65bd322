"""What a method's settings are, and how a row of a table names them. Imports no torch.

Snakemake reads the suites again in every job, so everything that a suite must know about a method
(its switches, its defaults per detector family, its named variants) lives in `methods/settings/`,
one file a paper, and is plain pydantic. The mathematics live in the file that `module` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict

Family = Literal["one-stage", "two-stage", "anchor-free", "ssd"]
FAMILIES: tuple[Family, ...] = get_args(Family)


class Frozen(BaseModel):
    """Unknown keys are refused, values never change after they were checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RunOptions(Frozen):
    """What a method asks of the training around its loss."""

    inherit: bool = False
    """Start the student's neck and head from the teacher's; the pair must allow it too."""
    clip: float | None = None
    """L2 norm at which gradients are clipped; None leaves the schedule's own setting."""
    teacher: str | None = None
    """Another teacher of the pair by its name there, or `self`, `untrained`, `shuffled`."""


class Variant(Frozen):
    """A named row: what differs from the method's default."""

    settings: dict[str, Any] = {}
    run: dict[str, Any] = {}
    note: str = ""
    families: tuple[Family, ...] = FAMILIES
    """Detector families for which the row makes sense."""


class Settings(Frozen):
    """Base of every method's settings; a subclass adds the switches as fields with defaults."""

    method: ClassVar[str]
    """The key: `amd`. Also the default row's name."""
    module: ClassVar[str]
    """Where `build(settings, context)` is found: `methods.amd`."""
    title: ClassVar[str]
    """As it is written in tables: `AMD`."""
    citation: ClassVar[str] = ""
    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = {}
    """Defaults that depend on the detector family; they override the fields' defaults."""
    run_by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = {}
    run: ClassVar[RunOptions] = RunOptions()
    variants: ClassVar[Mapping[str, Variant]] = {}
    """Rows by their full names: `amd-mask-only`."""
    needs: ClassVar[frozenset[str]] = frozenset({"features"})
    """`features`: a detector teacher's pyramid; `positives` and `classifier`: see methods.icd."""
