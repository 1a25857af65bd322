"""mmengine's Runner, told what this project's runs need of it; the only place that builds one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.registry import LOOPS, OPTIM_WRAPPERS
from mmengine.runner import BaseLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from workflow.running.environment import launched
from workflow.running.errors import UserError
from workflow.running.order import order_of
from workflow.spec import ScheduleSpec


@LOOPS.register_module()
class SeededLoop(BaseLoop):
    """Steps from wherever the run stands to the last; the order of the data starts there too."""

    def __init__(self, runner: Runner, dataloader: DataLoader[Any]) -> None:
        super().__init__(runner, dataloader)
        self.order = order_of(dataloader)
        self._max_iters: int = self.order.iterations
        self._iter = 0

    iter = property(lambda self: self._iter)
    max_iters = property(lambda self: self._max_iters)
    epoch = property(lambda self: self._iter * self.order.batch_size // len(self.order.groups))
    max_epochs = property(lambda self: 1)

    def resume_at(self, iteration: int) -> None:
        self._iter = self.order.start = iteration

    def run(self) -> nn.Module:
        self.runner.call_hook("before_train")
        self.runner.model.train()
        for batch in self.dataloader:
            index = self._iter
            self.runner.call_hook("before_train_iter", batch_idx=index, data_batch=batch)
            log = self.runner.model.train_step(batch, optim_wrapper=self.runner.optim_wrapper)
            self.runner.call_hook(
                "after_train_iter", batch_idx=index, data_batch=batch, outputs=log
            )
            self._iter += 1
            self.runner.call_hook("between_iterations", log=log)
        self.runner.call_hook("after_train")
        return self.runner.model


@OPTIM_WRAPPERS.register_module()
class Bfloat16OptimWrapper(OptimWrapper):
    """Mixed precision whose range needs no loss scaling; on CPU too, unlike mmengine's own."""

    def optim_context(self, model: nn.Module) -> Any:
        device = next(model.parameters()).device.type
        return torch.autocast(device, torch.bfloat16)


class TrainingRunner(Runner):
    def _init_model_weights(self) -> None:
        """Weights were set when the model was built: again would undo inherited ones."""

    def load_or_resume(self) -> None:
        """Our own checkpoints, read by the hook that writes them, in `before_run`."""


def build_runner(
    model: nn.Module,
    loader: DataLoader[Any],
    schedule: ScheduleSpec,
    hooks: list[Hook],
    work: Path,
    seed: int,
    clip: float | None,
    wandb: str | None = None,
) -> TrainingRunner:
    iterations = order_of(loader).iterations
    distributed = launched()
    on_cuda = torch.cuda.is_available()
    backends: list[dict[str, Any]] = [{"type": "TensorboardVisBackend"}]
    if wandb:
        backends.append({"type": "WandbVisBackend", "init_kwargs": {"project": wandb}})
    wrapper = {"model_wrapper_cfg": _wrapper(on_cuda)} if distributed else {}
    return TrainingRunner(
        model=model,
        work_dir=str(work),
        train_dataloader=loader,
        train_cfg={"type": "SeededLoop"},
        optim_wrapper=optimiser_config(schedule, clip),
        param_scheduler=rate_schedulers(schedule, iterations),
        default_hooks={
            "timer": None,
            "logger": None,
            "checkpoint": None,
            "sampler_seed": None,
            "runtime_info": {"type": "RuntimeInfoHook"},
            "param_scheduler": {"type": "ParamSchedulerHook"},
        },
        custom_hooks=hooks,
        launcher="pytorch" if distributed else "none",
        env_cfg={
            "cudnn_benchmark": False,
            "mp_cfg": {"mp_start_method": "fork", "opencv_num_threads": 0},
        },
        log_level="WARNING",
        visualizer={
            "type": "Visualizer",
            "vis_backends": backends,
            "save_dir": str(work),
            "name": work.parent.name,
        },
        default_scope="mmdet",
        randomness={"seed": seed, "deterministic": False},
        experiment_name=work.parent.name,
        cfg=wrapper,
    )


def optimiser_config(schedule: ScheduleSpec, clip: float | None) -> dict[str, Any]:
    kinds = {
        "float32": {"type": "OptimWrapper"},
        "bfloat16": {"type": "Bfloat16OptimWrapper"},
        "float16": {"type": "AmpOptimWrapper", "dtype": "float16", "loss_scale": "dynamic"},
    }
    if schedule.precision == "float16" and not torch.cuda.is_available():
        raise UserError("schedule.precision: float16 needs a GPU; allowed here: float32, bfloat16")
    config: dict[str, Any] = {**kinds[schedule.precision], "optimizer": dict(schedule.optimiser)}
    if schedule.paramwise:
        config["paramwise_cfg"] = dict(schedule.paramwise)
    limit = clip if clip is not None else schedule.clip
    if limit is not None:
        config["clip_grad"] = {"max_norm": limit, "norm_type": 2}
    return config


def rate_schedulers(schedule: ScheduleSpec, iterations: int) -> list[dict[str, Any]]:
    """Warm-up, then drops at fractions of the whole length; both count iterations."""
    found: list[dict[str, Any]] = []
    if schedule.warmup_iterations:
        kind, factor = {
            "linear": ("LinearLR", "start_factor"),
            "constant": ("ConstantLR", "factor"),
        }[schedule.warmup]
        found.append(
            {
                "type": kind,
                factor: schedule.warmup_ratio,
                "by_epoch": False,
                "begin": 0,
                "end": schedule.warmup_iterations,
            }
        )
    if schedule.milestones:
        found.append(
            {
                "type": "MultiStepLR",
                "by_epoch": False,
                "milestones": [round(part * iterations) for part in schedule.milestones],
                "gamma": schedule.decay,
            }
        )
    return found


def unwrapped(model: nn.Module) -> nn.Module:
    inner: nn.Module = getattr(model, "module", model)
    return inner


def _wrapper(on_cuda: bool) -> dict[str, Any]:
    config: dict[str, Any] = {
        "type": "MMDistributedDataParallel",
        "broadcast_buffers": False,
        "find_unused_parameters": False,
    }
    if not on_cuda:
        config["device_ids"] = None  # gloo
    return config
