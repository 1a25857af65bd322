"""What every test starts from."""

from __future__ import annotations

import os

import pytest

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
