"""From a sweep file to what is evaluated: values of every axis in SI, a record for each device point, workloads."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwsim.engine.schedule import runtime_on
from hwsim.engine.workload import workload_of
from hwsim.errors import HwsimError, InputError, UnknownNameError, unknown_name
from hwsim.explore.lowering import Case, Floats, Integers
from hwsim.explore.spec import WORKLOAD_NUMBERS, WORKLOAD_TEXTS, Axis, SweepSpec, metrics
from hwsim.hardware import System

NO_TECHNIQUE = "none"  # value of a technique axis
LARGEST_CASES = 200_000  # combinations of the workload's axes: each builds a graph
LARGEST_SWEEP = 200_000_000  # points in all
ENDS_CHECKED_FROM = 200  # longer numeric lists are checked at their ends only: limits of a field are half-lines


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A sweep ready to be evaluated: the grid is (device points) x (cases), the last axis running fastest.

    Attributes
    ----------
    device_axes : TOML path -> values in SI
    base : (fields,) the device's record; ``columns`` says which field each device axis replaces
    cases : workloads; ``case_axes`` names their axes, ``Case.names`` holds their values
    """

    spec: SweepSpec
    network: Any
    system: System
    device_axes: Mapping[str, Floats]
    columns: tuple[int, ...]
    base: Floats
    case_axes: tuple[str, ...]
    cases: tuple[Case, ...]

    @property
    def device_points(self) -> int:
        """Number of device points."""
        return int(np.prod([len(values) for values in self.device_axes.values()], dtype=np.int64))

    @property
    def points(self) -> int:
        """Number of points of the grid."""
        return self.device_points * len(self.cases)

    def positions(self, start: int, stop: int) -> tuple[Integers, ...]:
        """Position on each device axis of the device points ``start`` to ``stop``."""
        if not self.device_axes:
            return ()
        shape = tuple(len(values) for values in self.device_axes.values())
        return tuple(np.unravel_index(np.arange(start, stop), shape))

    def records(self, positions: tuple[Integers, ...], count: int) -> Floats:
        """(count, fields) records at positions on the device axes."""
        records = np.tile(self.base, (count, 1))
        for column, values, position in zip(self.columns, self.device_axes.values(), positions, strict=True):
            records[:, column] = values[position]
        return records

    def units(self) -> dict[str, str]:
        """SI unit of every column that has one."""
        from hwsim.models.catalog import field_units

        known = {f"device.{path}": unit for path, unit in field_units(self.system.device.family).items()}
        return {**metrics(self.spec.phase), **{name: known.get(name, "") for name in self.device_axes}}

    def field(self, path: str) -> int | None:
        """Column of a device's TOML path in its record, where a formula reads it."""
        name = self.system.device.record_paths.get(path)
        return None if name is None else self.system.device.record._fields.index(name)


def make_plan(spec: SweepSpec) -> Plan:
    """Read the network, the device and every axis value of a sweep.

    Raises
    ------
    HwsimError : a name that does not exist, a value that is impossible, more points than a sweep may have
    """
    import hwsim

    network, system = hwsim.network(spec.network), hwsim.system(spec.device)
    axes = [axis for axis in spec.axes if axis.device_path is not None]
    device_axes = {axis.name: _device_values(axis, spec, system) for axis in axes}
    fields = system.device.record._fields
    plan = Plan(
        spec=spec, network=network, system=system, device_axes=device_axes,
        columns=tuple(fields.index(system.device.record_paths[axis.device_path or ""]) for axis in axes),
        base=np.array(system.device.record, dtype=np.float64),
        case_axes=tuple(axis.name for axis in spec.axes if axis.device_path is None),
        cases=_cases(spec, network, system),
    )  # fmt: skip
    if plan.points > LARGEST_SWEEP:
        raise InputError(f"{spec.path}: {plan.points:,} points are too many; at most {LARGEST_SWEEP:,}")
    return plan


def _device_values(axis: Axis, spec: SweepSpec, system: System) -> Floats:
    """Values of a device axis in SI, each (of a long list the ends) checked as if it stood in the device file."""
    import hwsim

    path = axis.device_path or ""
    if path not in system.device.record_paths:
        error = unknown_name(f"field of {system.device.name}", path, list(system.device.record_paths))
        raise UnknownNameError(f"{spec.path}: vary.{axis.name}: {error}")

    def read(value: Any) -> float:
        device = hwsim.system(spec.device, {path: value}).device
        return float(getattr(device.record, device.record_paths[path]))

    try:
        if axis.steps:
            return np.array(axis.spread(read(axis.first), read(axis.last), path.endswith("count")))
        return _listed(axis, read)
    except HwsimError as error:
        raise InputError(f"{spec.path}: vary.{axis.name}: {error}") from None


def _listed(axis: Axis, read: Callable[[Any], float]) -> Floats:
    numeric = all(isinstance(value, (int, float)) for value in axis.values)
    if numeric and len(axis.values) > ENDS_CHECKED_FROM:
        read(min(axis.values)), read(max(axis.values))
        return np.array(axis.values, dtype=np.float64)
    return np.array([read(value) for value in axis.values])


def _case_values(axis: Axis, spec: SweepSpec) -> list[Any]:
    if not axis.steps:
        return list(axis.values)
    for end in (axis.first, axis.last):
        if not isinstance(end, (int, float)):
            raise InputError(f"{spec.path}: vary.{axis.name}: {end!r} is not a number")
    return [int(value) for value in axis.spread(axis.first, axis.last, whole=True)]


def _cases(spec: SweepSpec, network: Any, system: System) -> tuple[Case, ...]:
    axes = [axis for axis in spec.axes if axis.device_path is None]
    values = [_case_values(axis, spec) for axis in axes]
    count = int(np.prod([len(each) for each in values], dtype=np.int64))
    if count > LARGEST_CASES:
        raise InputError(f"{spec.path}: {count:,} workloads are too many; at most {LARGEST_CASES:,}")
    for axis, listed in zip(axes, values, strict=True):
        kind = str if axis.name in WORKLOAD_TEXTS else (int, float)
        for value in listed:
            if not isinstance(value, kind):
                what = "text" if kind is str else "a number"
                raise InputError(f"{spec.path}: vary.{axis.name}: {value!r} is not {what}")
    try:
        names = [axis.name for axis in axes]
        return tuple(_case(spec, network, system, names, combination) for combination in itertools.product(*values))
    except HwsimError as error:
        raise InputError(f"{spec.path}: {error}") from None


def _with_techniques(network: Any, text: str, system: System) -> Any:
    """The network with techniques: ``none``, or texts of ``--technique`` joined by ``+``.

    Raises
    ------
    HwsimError : a technique that does not exist, or that has no effect on the device
    """
    if text.strip() == NO_TECHNIQUE:
        return network
    from hwsim.mappers.techniques.applied import with_techniques

    changed = with_techniques(network, [each.strip() for each in text.split("+")], system.device)
    if changed.notes:
        raise InputError(changed.notes[0])
    return changed


def _case(spec: SweepSpec, network: Any, system: System, names: list[str], values: tuple[Any, ...]) -> Case:
    import hwsim
    from hwsim.models.catalog import read_runtime

    chosen = {**spec.workload, **dict(zip(names, values, strict=True))}
    workload = workload_of(
        network, phase=spec.phase, parallel=chosen.get("parallel"),
        **{name: chosen.get(name) for name in ("weights", "activations", "kv")},
        **{name: chosen[name] for name in WORKLOAD_NUMBERS if name in chosen},
    )  # fmt: skip
    cut = hwsim.as_system(system, workload.parallel.devices)
    return Case(
        workload=workload,
        network=_with_techniques(network, chosen.get("technique", NO_TECHNIQUE), cut),
        system=cut,
        runtime=runtime_on(cut.device, read_runtime(chosen.get("runtime", "graph"))),
        names=values,
    )
