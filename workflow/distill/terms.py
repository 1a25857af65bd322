"""What a method's `forward` may return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def checked(method: str, terms: Any) -> dict[str, Tensor]:
    """What a distiller says, if it is what it must say: a method without a loss would train the
    undistilled student under its own name."""
    if not isinstance(terms, Mapping) or not terms:
        raise ValueError(f"method `{method}`: expected its losses by name, found {terms!r}")
    for term, value in terms.items():
        if not isinstance(value, Tensor) or value.dim() > 0:
            found = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
            raise ValueError(f"method `{method}`: expected a scalar tensor `{term}`, found {found}")
    return dict(terms)
