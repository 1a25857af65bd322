"""Checkpoints, guard, history, progress and cost, each on its own."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
import torch

from workflow.running import guard
from workflow.running.checkpoints import KEPT, Checkpoints, save_atomically
from workflow.running.cost import CostMeter
from workflow.running.errors import UserError, speaking
from workflow.running.guard import Diverged, LossGuard
from workflow.running.history import History
from workflow.running.progress import Progress, clock
from workflow.running.runner import optimiser_config, rate_schedulers
from workflow.spec import ScheduleSpec


def state(iteration: int) -> dict[str, object]:
    return {"run": "abc", "iteration": iteration, "model": {"weight": torch.ones(2) * iteration}}


def test_the_newest_good_checkpoint_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Checkpoints(tmp_path / "checkpoints")
    assert kept.newest("abc") is None
    for iteration in (1, 20, 300):
        kept.save(state(iteration))
    assert len(kept.paths()) == KEPT
    newest = kept.newest("abc")
    assert newest is not None
    assert newest["iteration"] == 300
    whole = kept.paths()[0].read_bytes()
    kept.paths()[0].write_bytes(whole[: len(whole) // 2])  # a disk that lost the end
    before = kept.newest("abc")
    assert before is not None
    assert before["iteration"] == 20
    assert "iteration-0000300.pth: unreadable" in capsys.readouterr().err


def test_another_run_s_checkpoint_is_refused(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    kept.save(state(1))
    with pytest.raises(ValueError, match="belongs to another run"):
        kept.newest("other")


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "student.pth"
    save_atomically({"a": torch.zeros(1)}, path)
    with pytest.raises(Exception, match="pickle"):
        save_atomically({"a": lambda: None}, path)  # cannot be pickled
    assert torch.load(path, weights_only=True)["a"] == torch.zeros(1)


def test_the_guard_names_the_term_and_the_iteration() -> None:
    watch = LossGuard()
    watch.check(6, {"loss_cls": 1.0, "distill.mgd.generation": 2.0, "loss": 3.0})
    bad = {"loss_cls": 1.0, "distill.mgd.generation": math.nan, "loss": math.nan}
    with pytest.raises(Diverged, match=r"iteration 7: loss term 'distill.mgd.generation' is nan"):
        watch.check(7, bad)
    with pytest.raises(Diverged, match="is inf"):
        watch.check(8, {"loss_cls": math.inf, "loss": math.inf})


def test_the_guard_stops_what_climbs_and_forgives_one_bad_batch() -> None:
    watch = LossGuard()
    for iteration in range(guard.TRUSTED):
        watch.check(iteration, {"loss_cls": 1.0, "loss": 1.0})
    high = {"loss_cls": 1.0, "loss_bbox": 500.0, "loss": 501.0}
    for iteration in range(guard.PATIENCE - 1):
        watch.check(iteration, high)
    watch.check(90, {"loss_cls": 1.0, "loss": 1.0})
    resumed = LossGuard()
    resumed.load(watch.state())
    for iteration in range(guard.PATIENCE - 1):
        resumed.check(iteration, high)
    with pytest.raises(Diverged, match=r"iteration 120: .*largest term is 'loss_bbox'"):
        resumed.check(120, high)


def test_losses_below_zero_are_no_divergence() -> None:
    watch = LossGuard()
    for iteration in range(1, 200):
        watch.check(iteration, {"loss": -2.0 - iteration / 100, "distill.own.similarity": -3.0})
    assert watch.above == 0
    assert len(watch.recent) == 199


def test_history_averages_what_lies_between_two_lines(tmp_path: Path) -> None:
    history = History()
    history.add({"loss": 1.0, "loss_cls": 1.0, "seconds": 0.5})
    history = History(history.rows, history.waiting)  # a resume between the lines
    history.add({"loss": 3.0, "loss_cls": 3.0, "seconds": 0.1})
    history.line(2, epoch=0.5, lr=0.01)
    history.add({"loss": 5.0, "loss_cls": 2.0, "distill.amd.mask": 3.0, "seconds": 0.1})
    history.line(3, epoch=0.75, lr=0.01)
    history.write(tmp_path / "history.csv")
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[0] == ("iteration,epoch,lr,loss,loss_cls,distill.amd.mask,seconds,data_seconds")
    assert lines[1] == "2,0.5,0.01,2,2,,0.3,"
    assert lines[2] == "3,0.75,0.01,5,2,3,0.1,"


def test_cost_adds_up_over_attempts_and_peaks_do_not(tmp_path: Path) -> None:
    tally, cost = tmp_path / "tally.json", tmp_path / "cost.json"
    killed = CostMeter(tally, torch.device("cpu"))
    killed.step(16, 1.0, 0.25)
    first = killed.mark({"teacher": 0.1, "loss": 0.05})
    meter = CostMeter(tally, torch.device("cpu"))
    meter.step(16, 1.0, 0.25)
    meter.write(cost, 2, {"teacher": 0.2, "loss": 0.1})
    found = json.loads(cost.read_text())
    assert found["attempts"] == 2
    assert found["images_per_second"] == pytest.approx(16)
    assert found["data_wait_share"] == pytest.approx(0.25)
    assert found["teacher_share"] == pytest.approx(0.3 / 1.5)
    assert found["loss_share"] == pytest.approx(0.15 / 1.5)
    assert found["student_share"] == pytest.approx(1 - 0.45 / 1.5)
    assert found["peak_process_bytes"] < 2 * first["peak_process_bytes"]
    assert found["gpu_hours"] is None


def test_progress_says_how_long_still() -> None:
    stream = io.StringIO()
    progress = Progress("pair amd seed 0", total=10, start=5, stream=stream)
    progress.show(6, 1.5)  # too soon for a second line
    assert stream.getvalue() == ""
    progress.show(10, 1.25)
    assert stream.getvalue().startswith("pair amd seed 0  10/10 (100%)  loss 1.2500  ")
    assert stream.getvalue().endswith("0:00 left\n")
    assert [clock(5), clock(65), clock(3665)] == ["0:05", "1:05", "1:01:05"]


def schedule(**changes: object) -> ScheduleSpec:
    values = {"iterations": 100, "batch_size": 4, "optimiser": {"type": "SGD", "lr": 1.0}}
    return ScheduleSpec.model_validate({**values, **changes})


def test_the_rate_warms_up_and_drops_where_the_schedule_says() -> None:
    from mmengine.optim import OptimWrapper
    from mmengine.registry import PARAM_SCHEDULERS

    plan = schedule(warmup_iterations=10, warmup_ratio=0.1, milestones=(0.5, 0.8))
    weight = torch.nn.Parameter(torch.zeros(1))
    wrapper = OptimWrapper(torch.optim.SGD([weight], lr=1.0))
    steps = [
        PARAM_SCHEDULERS.build(one, default_args={"optimizer": wrapper})
        for one in rate_schedulers(plan, 100)
    ]
    rates = []
    for _ in range(100):
        rates.append(wrapper.get_lr()["lr"][0])
        wrapper.optimizer.step()
        for one in steps:
            one.step()
    assert rates[0] == pytest.approx(0.1)
    assert rates[5] == pytest.approx(0.1 + 0.9 * 5 / 9)
    assert rates[9:50] == pytest.approx([1.0] * 41)
    assert rates[50:80] == pytest.approx([0.1] * 30)
    assert rates[80:] == pytest.approx([0.01] * 20)


def test_the_row_s_clipping_goes_before_the_schedule_s() -> None:
    assert "clip_grad" not in optimiser_config(schedule(), None)
    assert optimiser_config(schedule(clip=10.0), None)["clip_grad"]["max_norm"] == 10
    assert optimiser_config(schedule(clip=10.0), 35.0)["clip_grad"]["max_norm"] == 35


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU has float16")
def test_float16_without_a_gpu_is_refused_in_words() -> None:
    with pytest.raises(UserError, match=r"float16 needs a GPU; allowed here: float32, bfloat16"):
        optimiser_config(schedule(precision="float16"), None)


def test_a_user_s_mistake_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    @speaking
    def program(arguments: list[str] | None = None) -> int:
        raise UserError("no such thing")

    assert program() == 2
    assert capsys.readouterr().err == "error: no such thing\n"
