"""Time and memory of every method's loss, as a ratio to plain L2 on the same maps.

    python -m benchmarks.bench_losses                                  # the rows below, full size
    python -m benchmarks.bench_losses --size 400x672 --rows ssim fgd   # smaller, some rows
    python -m benchmarks.bench_losses --device cuda --csv losses.csv

Forward and backward of a loss on the pyramid of a padded batch: the gradient reaches the student's
maps and what the method trains. L2 is the mean squared difference of all levels, and is timed
before every repetition of a row, so that the ratio (their median) is of neighbours in time and a
busy machine counts for both. `kernels` is the number of operations that a device is asked for; it
needs none to be counted. The first two lines are parts: a convolution, and the masks of AMD
without its generator. Memory is the peak above what the maps and the method occupy. The
last columns say how fast a row's convolutions and products are done, and what that is of a plain
3x3 convolution's speed on the same maps.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.kernels import kernels
from benchmarks.maps import Loss, Work, forward_and_backward
from methods.settings.base import FAMILIES
from methods.settings.resolve import RowError, resolve

ROWS = (
    *("l1", "l2", "l2-sum", "fitnet", "fitnet-gtbox", "fgfi"),
    *("ssim", "ssim-noadapter", "ssim-nopsi", "pkd", "cwd"),
    *("fkd", "fkd-am", "fgd", "fgd-focal", "mgd", "amd", "amd-mask-only"),
)


@dataclass
class Line:
    """One row of the table. Times are of forward and backward."""

    row: str
    seconds: float
    ratio: float
    kernels: int
    peak_mib: float | None
    gflop: float
    gflop_per_second: float
    of_convolution: float


def operations(loss: Loss) -> float:
    """Floating-point operations of convolutions and products, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        forward_and_backward(loss)
    return float(counter.get_total_flops())


def measure(work: Work, row: str, repeats: int, convolution: float | None) -> Line:
    return _line(work, row, lambda on: on.distiller(row), repeats, convolution)


def _line(
    work: Work,
    row: str,
    made: Callable[[Work], tuple[nn.Module, Loss]],
    repeats: int,
    convolution: float | None,
) -> Line:
    module, loss = made(work)
    parameters = list(module.parameters())
    blank = made(work.blank)[1]
    flop = operations(loss)  # also the first, slower run
    peak = work.peak_mib(loss, parameters)
    work.run(work.squared, [])
    seconds, ratios = [], []
    for _ in range(repeats):
        reference = work.run(work.squared, [])
        seconds.append(work.run(loss, parameters))
        ratios.append(seconds[-1] / reference)
    speed = flop / statistics.median(seconds) / 1e9
    return Line(
        row=row,
        seconds=statistics.median(seconds),
        ratio=statistics.median(ratios),
        kernels=kernels(lambda: forward_and_backward(blank)),
        peak_mib=peak,
        gflop=flop / 1e9,
        gflop_per_second=speed,
        of_convolution=speed / convolution if convolution else 1.0,
    )


def plain_convolution(work: Work, repeats: int) -> Line:
    """What the generators of MGD and AMD are made of, once."""

    def made(on: Work) -> tuple[nn.Module, Loss]:
        layer = nn.Conv2d(on.channels, on.channels, 3, padding=1).to(on.device)
        return layer, lambda: torch.stack([layer(level).sum() for level in on.student]).sum()

    return _line(work, "plain 3x3 convolution", made, repeats, None)


def attention_masks(work: Work, repeats: int, convolution: float) -> Line:
    """What AMD hides, on all levels, without the generator and the loss."""

    def made(on: Work) -> tuple[nn.Module, Loss]:
        amd, _ = on.distiller("amd")
        levels = list(enumerate(zip(on.student, on.teacher, strict=True)))

        def masks() -> Tensor:
            found = [amd.mask(level, one, other, on.batch) for level, (one, other) in levels]
            return torch.stack([mask.sum() for mask in found]).sum()

        return nn.Identity(), masks

    return _line(work, "attention masks alone", made, repeats, convolution)


def _size(text: str) -> tuple[int, int]:
    try:
        height, width = (int(part) for part in text.split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is not HEIGHTxWIDTH, as 800x1333") from None
    return height, width


def arguments_of(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_losses", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--rows", nargs="+", default=list(ROWS), help="rows of a suite, by name")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--family", choices=FAMILIES, default="one-stage")
    parser.add_argument("--size", type=_size, default=(800, 1333), metavar="HEIGHTxWIDTH")
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--channels", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, help="on the CPU; default: torch's own choice")
    parser.add_argument("--csv", type=Path, help="also write the table here")
    arguments = parser.parse_args(words)
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: this machine has no CUDA device that torch can use")
    for row in arguments.rows:
        try:
            recipe = resolve(row, arguments.family)
        except RowError as error:
            parser.error(str(error))
        if len(recipe.methods) != 1 or recipe.needs != {"features"}:
            parser.error(f"--rows {row}: only single methods on the detector's maps can be timed")
    return arguments


def main(words: list[str]) -> list[Line]:
    arguments = arguments_of(words)
    if any(row.startswith("mmrazor-") for row in arguments.rows):
        import workflow.compat

        workflow.compat.install()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    work = Work(arguments, arguments.device)
    height, width = arguments.size
    print(
        f"{arguments.images} images of {height}x{width}, {arguments.channels} channels, strides "
        f"{work.strides}, {arguments.device}, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}, median of {arguments.repeats}"
    )
    titles = ("of L2", 8), ("kernels", 8), ("MiB", 8), ("GFLOP", 9), ("GFLOP/s", 9), ("of conv", 9)
    print(f"{'row':24}{'seconds':>9}" + "".join(f"{title:>{width}}" for title, width in titles))
    lines = [plain_convolution(work, arguments.repeats)]
    lines.append(attention_masks(work, arguments.repeats, lines[0].gflop_per_second))
    for line in lines:
        _show(line)
    for row in arguments.rows:
        lines.append(measure(work, row, arguments.repeats, lines[0].gflop_per_second))
        _show(lines[-1])
    if arguments.csv:
        with arguments.csv.open("w", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Line)])
            writer.writeheader()
            writer.writerows(asdict(line) for line in lines)
    return lines


def _show(line: Line) -> None:
    peak = "" if line.peak_mib is None else f"{line.peak_mib:.0f}"
    print(
        f"{line.row:24}{line.seconds:9.3f}{line.ratio:8.2f}{line.kernels:8}{peak:>8}{line.gflop:9.1f}"
        f"{line.gflop_per_second:9.1f}{line.of_convolution:9.0%}",
        flush=True,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
