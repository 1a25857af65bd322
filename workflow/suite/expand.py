"""From a suite's file to every run that it asks for, in the order in which they can be done."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from workflow.models import catalogue
from workflow.models.schema import PairDefinition
from workflow.spec import DataSpec, RunSpec, ScheduleSpec
from workflow.suite import blocks, cells
from workflow.suite.baselines import BASELINE, Baselines
from workflow.suite.blocks import FullBlock, Row
from workflow.suite.models import Models
from workflow.suite.once import Once
from workflow.suite.problems import Collector
from workflow.suite.recipes import TEACHERS_OWN, Recipes
from workflow.suite.schema import Published, ScheduleEntry, SuiteFile
from workflow.suite.suite import Cell, Table
from workflow.suite.teaching import Teaching, teaching
from workflow.wording import unknown_name

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+=_-]{0,119}")


class Expansion:
    """Runs and tables of one file; `problems` holds what stood in the way."""

    def __init__(self, file: SuiteFile, data: DataSpec, problems: Collector) -> None:
        self.file = file
        self.data = data
        self.problems = problems
        self.models = Models(file, data, problems)
        self.recipes = Recipes(problems)
        self.by_id: dict[str, RunSpec] = {}
        self.schedule_names: dict[str, str] = {}
        self.tables: dict[str, Table] = {}
        self.baselines = Baselines(self.by_id)

    def run(self) -> None:
        for block in blocks.complete(self.file):
            self._block(block)
        for name, entry in self.file.tables.items():
            full_blocks = list(blocks.complete(self.file, name))
            once = Once(self.problems, self.by_id)
            found = [cell for block in full_blocks for cell in self._block(block, once)]
            self._check_full(name, entry.full, full_blocks)
            kind = entry.kind or ("published" if entry.published else "results")
            title = entry.title or name.replace("_", " ")
            self.tables[name] = Table(
                name,
                title,
                kind,
                entry.caption,
                tuple(found),
                entry.full,
                entry.published or Published(),
            )
        for name, table in self.tables.items():
            standing = {id for cell in table.cells for id in cell.runs}
            linked = tuple(
                dataclasses.replace(cell, baseline=self.baselines.of(cell, standing))
                for cell in table.cells
            )
            self.tables[name] = dataclasses.replace(table, cells=linked)

    def _block(self, block: FullBlock, once: Once | None = None) -> list[Cell]:
        """Its cells; in a table, `once` looks after their names."""
        if not block.pairs or not block.rows:
            empty = "pairs" if not block.pairs else "rows"
            around = (block.at[:length] for length in range(len(block.at) + 1))
            if not self.problems.told_in(*((*at, empty) for at in around)):
                self.problems.add(block.at, f"has no `{empty}`, nor does anything around it")
            return []
        found = []
        for index, name in enumerate(block.pairs):
            try:
                pair = catalogue.pair(name)
            except catalogue.UnknownName:
                self.problems.unknown(
                    (*block.pairs_at, index), "pair", name, catalogue.names("pairs")
                )
                continue
            except catalogue.BrokenDefinition as error:
                self.problems.add((*block.pairs_at, index), str(error))
                continue
            schedule = self.models.schedule(
                pair.schedule, pair.student, block.schedule, block.schedule_at
            )
            common = self.recipes.common(block.settings[name])
            for row in block.rows:
                if row.entry.pairs is not None and name not in row.entry.pairs:
                    self._check_pairs(row, block)
                    continue
                cell = self._row(block, pair, schedule, row, common)
                if cell is not None and once is not None:
                    once.add(cell, row.at, block.at)
                    found.append(cell)
        return found

    def _check_pairs(self, row: Row, block: FullBlock) -> None:
        for index, name in enumerate(row.entry.pairs or ()):
            if name not in block.pairs:
                message = unknown_name("pair of this block", name, block.pairs)
                self.problems.add((*row.at, "pairs", index), message)

    def _check_full(self, table: str, full: str | None, full_blocks: list[FullBlock]) -> None:
        rows = [row for block in full_blocks for row in block.rows]
        if full is None or full in (row.name for row in rows):
            return
        # Of a row that is misspelt itself nobody can say more.
        if not self.problems.told_in(*(row.at for row in rows), ("tables", table), ("rows",)):
            names = [row.name for row in rows]
            self.problems.unknown(("tables", table, "full"), "row of this table", full, names)

    def _row(
        self,
        block: FullBlock,
        pair: PairDefinition,
        schedule: ScheduleSpec | None,
        row: Row,
        common: dict[str, dict[str, Any]],
    ) -> Cell | None:
        if row.entry.row in TEACHERS_OWN:
            return self._teachers_own(block, pair, row)
        recipe = self.recipes.recipe(row, pair.family, common)
        if recipe is None or schedule is None:
            return None
        taught = teaching(pair, row, recipe, self.models, self.problems)
        if taught is None:
            return None
        if not RUN_NAME.fullmatch(row.name):
            self.problems.add(row.at, f"{row.name!r} cannot name a folder; give the row a `name`")
            return None
        ids = [self._student(pair, schedule, row, taught, seed) for seed in block.seeds]
        named = _name_of(block.schedule, pair.schedule)
        self.schedule_names |= dict.fromkeys(ids, named)
        changed = self.recipes.changed(recipe, pair.family, common)
        published = cells.published(self.problems, block, row, pair, taught, self.models)
        return Cell(
            row=row.name,
            title=row.entry.title,
            group=pair.name,
            runs=tuple(ids),
            methods=tuple(spec.method for spec in recipe.methods),
            changed=changed,
            published=published,
            line=self.problems.source.line(row.at),
        )

    def _teachers_own(self, block: FullBlock, pair: PairDefinition, row: Row) -> Cell | None:
        kind = row.entry.row
        model = pair.teacher if kind == "teacher" else pair.classifier
        alias = row.entry.run.get("teacher")
        if alias is not None:
            model = pair.teachers.get(alias, "")
        if not model:
            self.problems.add(row.at, f"pair {pair.name!r} has no such {kind}")
            return None
        run = self.models.run(model, row.at)
        if run is None:
            return None
        self._add(run)
        published = cells.published_teacher(self.problems, block, row, model, self.models)
        return Cell(
            row=row.name,
            title=row.entry.title,
            group=pair.name,
            runs=(run.id,),
            published=published,
            line=self.problems.source.line(row.at),
        )

    def _student(
        self,
        pair: PairDefinition,
        schedule: ScheduleSpec,
        row: Row,
        taught: Teaching,
        seed: int,
    ) -> str:
        options = taught.options
        teacher, model = None, taught.teacher
        if model and options.teacher == "self":
            model = pair.student
            teacher = self._plain(pair, schedule, seed)
        elif model and options.teacher != "untrained":
            teacher = self.models.run(model, row.at)
        classifier = self.models.run(taught.classifier, row.at) if taught.classifier else None
        return self._add(
            RunSpec(
                kind="student",
                group=pair.name,
                row=row.name,
                seed=seed,
                data=self.data,
                model=self.models.dump(pair.student),
                family=pair.family,
                schedule=schedule,
                methods=taught.recipe.methods,
                options=options,
                backbone=self.models.backbone(pair.student, row.at),
                teacher=teacher,
                teacher_model=self.models.dump(model) if model else None,
                classifier=classifier,
            )
        )

    def _plain(self, pair: PairDefinition, schedule: ScheduleSpec, seed: int) -> RunSpec:
        """The undistilled student: the baseline's run, and the teacher of `self` rows."""
        return RunSpec(
            kind="student",
            group=pair.name,
            row=BASELINE,
            seed=seed,
            data=self.data,
            model=self.models.dump(pair.student),
            family=pair.family,
            schedule=schedule,
            backbone=self.models.backbone(pair.student, ()),
        )

    def _add(self, run: RunSpec) -> str:
        for needed in run.dependencies():
            self._add(needed)
        id = run.id
        if id not in self.by_id:
            self.by_id[id] = run
            self.baselines.add(id)
        return id


def _name_of(entry: ScheduleEntry | None, default: str) -> str:
    if entry is None:
        return default
    return "" if entry.model_extra else entry.name or default
