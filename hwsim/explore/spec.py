"""The sweep file: a network, a device, a workload, what varies, what is allowed and what is wanted."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hwsim.engine.workload import PHASES
from hwsim.errors import InputError, did_you_mean
from hwsim.units import EXAMPLES, quantity

LARGEST_FILE_BYTES = 1_000_000
LARGEST_AXIS = 1_000_000  # values on one axis
WORKLOAD_NUMBERS = ("batch", "prompt", "context", "output")
WORKLOAD_TEXTS = ("weights", "activations", "kv", "parallel", "runtime", "technique")
WORKLOAD_AXES = (*WORKLOAD_NUMBERS, *WORKLOAD_TEXTS)
TOP_KEYS = ("network", "device", "phase", *WORKLOAD_AXES, "keep", "vary", "constraints", "objectives")
RANGE_KEYS = ("from", "to", "steps", "scale")
DEVICE_PREFIX = "device."

_METRICS = {"latency_s": "s", "energy_j": "J", "power_w": "W", "peak_memory_bytes": "B"}
_TOKEN_METRICS = {"tokens_per_s": "", "energy_per_token_j": "J"}
_GENERATION_METRICS = {"time_to_first_token_s": "s", "time_per_output_token_s": "s"}
_SAMPLE_METRICS = {"samples_per_s": "", "energy_per_sample_j": "J"}


def metrics(phase: str) -> dict[str, str]:
    """What a sweep of a phase finds for each point, with its unit."""
    if phase == "forward":
        return _METRICS | _SAMPLE_METRICS
    return _METRICS | _TOKEN_METRICS | (_GENERATION_METRICS if phase == "generate" else {})


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One thing that varies: listed values, or a span from ``first`` to ``last`` in ``steps`` values."""

    name: str
    values: tuple[Any, ...] = ()
    first: Any = None
    last: Any = None
    steps: int = 0
    log: bool = False

    @property
    def device_path(self) -> str | None:
        """TOML path in the device file, or None for an axis of the workload."""
        return self.name.removeprefix(DEVICE_PREFIX) if self.name.startswith(DEVICE_PREFIX) else None

    def spread(self, first: float, last: float, whole: bool) -> list[float]:
        """Return the span's values in SI between two ends; whole numbers are rounded and kept once.

        Raises
        ------
        InputError : a logarithmic span that does not start above 0
        """
        if self.log and not (first > 0.0 and last > 0.0):
            raise InputError(f"vary.{self.name}: a log scale needs ends above 0, got {first:g} and {last:g}")
        shares = [index / (self.steps - 1) for index in range(self.steps)]
        if self.log:
            values = [first * (last / first) ** share for share in shares]
        else:
            values = [first + (last - first) * share for share in shares]
        values[-1] = last
        return list(dict.fromkeys(float(round(v)) for v in values)) if whole else values


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """A metric and the closed interval it must lie in."""

    metric: str
    minimum: float = -math.inf
    maximum: float = math.inf


@dataclass(frozen=True, kw_only=True)
class SweepSpec:
    """A sweep as its file states it. ``workload`` holds what does not vary, under the names of `hwsim.simulate`."""

    path: Path
    network: str
    device: str
    phase: str = "decode"
    workload: Mapping[str, Any] = field(default_factory=dict)
    axes: tuple[Axis, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    objectives: Mapping[str, str] = field(default_factory=lambda: {"latency_s": "min", "energy_j": "min"})
    keep: str = "all"

    @property
    def axis_names(self) -> list[str]:
        """Names of what varies, in the file's order."""
        return [axis.name for axis in self.axes]


def read_sweep(path: str | Path) -> SweepSpec:
    """Read and check a sweep file (TOML).

    Raises
    ------
    InputError : a file that cannot be read, an unknown or missing key, an impossible value; one line with file and key
    """
    path = Path(path)
    table = _table(path)
    _known(table, TOP_KEYS, f"{path}", "key")
    for key in ("network", "device"):
        if key not in table:
            raise InputError(f"{path}: key '{key}' is missing")
    for key in ("network", "device", "phase", "keep", *WORKLOAD_TEXTS):
        if key in table and not (isinstance(table[key], str) and table[key]):
            raise InputError(f"{path}: {key}(={table[key]!r}) must be text")
    phase = table.get("phase", "decode")
    if phase not in PHASES:
        raise InputError(f"{path}: phase '{phase}'{did_you_mean(phase, PHASES)}; allowed: {', '.join(PHASES)}")
    keep = table.get("keep", "all")
    if keep not in ("all", "feasible"):
        raise InputError(f"{path}: keep '{keep}' is not all or feasible")
    axes = tuple(_axis(name, value, path) for name, value in _flat(_section(table, "vary", path)))
    if not axes:
        raise InputError(f'{path}: [vary] is missing or empty; as in "device.sm_count" = [60, 108, 132]')
    names = [axis.name for axis in axes]
    for name in names:
        if name in table:
            raise InputError(f"{path}: '{name}' is fixed and also under [vary]; state it once")
    more: dict[str, Any] = {}
    if "objectives" in table:
        more["objectives"] = _objectives(_section(table, "objectives", path), names, metrics(phase), path)
    return SweepSpec(
        path=path, network=table["network"], device=table["device"], phase=phase, axes=axes, keep=keep,
        workload={key: table[key] for key in WORKLOAD_AXES if key in table},
        constraints=tuple(_constraints(_section(table, "constraints", path), metrics(phase), path)), **more,
    )  # fmt: skip


def _table(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path}: {path.stat().st_size} bytes are too many for a sweep file (at most 1 MB)")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"sweep file '{path}' cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not a TOML file: {error}") from error


def _known(keys: Iterable[str], allowed: Iterable[str], where: str, what: str) -> None:
    allowed = list(allowed)
    for key in keys:
        if key not in allowed:
            raise InputError(
                f"{where}: {what} '{key}' does not exist{did_you_mean(key, allowed)}; allowed: {', '.join(allowed)}"
            )


def _section(table: Mapping[str, Any], key: str, path: Path) -> dict[str, Any]:
    section = table.get(key, {})
    if not isinstance(section, dict):
        raise InputError(f"{path}: {key}(={section!r}) must be a table, as in [{key}]")
    return section


def _flat(section: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Join nested keys by dots, so that device.clock and "device.clock" read the same; a range is a leaf."""
    pairs: list[tuple[str, Any]] = []
    for key, value in section.items():
        if isinstance(value, dict) and value and not set(value) & set(RANGE_KEYS):
            pairs += _flat(value, f"{prefix}{key}.")
        else:
            pairs.append((prefix + key, value))
    return pairs


def _axis(name: str, value: Any, path: Path) -> Axis:
    where = f"{path}: vary.{name}"
    if not name.startswith(DEVICE_PREFIX):
        _known([name], WORKLOAD_AXES, f"{path}: [vary]", "device.PATH or field")
    if isinstance(value, dict):
        return _range(name, value, where)
    if not isinstance(value, list) or not value:
        raise InputError(f"{where}(={value!r}) must be a list of values or {{ from = 1, to = 8, steps = 8 }}")
    if len(value) > LARGEST_AXIS:
        raise InputError(f"{where}: {len(value)} values are too many; at most {LARGEST_AXIS}")
    for item in value:
        _value(item, f"{where}: value")
        if value.count(item) > 1 and len(value) <= 1000:
            raise InputError(f"{where}: value {item!r} stands there twice")
    return Axis(name=name, values=tuple(value))


def _range(name: str, table: Mapping[str, Any], where: str) -> Axis:
    _known(table, RANGE_KEYS, where, "key")
    if name in WORKLOAD_TEXTS:
        raise InputError(f"{where}: text has no range; list the values")
    for key in RANGE_KEYS[:3]:
        if key not in table:
            raise InputError(f"{where}: key '{key}' is missing; as in {{ from = 1, to = 8, steps = 8 }}")
    steps, scale = table["steps"], table.get("scale", "linear")
    if isinstance(steps, bool) or not isinstance(steps, int) or not 2 <= steps <= LARGEST_AXIS:
        raise InputError(f"{where}: steps(={steps!r}) must be a whole number between 2 and {LARGEST_AXIS}")
    if scale not in ("linear", "log"):
        raise InputError(f"{where}: scale '{scale}' is not linear or log")
    for key in ("from", "to"):
        _value(table[key], f"{where}: {key}")
    return Axis(name=name, first=table["from"], last=table["to"], steps=steps, log=scale == "log")


def _value(value: Any, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise InputError(f"{where} {value!r} is neither a number nor text")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{where} {value!r} is not finite")


def _constraints(section: Mapping[str, Any], units: Mapping[str, str], path: Path) -> Iterable[Constraint]:
    _known(section, units, f"{path}: [constraints]", "metric")
    for metric, limits in section.items():
        where = f"{path}: constraints.{metric}"
        if not isinstance(limits, dict) or not limits:
            raise InputError(f"{where}(={limits!r}) must read {{ max = {_example(units[metric])} }}, a min or both")
        _known(limits, ("min", "max"), where, "key")
        read = {key: _limit(value, units[metric], f"{where}.{key}") for key, value in limits.items()}
        minimum, maximum = read.get("min", -math.inf), read.get("max", math.inf)
        if minimum > maximum:
            raise InputError(f"{where}: min(={minimum:g}) is above max(={maximum:g})")
        yield Constraint(metric=metric, minimum=minimum, maximum=maximum)


def _example(unit: str) -> str:
    return f'"{EXAMPLES[unit]}"' if unit else "100"


def _limit(value: Any, unit: str, where: str) -> float:
    """A plain number is in the metric's own unit; text carries its unit."""
    return quantity(value, unit if isinstance(value, str) else "", where)


def _objectives(section: Mapping[str, Any], axes: list[str], units: Mapping[str, str], path: Path) -> dict[str, str]:
    allowed = [*units, *(name for name in axes if name not in WORKLOAD_TEXTS)]
    objectives: dict[str, str] = {}
    for name, direction in _flat(section):
        _known([name], allowed, f"{path}: [objectives]", "metric or varied field")
        if direction not in ("min", "max"):
            raise InputError(f"{path}: objectives.{name}(={direction!r}) must be 'min' or 'max'")
        objectives[name] = direction
    if not objectives:
        raise InputError(f'{path}: [objectives] is empty; as in latency_s = "min"')
    return objectives
