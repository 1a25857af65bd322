"""What happens around every step: times, guard, history, progress, checkpoints, stop requests."""

from __future__ import annotations

import time
from typing import Any

import torch
from mmengine.dist import all_reduce, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from workflow.running.adaptive import adaptive_state, load_adaptive_state
from workflow.running.checkpoints import save_atomically
from workflow.running.cost import CostMeter
from workflow.running.folder import RunFolder
from workflow.running.guard import Diverged, LossGuard
from workflow.running.history import History
from workflow.running.progress import Progress
from workflow.running.runner import unwrapped
from workflow.running.signals import Interrupted, StopRequest

LINES = 100
"""Of history that a short run has at least; a long one has one every `SPARSEST` steps."""
SPARSEST = 50


class Conductor(Hook):
    """Comes after mmengine's own hooks, so the rate's next value is in what it saves."""

    priority = "VERY_LOW"

    def __init__(
        self,
        folder: RunFolder,
        iterations: int,
        checkpoint_every: int | None,
        snapshots: tuple[int, ...] = (),
    ) -> None:
        self.folder, self.iterations = folder, iterations
        self.checkpoint_every = checkpoint_every or min(1000, max(50, iterations // 20))
        self.log_every = max(1, min(SPARSEST, iterations // LINES))
        self.snapshots = snapshots
        self.guard = LossGuard()
        self.stop = StopRequest()

    def before_run(self, runner: Runner) -> None:
        """The model stands on its device, optimiser and schedulers are built: take up the state."""
        self.device = next(runner.model.parameters()).device
        self.cost = CostMeter(self.folder.work / "cost.json", self.device)
        state = self.folder.checkpoints.newest(self.folder.spec.hash)
        self.history = History()
        if state is not None:
            unwrapped(runner.model).load_state_dict(state["model"])
            load_adaptive_state(unwrapped(runner.model), state.get("adaptive", {}))
            runner.optim_wrapper.load_state_dict(state["optimiser"])
            for scheduler, saved in zip(runner.param_schedulers, state["schedulers"], strict=True):
                scheduler.load_state_dict(saved)
            runner.train_loop.resume_at(state["iteration"])
            self.history = History(state["history"]["rows"], state["history"]["waiting"])
            self.guard.load(state["guard"])
        start = runner.train_loop.iter
        spec = self.folder.spec
        self.progress = Progress(
            f"{spec.group} {spec.row} seed {spec.seed}", self.iterations, start
        )
        if start == 0:
            self._take_snapshot(runner, 0)
        self.last = time.perf_counter()

    def before_train_iter(self, runner: Runner, **_: Any) -> None:
        self.data_seconds = time.perf_counter() - self.last

    def between_iterations(self, runner: Runner, log: dict[str, torch.Tensor]) -> None:
        done: int = runner.train_loop.iter
        terms = _averaged(log, self.device)
        now = time.perf_counter()
        seconds, self.last = now - self.last, now
        order = runner.train_loop.order
        try:
            self.guard.check(done, {n: v for n, v in terms.items() if _is_loss(n)})
        except Diverged as problem:
            last = next(iter(self.folder.checkpoints.paths()), None)
            kept = last.relative_to(self.folder.path) if last else "none yet"
            raise Diverged(f"{problem}; last good checkpoint: {kept}") from None
        self.cost.step(order.batch_size, seconds, self.data_seconds)
        self.history.add({**terms, "seconds": seconds, "data_seconds": self.data_seconds})
        if is_main_process():
            self.progress.show(done, terms["loss"])
        if done % self.log_every == 0 or done == self.iterations:
            self._log(runner, done, order.batch_size * done / len(order.groups))
        self._take_snapshot(runner, done)
        stopping = done < self.iterations and self.stop.agreed(self.device)
        if stopping or done % self.checkpoint_every == 0 or done == self.iterations:
            self._save(runner, done)
        if stopping:
            raise Interrupted(
                f"saved at iteration {done} of {self.iterations}; start again to go on"
            )

    def _log(self, runner: Runner, done: int, epoch: float) -> None:
        rate = next(iter(runner.optim_wrapper.get_lr().values()))[0]
        row = self.history.line(done, epoch, rate)
        if is_main_process():
            self.history.write(self.folder.history)
            self.cost.mark(self.parts(runner))
            scalars = {n: v for n, v in row.items() if n not in ("iteration", "epoch")}
            runner.visualizer.add_scalars(scalars, step=done)

    def _save(self, runner: Runner, done: int) -> None:
        if is_main_process():
            self.folder.checkpoints.save(
                {
                    "run": self.folder.spec.hash,
                    "iteration": done,
                    "model": unwrapped(runner.model).state_dict(),
                    "adaptive": adaptive_state(unwrapped(runner.model)),
                    "optimiser": runner.optim_wrapper.state_dict(),
                    "schedulers": [one.state_dict() for one in runner.param_schedulers],
                    "history": {"rows": self.history.rows, "waiting": self.history.waiting},
                    "guard": self.guard.state(),
                }
            )

    def _take_snapshot(self, runner: Runner, done: int) -> None:
        """The student on its way, for curves of what it attends to; no part of the result."""
        if done in self.snapshots and is_main_process():
            student = getattr(unwrapped(runner.model), "student", unwrapped(runner.model))
            path = self.folder.work / "snapshots" / f"iteration-{done:07d}.pth"
            save_atomically({"iteration": done, "state_dict": student.state_dict()}, path)

    def parts(self, runner: Runner) -> dict[str, float]:
        """Seconds of this attempt in the teacher, the student's forward pass and the losses."""
        stopwatch = getattr(unwrapped(runner.model), "stopwatch", None)
        return stopwatch.seconds() if stopwatch is not None else {}


def _is_loss(name: str) -> bool:
    return "loss" in name or name.startswith("distill.")


def _averaged(log: dict[str, torch.Tensor], device: torch.device) -> dict[str, float]:
    """The mean over all processes: each sees the same number of images. One wait for the device."""
    values = torch.stack([torch.as_tensor(v, device=device).detach().float() for v in log.values()])
    all_reduce(values, op="mean")
    return dict(zip(log, values.tolist(), strict=True))
