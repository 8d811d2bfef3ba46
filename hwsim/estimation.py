"""`hwsim.estimate`: what one operator costs on a device, for scalars or broadcast arrays of its arguments."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.errors import InputError, did_you_mean
from hwsim.formats import number_format
from hwsim.hardware import Device, System
from hwsim.intervals import interval, width
from hwsim.operators import Attention, Collective, Elementwise, Matmul, MixtureOfExperts, Norm, Operator, Softmax
from hwsim.rows import ALGORITHM_CODES, BOUND_NAMES, COLLECTIVE, OPERATION_CODES, OperatorCost, OperatorRow, lower

Floats = NDArray[np.float64]
COMPILED_FROM = 4096  # points from which compiling (once, kept on disk) is worth it
CHUNK = 131_072
WEIGHT_SETS = 5.0  # a product alone is timed as the public tables are: five sets of weights take turns
KV_SETS = 1.0  # and attention alone too: the same KV call after call
SWITCHES = ("causal", "gated", "shared_values")  # arguments that are True or False; others that are no numbers are text
CLOSED_FORMS = ("matmul", "elementwise", "norm", "softmax")  # operators whose own formulas take arrays as they are


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Arrays in the broadcast shape of the arguments: seconds, joules, the binding resource, and how sure it is.

    Joules are of one device, idle power included; those of a collective over r ranks are r times as many in all.
    """

    latency_s: Any
    energy_j: Any
    bound: Any
    low_s: Any
    high_s: Any
    basis: str


def _matmul(**a: Any) -> Operator:
    return Matmul(name="matmul", weight_sets=WEIGHT_SETS, **a)


def _attention(**a: Any) -> Operator:
    return Attention(name="attention", kv_sets=KV_SETS, **a)


def _moe(**a: Any) -> Operator:
    shards, experts = a.get("shards", 1.0), a.get("experts", 0.0)
    if shards < 1.0 or shards % 1.0 or (shards > 1.0 and experts % shards):
        raise InputError(f"moe: shards(={shards:g}) must be a whole number >= 1 that divides experts(={experts:g})")
    part: dict[str, Any] = {name: a[name] / shards for name in ("experts", "top_k") if name in a}  # this device's
    return MixtureOfExperts(name="moe", **{**a, **part})


def _elementwise(**a: Any) -> Operator:
    return Elementwise(name="elementwise", **a)


def _softmax(**a: Any) -> Operator:
    return Softmax(name="softmax", **a)


def _norm(**a: Any) -> Operator:
    return Norm(name="norm", **a)


def _collective(*, message_bytes: float, operation: str = "all_reduce", **a: Any) -> Operator:
    for name, value, codes in (
        ("operation", operation, OPERATION_CODES),
        ("algorithm", a.get("algorithm", "nccl"), ALGORITHM_CODES),
    ):
        if value not in codes:
            raise InputError(
                f"collective: {name} '{value}' does not exist{did_you_mean(str(value), codes)}; "
                f"allowed: {', '.join(codes)}"
            )
    if a["ranks"] < 2.0 or a["ranks"] % 1.0:
        raise InputError(f"collective: ranks(={a['ranks']:g}) must be a whole number >= 2")
    elements = message_bytes / number_format(a.get("dtype", "bf16")).bytes
    return Collective(name="collective", operation=operation, elements=elements, **a)


# kind: (builder, numeric arguments, all arguments)
KINDS: dict[str, tuple[Callable[..., Operator], frozenset[str], frozenset[str]]] = {
    kind: (builder, frozenset(numeric.split()), frozenset((numeric + " " + other).split()))
    for kind, builder, numeric, other in [
        ("matmul", _matmul, "m n k batch", "dtype weight_dtype scaling"),
        (
            "attention", _attention, "batch query_length kv_length heads kv_heads head_dim value_head_dim window",
            "dtype kv_dtype causal shared_values",
        ),
        ("moe", _moe, "tokens hidden intermediate experts top_k shards", "dtype weight_dtype gated routing"),
        ("collective", _collective, "ranks message_bytes", "operation algorithm dtype"),
        ("elementwise", _elementwise, "elements reads writes", "dtype"),
        ("softmax", _softmax, "rows columns", "dtype"),
        ("norm", _norm, "rows columns", "dtype"),
    ]
}  # fmt: skip


def estimate(device: Device | System | str | Path, kind: str, **arguments: Any) -> Estimate:
    """Estimate one operator on a device; numeric arguments may be arrays and are broadcast.

    Raises
    ------
    InputError : unknown kind or argument, a missing or non-positive one, shapes that do not broadcast
    """
    from hwsim import as_system

    if kind not in KINDS:
        raise InputError(
            f"estimate: kind '{kind}' does not exist{did_you_mean(kind, KINDS)}; allowed: {', '.join(KINDS)}"
        )
    builder, numeric, allowed = KINDS[kind]
    unit = arguments.pop("unit", None)
    for name in arguments:
        if name not in allowed:
            raise InputError(
                f"estimate {kind}: argument '{name}' does not exist{did_you_mean(name, allowed)}; "
                f"allowed: {', '.join(sorted(allowed))}"
            )
    arrays = {name: _numbers(kind, name, value) for name, value in arguments.items() if name in numeric}
    fixed = {name: value for name, value in arguments.items() if name not in numeric}
    for name, value in fixed.items():
        wanted: type = bool if name in SWITCHES else str
        if name != "routing" and not isinstance(value, wanted):
            raise InputError(
                f"estimate {kind}: {name}(={value!r}) must be {'True or False' if wanted is bool else 'text'}"
            )
    try:
        spread = dict(zip(arrays, np.broadcast_arrays(*arrays.values()), strict=True))
    except ValueError as error:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in arrays.items())
        raise InputError(f"estimate {kind}: shapes do not broadcast: {shapes}") from error
    shape = next(iter(spread.values())).shape if spread else ()
    ranks = int(np.max(spread["ranks"], initial=1)) if kind == "collective" and "ranks" in spread else 1
    system = _on_unit(as_system(device, ranks), unit)
    if ranks > system.count and system.explicit:
        raise InputError(f"estimate collective: {ranks} ranks, but '{system.name}' has {system.count} devices")
    return _evaluate(system, builder, spread, fixed, shape, kind)


def _numbers(kind: str, name: str, value: Any) -> Floats:
    """An argument as an array of finite numbers."""
    try:
        values = np.asarray(value)
    except ValueError:
        raise InputError(f"estimate {kind}: {name}: its rows differ in length") from None
    if values.dtype.kind not in "iuf":
        raise InputError(f"estimate {kind}: {name}(={value!r}) must be a number or an array of numbers")
    numbers = values.astype(np.float64)
    if not np.all(np.isfinite(numbers)):
        raise InputError(f"estimate {kind}: {name} must be finite, got {values}")
    return numbers


def _on_unit(system: System, unit: str | None) -> System:
    """The system with one processor of its chip in place of all of them; a chip of one kind has that unit only."""
    units = {**system.device.units} or {system.device.family: system.device}
    if unit is None:
        return system
    if str(unit) not in units:
        raise InputError(
            f"estimate: unit '{unit}' does not exist on {system.device.name}{did_you_mean(str(unit), units)}; "
            f"allowed: {', '.join(units)}"
        )
    chosen = units[str(unit)]
    return replace(system, device=replace(chosen, residuals=chosen.residuals or system.device.residuals))


def _evaluate(
    system: System, builder: Callable[..., Operator], spread: dict[str, Floats], fixed: dict[str, Any],
    shape: tuple[int, ...], kind: str,
) -> Estimate:  # fmt: skip
    many = int(np.prod(shape, dtype=np.int64)) >= COMPILED_FROM and kind != "collective"
    costs = _costs_compiled if many else _costs
    latency, energy, bound = costs(system, _caller(builder, fixed, kind), spread, shape, kind in CLOSED_FORMS)
    names = np.array(BOUND_NAMES, dtype=object)[bound.astype(np.int64)]
    known, numbers = system.residuals(kind == "collective"), width({**spread, **fixed})
    low, high = interval(known, kind, numbers, latency) or (None, None)
    basis = system.basis(kind == "collective")
    if shape == ():
        return Estimate(
            latency_s=float(latency), energy_j=float(energy), bound=str(names),
            low_s=None if low is None else float(low), high_s=None if high is None else float(high),
            basis=basis,
        )  # fmt: skip
    return Estimate(latency_s=latency, energy_j=energy, bound=names, low_s=low, high_s=high, basis=basis)


def _caller(builder: Callable[..., Operator], fixed: dict[str, Any], kind: str) -> Callable[..., Operator]:
    """The builder with its fixed arguments; a missing one is told by name."""

    def build(**numbers: Any) -> Operator:
        try:
            return builder(**numbers, **fixed)
        except TypeError as error:
            missing = str(error).rpartition(":")[2].strip() or str(error)
            raise InputError(f"estimate {kind}: missing argument {missing}") from error

    return build


def _costs(
    system: System, build: Callable[..., Operator], spread: dict[str, Floats], shape: tuple[int, ...], _: bool
) -> tuple[Floats, Floats, Floats]:
    """Seconds, joules and bound code of every point, the formulas called as they are."""
    latency, energy, bound = np.empty(shape), np.empty(shape), np.empty(shape)
    for index in itertools.product(*map(range, shape)):
        row = lower(build(**{name: float(values[index]) for name, values in spread.items()}))
        if row.kind == COLLECTIVE:
            if system.link is None:
                raise InputError(f"estimate collective: '{system.name}' names no link")
            if row.algorithm == ALGORITHM_CODES["nvls"] and not getattr(system.link.record, "in_switch", 0.0):
                raise InputError(
                    f"estimate collective: algorithm 'nvls': the switch of '{system.link.name}' adds nothing"
                )
            cost = system.collective_cost(system.link, row)
        else:
            cost = system.device.cost(system.device.record, row)
        latency[index], energy[index], bound[index] = cost.latency_s, cost.energy_j, cost.bound
    return latency, energy, bound


def _costs_compiled(
    system: System, build: Callable[..., Operator], spread: dict[str, Floats], shape: tuple[int, ...], closed: bool
) -> tuple[Floats, Floats, Floats]:
    """The same of many points, the formulas compiled; ``closed`` says that the operator's own ones take arrays."""
    from hwsim.explore.kernel import row_kernel

    kernel, record = row_kernel(system.device), np.array(system.device.record, dtype=np.float64)
    flat = {name: np.ascontiguousarray(values).ravel() for name, values in spread.items()}
    size = int(np.prod(shape, dtype=np.int64))
    found = np.empty((size, len(OperatorCost._fields)))
    for start in range(0, size, CHUNK):
        part = {name: values[start : start + CHUNK] for name, values in flat.items()}
        kernel(record, _rows(build, part, closed), found[start : start + CHUNK])
    fields = (OperatorCost._fields.index(name) for name in ("latency_s", "energy_j", "bound"))
    latency, energy, bound = (found[:, field].reshape(shape) for field in fields)
    return latency, energy, bound


def _rows(build: Callable[..., Operator], part: dict[str, Floats], closed: bool) -> Floats:
    count = len(next(iter(part.values())))
    rows = np.empty((count, len(OperatorRow._fields)))
    if closed:
        for column, values in enumerate(lower(build(**part))):
            rows[:, column] = values
        return rows
    columns = list(part.items())
    for index in range(count):
        rows[index] = lower(build(**{name: float(values[index]) for name, values in columns}))
    return rows
