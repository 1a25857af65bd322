"""What every test starts from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
HEAVIEST = (
    "slurm/test_tiny.py",
    "dag/test_snakemake.py",
    "running/test_distributed.py",
    "running/test_resume.py",
    "dag/test_restore.py",
    "methods/test_conformance.py",
    "methods/test_conformance_training.py",
    "analysis/figures/test_every_kind.py",
    "slurm/test_accounting.py",
    "models/test_coco_pairs.py",
    "dag/test_snakemake_refusals.py",
    "slurm/test_complaints.py",
    "running/test_rehearse.py",
    "analysis/test_axe.py",
)
"""Files that take longest, in the order in which they are begun."""

# Several test processes share the cores: threads of their own would only wait for each other.
# Set before torch is imported, so that its libraries see them.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


def pytest_configure(config: pytest.Config) -> None:
    """Trainings in tests are the processor's, which end in the same bits each time. GPUs are left
    to the tests that are for them: `pytest -m gpu`. Before torch looks for any."""
    wanted = config.getoption("markexpr", "")
    if "gpu" not in wanted or "not gpu" in wanted:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first: begun last, one would keep a worker busy while the others have ended."""
    rank = {TESTS / name: number for number, name in enumerate(HEAVIEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))
