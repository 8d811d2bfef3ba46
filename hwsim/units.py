"""Quantities with units, read once at the door into unprefixed SI floats.

Plain units ('2039 GB/s', '192 KiB', '1.41 GHz', '45 us') take a short exact path; anything else is handed to pint,
which is imported only then, so that a usual query never waits for its registry.
"""

from __future__ import annotations

import math
import re
from typing import Any

from hwsim.errors import InputError

_DECIMAL = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
_SMALL = {"m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
_BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}

# SI unit -> (what it measures, an example for messages)
_MEANING = {
    "": ("a number without a unit", "0.9"),
    "B": ("a capacity", "80 GB' or '192 KiB"),
    "B/s": ("a bandwidth", "2039 GB/s"),
    "Hz": ("a frequency", "1.41 GHz"),
    "s": ("a time", "45 us"),
    "W": ("a power", "400 W"),
    "J": ("an energy", "0.6 pJ"),
    "mm^2": ("an area", "814 mm^2"),
}
EXAMPLES = {unit: example.split("'")[0] for unit, (_, example) in _MEANING.items()}
_NUMBER = re.compile(r"\s*([-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf))\s*(.*?)\s*", re.IGNORECASE)


def _plain_units() -> dict[str, tuple[str, float]]:
    table: dict[str, tuple[str, float]] = {"": ("", 1.0), "mm^2": ("mm^2", 1.0), "mm2": ("mm^2", 1.0)}
    for prefix, scale in {**_DECIMAL, **_BINARY}.items():
        table[prefix + "B"] = ("B", scale)
        table[prefix + "B/s"] = ("B/s", scale)
    for prefix, scale in _DECIMAL.items():
        table[prefix + "Hz"] = ("Hz", scale)
    for prefix, scale in {"": 1.0, **_SMALL}.items():
        table[prefix + "s"] = ("s", scale)
        table[prefix + "J"] = ("J", scale)
        table[prefix + "W"] = ("W", scale)
    for prefix in ("k", "M"):
        table[prefix + "W"] = ("W", _DECIMAL[prefix])
    return table


_PLAIN = _plain_units()


LARGEST = 1e30  # of any hardware, in any SI unit; products of a few such figures are still finite


def quantity(value: object, unit: str, where: str) -> float:
    """Read a quantity into SI: bytes, bytes/s, hertz, seconds, watts, joules, or a plain number.

    Parameters
    ----------
    value : text such as ``"2039 GB/s"``, or a number where `unit` is ``""``; GB is 1e9, GiB is 2**30
    unit : what is wanted: ``"B"``, ``"B/s"``, ``"Hz"``, ``"s"``, ``"W"``, ``"J"``, ``"mm^2"`` or ``""``
    where : the file and key, for the message

    Returns
    -------
    float : the value in that unit, finite and not negative

    Raises
    ------
    InputError : not a number, no unit or one of another dimension, not finite, or negative

    >>> quantity("2039 GB/s", "B/s", "a.toml: memory.bandwidth")
    2039000000000.0
    >>> quantity("40 MiB", "B", "a.toml: l2.capacity")
    41943040.0
    """
    meaning, example = _MEANING[unit]
    allowed = f"{meaning}, as in '{example}'" if unit else meaning
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise InputError(f"{where}: {shown(value)} is not {allowed}")
    number, written = (_float(value), "") if not isinstance(value, str) else _split(value, allowed, where)
    if not math.isfinite(number):
        raise InputError(f"{where}: {shown(value)} is not finite; allowed: {allowed}")
    if number < 0.0:
        raise InputError(f"{where}: {shown(value)} is negative; allowed: {allowed}, 0 or more")
    if written == "" and unit != "":
        raise InputError(f"{where}: {shown(value)} has no unit; allowed: {allowed}")
    if written in _PLAIN:
        dimension, scale = _PLAIN[written]
        result = _exact(number, scale) if dimension == unit else None
    else:
        result = _through_pint(number, written, unit)
    if result is None:
        raise InputError(f"{where}: {shown(value)} is not {allowed}")
    if result > LARGEST:
        raise InputError(f"{where}: {shown(value)} is too large; allowed: up to {LARGEST:g} in SI units")
    return result


def _float(value: float) -> float:
    """The number as a float; a whole number beyond all floats is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def shown(value: object) -> str:
    """A value as a message quotes it: short, on one line."""
    try:
        text = " ".join(str(value).split())
    except ValueError:  # Python refuses to write out thousands of digits
        text = "a whole number of thousands of digits"
    return "'" + (text if len(text) <= 40 else text[:37] + "...") + "'"


def _split(text: str, allowed: str, where: str) -> tuple[float, str]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise InputError(f"{where}: {shown(text)} does not start with a number; allowed: {allowed}")
    return float(match[1].replace("_", "")), match[2]


def _exact(number: float, scale: float) -> float:
    """Scale down by dividing by the whole power, so that '45 us' is the float nearest to 45e-6."""
    return number * scale if scale >= 1.0 else number / round(1.0 / scale)


def _through_pint(number: float, written: str, unit: str) -> float | None:
    """Convert an unusual unit ('TB/min', 'W*h'); None when it is unknown or of another dimension."""
    import pint

    names: dict[str, Any] = {"": "dimensionless", "B": "byte", "B/s": "byte/second", "Hz": "hertz", "s": "second",
                             "W": "watt", "J": "joule", "mm^2": "millimeter**2"}  # fmt: skip
    registry: pint.UnitRegistry[float] = pint.UnitRegistry(cache_folder=None)
    try:
        return float((number * registry.Unit(written)).to(names[unit]).magnitude)
    except Exception:  # pint raises many kinds (tokenize errors included) for text that is no unit
        return None
