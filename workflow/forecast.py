"""What a suite will cost before it starts, and how far such forecasts were off.

    python -m workflow.forecast --suite coco --devices 8 --price 2.5 [--table main]

Runs that are done cost what they cost, their like are taken from them, and the rest from a model
(workflow/costs.yaml). Imports no torch.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import statistics
import sys
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from workflow.command import UserError, speaking
from workflow.costs import Estimate, Measured, around, devices, fidelity, modelled, table
from workflow.scopes import with_needs
from workflow.settings_of_call import settings_of_call
from workflow.suite import Suite, load
from workflow.suite.problems import unknown_name

LIMIT_FACTOR = 1.5
"""A job may take so much longer than its forecast, and again so much with every attempt."""
LEAST_MINUTES = 10
AT_ONCE = 8
"""Devices that work side by side where nobody says how many."""


@dataclass(frozen=True)
class Sum:
    """Of a whole suite, or of one of its tables."""

    table: str | None
    runs: int
    done: int
    device_hours: float
    """GPU-hours, or core-hours where the suite uses no GPU."""
    device_hours_left: float
    wall_hours: float
    """Of what is left, on so many devices at once."""
    devices: int
    device: str
    disk_gb: float
    money: float | None
    sources: dict[str, int]
    model_error: float | None
    """Median of |forecast - real| / real over the runs that are done; None without any."""
    like_error: float | None


class Forecast:
    """Estimates of one suite's runs, made when first asked for."""

    def __init__(
        self, suite: Suite, runs: Path, gpus: int | None = None, speed: float | None = None
    ) -> None:
        self.suite = suite
        self.gpus = suite.resources.gpus if gpus is None else gpus
        self.speed = speed
        self.runs = runs

    @cached_property
    def measured(self) -> Measured:
        found = Measured(self.runs)
        found.read(self.suite.by_id)
        return found

    @cached_property
    def followed(self) -> set[str]:
        return set(self.suite.followed())

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        return {id: self._estimate(id) for id in self.suite.by_id}

    def _estimate(self, id: str) -> Estimate:
        run = self.suite.by_id[id]
        snapshots = self.suite.attend.snapshots if id in self.followed else 0
        sizes = table()[fidelity(run)]
        disk = float(sizes["disk_mb"] + snapshots * sizes["snapshot_mb"]) * 1e6
        rest = around(run, self.speed, snapshots)
        own = self.measured.of(id)
        if own is not None:
            return Estimate(own + rest, "measured", done=True, disk_bytes=disk)
        on = devices(run, self.gpus)
        like = self.measured.like(run, on)
        if like is not None:
            return Estimate(like + rest, "like it", disk_bytes=disk)
        training = modelled(run, on, self.speed)
        return Estimate(training + rest, "model", disk_bytes=disk)

    def hours(self, id: str) -> float:
        """Of all the GPUs that the run was trained on, or will be; of the processor without one."""
        used = self.measured.devices_of(id)
        on = devices(self.suite.by_id[id], self.gpus) if used is None else used
        return self.estimates[id].seconds * max(1, on) / 3600

    def limit_minutes(self, id: str, attempt: int = 1) -> int:
        """A time limit that an ordinary run stays well below."""
        seconds = self.estimates[id].seconds if id in self.suite.by_id else 3600.0
        return max(LEAST_MINUTES, math.ceil(seconds * LIMIT_FACTOR * attempt / 60))

    def errors(self) -> tuple[float | None, float | None]:
        """Relative errors of the model, and of forecasting each run from the others like it."""
        model, like = [], []
        for id, run in self.suite.by_id.items():
            real = self.measured.of(id)
            if not real or run.schedule is None:
                continue
            on = self.measured.devices_of(id) or 0
            model.append(abs(modelled(run, on, self.speed) - real) / real)
            other = self.measured.like(run, on, but=id)
            if other is not None:
                like.append(abs(other - real) / real)
        return (
            statistics.median(model) if model else None,
            statistics.median(like) if like else None,
        )

    def total(self, at_once: int, price: float | None = None, table: str | None = None) -> Sum:
        """Of a table: its runs and all that they learn from. What the suite's other runs took
        counts as knowledge all the same."""
        wanted = [*self.suite.by_id] if table is None else of_table(self.suite, table)
        estimates = {id: self.estimates[id] for id in wanted}
        every = list(estimates.values())
        hours = {id: self.hours(id) for id in estimates}
        left = [id for id, one in estimates.items() if not one.done]
        whole = sum(hours.values())
        model_error, like_error = self.errors()
        kinds = [one.source for one in every]
        return Sum(
            table=table,
            runs=len(every),
            done=len(every) - len(left),
            device_hours=whole,
            device_hours_left=sum(hours[id] for id in left),
            wall_hours=self._wall(max(1, at_once // max(1, self.gpus)), estimates) / 3600,
            devices=at_once,
            device="GPU" if self.gpus else "core",
            disk_gb=sum(one.disk_bytes for one in every) / 1e9,
            money=None if price is None else whole * price,
            sources={kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
            model_error=model_error,
            like_error=like_error,
        )

    def _wall(self, places: int, estimates: dict[str, Estimate]) -> float:
        """Seconds until all that is left of these is done, with `places` runs side by side."""
        free = [0.0] * min(places, max(1, len(estimates)))
        ends: dict[str, float] = {}
        for id, estimate in estimates.items():
            run = self.suite.by_id[id]
            if estimate.done:
                ends[id] = 0.0
                continue
            ready = max((ends[needed.id] for needed in run.dependencies()), default=0.0)
            start = max(heapq.heappop(free), ready)
            ends[id] = start + estimate.seconds
            heapq.heappush(free, ends[id])
        return max(ends.values(), default=0.0)


def of_table(suite: Suite, name: str) -> list[str]:
    """The runs without which there is no such table, those that others learn from first."""
    if name not in suite.tables:
        raise UserError(f"suite {suite.name}: {unknown_name('table', name, suite.tables)}")
    return with_needs(suite, suite.tables[name].runs)


def _duration(hours: float) -> str:
    return f"{hours:.0f} hours" if hours >= 10 else f"{hours * 60:.0f} minutes"


def sentence(total: Sum) -> str:
    left = total.device_hours_left
    of = "" if total.table is None else f"table {total.table}: "
    lines = [
        f"{of}{total.runs} runs, {total.done} of them done",
        f"{total.device_hours:.1f} {total.device}-hours, {left:.1f} of them left",
        f"{_duration(total.wall_hours)} of wall time left on {total.devices} {total.device}s",
        f"{total.disk_gb:.1f} GB of disk",
    ]
    if total.money is not None:
        lines.append(f"{total.money:.0f} at the given price")
    lines.append("from: " + ", ".join(f"{count} {kind}" for kind, count in total.sources.items()))
    if total.model_error is not None:
        error = f"the model was off by {total.model_error:.0%} (median over runs that are done)"
        if total.like_error is not None:
            error += f", forecasts from similar runs by {total.like_error:.0%}"
        lines.append(error)
    else:
        lines.append("no run is done yet: the model has not been checked against this machine")
    return "\n".join(lines)


@speaking
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--suite", required=True)
    parser.add_argument("--runs", type=Path, default=Path("results/runs"))
    parser.add_argument("--table", help="of this table's runs only, and what they learn from")
    # Numbers are checked where `snakemake --config` has them checked, and refused in its words.
    parser.add_argument("--devices", default=AT_ONCE, help="GPUs (mini: cores) used at once")
    parser.add_argument("--gpus-per-run", dest="gpus", help="as the suite says, unless given")
    parser.add_argument("--price", help="of one GPU-hour")
    parser.add_argument("--speed", help="of the GPU, against a V100 in float32")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    checked = ("table", "devices", "gpus", "price", "speed")
    spelled = {key: f"--{key}" for key in checked} | {"gpus": "--gpus-per-run"}
    call = settings_of_call({key: getattr(options, key) for key in checked}, spelled)
    forecast = Forecast(load(options.suite), options.runs, call.gpus, call.speed)
    total = forecast.total(call.devices or AT_ONCE, call.price, call.table)
    print(json.dumps(asdict(total), indent=1) if options.json else sentence(total))
    return 0


if __name__ == "__main__":
    sys.exit(main())
