"""Numbers as people read them: one decimal for AP, a true minus, signs on differences."""

from __future__ import annotations

from analysis.tables.model import MISSING, Entry

MINUS, PLUS_MINUS = "−", "±"
SMALLEST_P = 0.001
DIFFERENCE_DIGITS = 2


def plain(value: float | None, digits: int = 1) -> str:
    if value is None:
        return MISSING
    text = f"{abs(value):.{digits}f}"
    return f"{MINUS}{text}" if value < 0 and float(text) else text


def signed(value: float | None, digits: int = 1) -> str:
    if value is None:
        return MISSING
    text = plain(value, digits)
    return text if text.startswith(MINUS) or not float(text) else f"+{text}"


def spread(mean: float, low: float | None, high: float | None) -> str:
    """`41.5 ± 0.3`: the interval's half width."""
    if low is None or high is None:
        return plain(mean)
    return f"{plain(mean)} {PLUS_MINUS} {plain((high - low) / 2)}"


def interval(mean: float, low: float | None, high: float | None) -> str:
    """`+1.21 [+0.43, +1.99]`: a difference is smaller than the figures, and one decimal would
    round away whether its interval holds zero."""
    digits = DIFFERENCE_DIGITS
    if low is None or high is None:
        return signed(mean, digits)
    return f"{signed(mean, digits)} {brackets(low, high)}"


def brackets(low: float, high: float) -> str:
    """Of a difference."""
    return f"[{signed(low, DIFFERENCE_DIGITS)}, {signed(high, DIFFERENCE_DIGITS)}]"


def p_value(p: float) -> str:
    return f"<{SMALLEST_P}" if p < SMALLEST_P else f"{p:.3f}"


def percent(share: float | None, digits: int = 0) -> str:
    return MISSING if share is None else f"{plain(100 * share, digits)} %"


def signed_percent(share: float | None) -> str:
    return MISSING if share is None else f"{signed(100 * share, 0)} %"


def number(value: float | None, key: str, digits: int = 1) -> Entry:
    return Entry(plain(value, digits), value, raw={key: value})
