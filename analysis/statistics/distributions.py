"""Tails and quantiles by scipy's special functions: the bits of scipy.stats, whose import takes
longer than most tables, and which every program of this room would wait for."""

from __future__ import annotations

from scipy import special


def t_quantile(share: float, freedom: float) -> float:
    return float(special.stdtrit(freedom, share))


def t_tail(value: float, freedom: float) -> float:
    """The probability of a greater one."""
    return float(special.stdtr(freedom, -value))


def normal_quantile(share: float) -> float:
    return float(special.ndtri(share))


def beta_quantile(share: float, a: float, b: float) -> float:
    return float(special.betaincinv(a, b, share))
