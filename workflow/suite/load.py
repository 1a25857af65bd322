"""`load(name_or_path)`: a suite's file, checked and expanded; all its problems in one error."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from methods.settings.catalogue import BrokenMethods
from methods.settings.catalogue import catalogue as methods_catalogue
from workflow.data import catalogue as data_catalogue
from workflow.data.errors import DataError, OptionsError
from workflow.models import catalogue as model_catalogue
from workflow.spec import DataSpec
from workflow.suite import published
from workflow.suite.blocks import holders
from workflow.suite.borrow import borrow
from workflow.suite.expand import Expansion
from workflow.suite.figures import figures
from workflow.suite.problems import Collector, Problem, SuiteError
from workflow.suite.schema import SuiteFile
from workflow.suite.source import Location, Source, SourceError, merge, overlay, read
from workflow.suite.suite import Suite
from workflow.wording import unknown_name

SHIPPED = Path(__file__).parents[1] / "suites"
STAND_INS: dict[str, Any] = {"title": "", "data": "digits", "seeds": [0]}
"""What every suite must say; where it says it wrongly, the rest is checked with these."""


def names() -> tuple[str, ...]:
    """The shipped suites, as they are asked for."""
    return tuple(
        sorted(
            path.relative_to(SHIPPED).with_suffix("").as_posix()
            for path in SHIPPED.rglob("[!_]*.yaml")
        )
    )


def find(name_or_path: str | Path) -> Path:
    """A shipped suite's file, or the path of a user's own."""
    text = str(name_or_path)
    if text.endswith((".yaml", ".yml")):
        path = Path(os.path.expanduser(text))
        if os.path.isfile(path):  # where `Path.is_file` raises, this says no
            return path
        raise SuiteError([Problem(text, 1, "", "there is no such file")])
    path = SHIPPED / f"{text}.yaml"
    if os.path.isfile(path) and path.resolve().is_relative_to(SHIPPED):
        return path
    hint = unknown_name("suite", text, names())
    raise SuiteError([Problem(text, 1, "", f"{hint}; a file of your own ends in .yaml")])


def load(name_or_path: str | Path, overrides: dict[str, Any] | None = None) -> Suite:
    """Reads, checks and expands a suite. `overrides` are laid over the file's keys."""
    path = find(name_or_path)
    _methods()
    _definitions(path)
    source = borrow(_read(path, ()), lambda name: _read(_beside(path, name), ()))
    if overrides:
        source = overlay(source, overrides)
    problems = Collector(source)
    file = _validate(source, problems)
    data = _data(file, source, path, problems)
    if file.split == "tune" and data_catalogue.trains_on_tune(data):
        problems.add(
            ("split",),
            f"nothing can be chosen on the tune images of {data.name!r}, because it trains on them "
            "too; `data: {name: coco, options: {hold_out: true}}` and the fractions leave them out",
        )
    _names(file, problems)
    expansion = Expansion(file, data, problems)
    expansion.run()
    expansion.models.tell_unused()
    drawn = figures(file, expansion.tables, problems)
    problems.stop_if_any()
    shipped = path.resolve().is_relative_to(SHIPPED)
    name = path.resolve().relative_to(SHIPPED).with_suffix("").as_posix() if shipped else path.stem
    return Suite(
        name=name,
        source=path,
        asked=str(name_or_path),
        file=file,
        data=data,
        by_id=expansion.by_id,
        schedule_names=expansion.schedule_names,
        tables=expansion.tables,
        figures=drawn,
    )


def _methods() -> None:
    """A slip in a method's file is told as one in the suite's is."""
    try:
        methods_catalogue()
    except BrokenMethods as error:
        wrong = [Problem(m.file, m.line, "", m.message) for m in error.mistakes]
        raise SuiteError(wrong) from error


def _read(path: Path, seen: tuple[Path, ...]) -> Source:
    try:
        source = read(path)
    except SourceError as error:
        raise SuiteError([Problem(str(path), error.line, "", str(error))]) from error
    if not isinstance(source.data, dict):
        message = f"expected keys and values, found {type(source.data).__name__}"
        raise SuiteError([Problem(str(path), 1, "", message)])
    base = source.data.get("extends")
    if base is None:
        return source
    collector = Collector(source)
    if not isinstance(base, str):
        collector.add(("extends",), f"expected a suite's name or file, found {base!r}")
        collector.stop_if_any()
    try:
        target = _beside(path, base)
    except SuiteError as error:
        collector.add(("extends",), error.problems[0].message)
        raise SuiteError(collector.problems) from error
    if target.resolve() in seen:
        collector.add(("extends",), f"{base!r} extends this file in turn")
        collector.stop_if_any()
    return merge(_read(target, (*seen, path.resolve())), source)


def _beside(path: Path, name: str) -> Path:
    """Another suite, by its place beside this one or as anybody would call it."""
    beside = path.parent / name
    return beside if beside.suffix and os.path.isfile(beside) else find(name)


def _validate(source: Source, problems: Collector) -> SuiteFile:
    """The typed file. What is wrong is told and left out, so that the rest can be checked too."""
    data = copy.deepcopy(source.data)
    left_out: set[Location] = set()
    standing_in = dict(STAND_INS)
    while True:
        try:
            return SuiteFile.model_validate(data)
        except ValidationError as error:
            problems.validation(error, SuiteFile, told=left_out)
            found = {tuple(item["loc"]) for item in error.errors(include_url=False)}
            # What is required cannot be left out alone: what holds it goes too.
            going = {at[:-1] if at in left_out and len(at) > 1 else at for at in found}
            left_out |= going
            # From the back, so that an index still means what it meant.
            for at in sorted(going, key=_depth, reverse=True):
                key = str(at[0]) if len(at) == 1 else ""
                if key in standing_in:
                    data[key] = standing_in.pop(key)
                elif not _prune(data, at):
                    raise SuiteError(problems.problems) from error


def _depth(location: Location) -> tuple[tuple[int, str], ...]:
    return tuple((p, "") if isinstance(p, int) else (0, p) for p in location)


def _prune(data: Any, location: Location) -> bool:
    """Takes the wrong part out; False where it is missing, or all that is left is required."""
    if not location:
        return False
    owner = data
    for part in location[:-1]:
        try:
            owner = owner[part]
        except (KeyError, IndexError, TypeError):
            return False
    last = location[-1]
    if isinstance(owner, dict) and last in owner:
        del owner[last]
        return True
    if isinstance(owner, list) and isinstance(last, int) and isinstance(owner[last], int):
        del owner[last]  # only plain numbers: of all else, what follows would be misplaced
        return True
    return False


def _data(file: SuiteFile, source: Source, path: Path, problems: Collector) -> DataSpec:
    # The other problems are worth knowing too; nothing is run with this stand-in.
    unknown = DataSpec(name="unknown")
    if problems.told_in(("data",)):
        return unknown
    try:
        return data_catalogue.resolve(file.data.name, file.data.options, path.parent)
    except OptionsError as error:
        # A plain name stands for `{name: ...}`.
        plain = isinstance(source.data.get("data"), str)
        for at, message in error.problems:
            problems.add(("data",) if plain else ("data", *at), message)
        return unknown
    except DataError as error:
        problems.add(("data",), str(error))
        return unknown


def _definitions(path: Path) -> None:
    """Files of definitions that nothing can be read from; what is wrong with one entry is told
    where a suite names it."""
    try:
        model_catalogue.names("detectors")
    except model_catalogue.BrokenDefinition as error:
        raise SuiteError([Problem(str(path), 1, "", str(error))]) from error


def _names(file: SuiteFile, problems: Collector) -> None:
    """References that need no expansion: checkpoints' models, printed rows and settings' pairs."""
    for model in file.checkpoints:
        if model not in model_catalogue.names("detectors"):
            problems.unknown(
                ("checkpoints", model), "model", model, model_catalogue.names("detectors")
            )
    for index, entry in enumerate(file.not_run):
        if not published.matching(entry.where):
            problems.add(("not_run", index), "matches no row of published.csv")
    pairs = model_catalogue.names("pairs")
    for at, block in holders(file):
        for pair in block.pair_settings or {}:
            if pair not in pairs:
                problems.unknown((*at, "pair_settings", pair), "pair", pair, pairs)
