"""How sure a prediction is: 10-90 % intervals from the validation residuals of its operator and size class.

A size class is a range of predicted latency. A device carries, by operator and width of its numbers, the 10 and 90 %
quantiles of measured over predicted in each class: of held-out rows of all tables where it is calibrated, else of what
another generation's constants would have said of the calibrated devices. Families that nobody measured kernel by
kernel carry one range for every operator: how far whole published systems were off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.formats import number_format

Floats = NDArray[np.float64]
EDGES_S = (1e-5, 1e-4, 1e-3)  # predicted latency of one call: below, between and above
UNMEASURED = "matmul wide"  # operators nobody measured are taken to be as uncertain as this
FEW_BITS = 5.0  # stored bits of a number, scales included, below which it counts as one of four bits
EVERY_OPERATOR = "every operator"  # of families without measured kernels; their errors are of whole runs


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """Quantiles of measured over predicted by size class, and the range of latencies that was measured, in seconds."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    shortest_s: float
    longest_s: float


def width(arguments: Mapping[str, Any]) -> str:
    """What is told apart beside the operator: ``wide`` numbers of 16 bits and more, ``narrow`` ones, ``mixed``
    where weights or KV are stored narrower than they are multiplied, ``block`` where a scale belongs to a block,
    ``4-bit`` where they are stored in four bits or fewer, ``latent`` where values of an attention are not as wide as
    its keys (both come of one latent vector).

    >>> width({"dtype": "bf16"}), width({"dtype": "fp8_e4m3"}), width({"dtype": "bf16", "weight_dtype": "int8"})
    ('wide', 'narrow', 'mixed')
    >>> width({"dtype": "bf16", "weight_dtype": "int4:g128"}), width({"head_dim": 192, "value_head_dim": 128})
    ('4-bit', 'latent')
    """
    values = np.asarray(arguments.get("value_head_dim", 0))
    if np.any((values != 0) & (values != arguments.get("head_dim"))):
        return "latent"
    dtype = str(arguments.get("dtype", "bf16"))
    stored = str(arguments.get("weight_dtype") or arguments.get("kv_dtype") or dtype)
    if number_format(stored).bits < FEW_BITS:
        return "4-bit"
    if stored != dtype:
        return "mixed"
    if arguments.get("scaling") == "block":
        return "block"
    return "wide" if number_format(dtype).bits >= 16 else "narrow"


def size_class(latency_s: Any) -> NDArray[np.int64]:
    """Index of the size class of each latency.

    >>> size_class([2e-6, 5e-5, 1.0]).tolist()
    [0, 1, 3]
    """
    return np.digitize(np.asarray(latency_s, dtype=np.float64), EDGES_S)


def residuals_of(known: Mapping[str, Residuals], kind: str, numbers: str) -> Residuals | None:
    """Residuals of an operator by `width`; where that was not measured, four bits are taken as mixed and others as
    wide numbers, and an operator that was not measured as `UNMEASURED`."""
    nearest = (f"{kind} mixed",) if numbers == "4-bit" else ()
    for key in (f"{kind} {numbers}", *nearest, f"{kind} wide", UNMEASURED, EVERY_OPERATOR):
        if key in known:
            return known[key]
    return None


def interval(known: Mapping[str, Residuals], kind: str, numbers: str, latency_s: Any) -> tuple[Floats, Floats] | None:
    """10 and 90 % bounds of one call's latency; None where nothing is known of the device's family."""
    found = residuals_of(known, kind, numbers)
    if found is None:
        return None
    seconds, classes = np.asarray(latency_s, dtype=np.float64), size_class(latency_s)
    return seconds * np.asarray(found.low)[classes], seconds * np.asarray(found.high)[classes]


class Calls(NamedTuple):
    """An operator of a run: its kind, its `width`, and the seconds of all its calls."""

    name: str
    kind: str
    numbers: str
    calls: float
    seconds: float


def total_interval(
    known: Mapping[str, Residuals], operators: Iterable[Calls], latency_s: float
) -> tuple[float, float] | None:
    """Bounds of a sum of operators around the whole latency; None where nothing is known of the device's family.

    Errors of one kind are the model's and go the same way in every layer: they add up. Those of different kinds do
    not know of each other: the sums add up in squares. Errors of whole runs add up over all kinds.
    """
    whole = EVERY_OPERATOR in known
    below: dict[str, float] = {}
    above: dict[str, float] = {}
    for each in operators:
        bounds = interval(known, each.kind, each.numbers, each.seconds / max(each.calls, 1.0))
        if bounds is None:
            return None
        kind = EVERY_OPERATOR if whole else each.kind
        below[kind] = below.get(kind, 0.0) + each.seconds - each.calls * float(bounds[0])
        above[kind] = above.get(kind, 0.0) + each.calls * float(bounds[1]) - each.seconds
    low = latency_s - float(np.sqrt(sum(value**2 for value in below.values())))
    high = latency_s + float(np.sqrt(sum(value**2 for value in above.values())))
    return max(low, 0.0), high


def outside(known: Mapping[str, Residuals], operators: Iterable[Calls]) -> list[str]:
    """Say which operators last longer than any kernel of their kind that was measured."""
    found = []
    for each in operators:
        measured = known.get(f"{each.kind} {each.numbers}") or known.get(f"{each.kind} wide")
        if measured is not None and each.seconds / max(each.calls, 1.0) > measured.longest_s:
            found.append(
                f"{each.kind} '{each.name}' takes {each.seconds / each.calls:.3g} s a call, longer than the longest "
                f"kernel it was validated on ({measured.longest_s:.3g} s)"
            )
    return found
