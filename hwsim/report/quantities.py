"""Numbers as engineers write them: three significant digits and an SI prefix (``1.23 ms``, ``312 TFLOP/s``)."""

from __future__ import annotations

import math

_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_WHOLE_UNITS = frozenset({"B", "FLOP"})  # half a byte is not written as 500 mB
_NO_LARGE_PREFIX = frozenset({"s"})  # an hour is 3,600 s, not 3.60 ks


def significant(value: float, digits: int = 3) -> str:
    """Write a plain number to `digits` significant digits, with thousands separators and no exponent.

    >>> significant(97.123), significant(12345.0), significant(0.01234), significant(8)
    ('97.1', '12,300', '0.0123', '8.00')
    """
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    rounded, exponent = _rounded(value, digits)
    return f"{rounded:,.{max(digits - 1 - exponent, 0)}f}"


def _rounded(value: float, digits: int) -> tuple[float, int]:
    """Round to significant digits; return the number and its power of ten (9.996 has become 10.0, power 1)."""
    text = f"{value:.{digits - 1}e}"
    return float(text), int(text.partition("e")[2])


def quantity(value: float | None, unit: str) -> str:
    """Write a quantity in unprefixed SI (`unit` is ``s``, ``B``, ``B/s``, ``FLOP``, ``FLOP/s``, ``J``, ``W``) readably.

    GB is 1e9 bytes. Bytes and operations below 1000 are whole; seconds take no prefix above one.

    >>> quantity(1.2345e-3, "s"), quantity(13.476e9, "B"), quantity(312e12, "FLOP/s")
    ('1.23 ms', '13.5 GB', '312 TFLOP/s')
    >>> quantity(999.6e-6, "s"), quantity(512.0, "B"), quantity(4000.0, "s"), quantity(None, "s")
    ('1.00 ms', '512 B', '4,000 s', '-')
    """
    if value is None:
        return "-"
    if value == 0 or not math.isfinite(value):
        return f"{significant(value)} {unit}".strip()
    if unit in _WHOLE_UNITS and abs(value) < 999.5:
        return f"{value:.0f} {unit}" if value == int(value) else f"{significant(value)} {unit}"
    rounded, exponent = _rounded(value, 3)
    group = max(min(3 * (exponent // 3), 18), -15)
    if unit in _NO_LARGE_PREFIX:
        group = min(group, 0)
    return f"{significant(rounded / 10.0**group)} {_PREFIXES[group]}{unit}".strip()


def count(value: float) -> str:
    """Write a whole number with thousands separators; numbers beyond a million to three digits.

    >>> count(1), count(32000), count(12345678)
    ('1', '32,000', '12.3 M')
    """
    return f"{value:,.0f}" if abs(value) < 1e6 else quantity(value, "")


def share(part: float | None, whole: float = 1.0) -> str:
    """Write a part of a whole in per cent: one digit after the point, and never a misleading 0.0 %.

    >>> share(0.561), share(1.0), share(0.00001), share(0.0), share(None)
    ('56.1 %', '100 %', '<0.1 %', '0 %', '-')
    """
    if part is None:
        return "-"
    percent = 100.0 * part / whole if whole else 0.0
    if 0.0 < percent < 0.05:
        return "<0.1 %"
    if percent == 0.0:
        return "0 %"
    return f"{percent:.0f} %" if percent >= 99.95 else f"{percent:.1f} %"
