"""What every test starts from."""

from __future__ import annotations

import os

# Several test processes share the cores: threads of their own would only wait for each other.
# Set before torch is imported, so that its libraries see them.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
