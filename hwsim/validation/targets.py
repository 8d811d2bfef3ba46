"""Measured kernels to validate against: one target per shape, the median over all frameworks and versions.

The tables are those of ``aiconfigurator-core`` (extra ``validation``): Parquet files of latencies in milliseconds under
``systems/data/<device>/<family>/<framework>/<version>/``. An operator is added as a module
``hwsim/validation/tables_<operator>.py`` with ``load(folder, device) -> list[Targets]``; see `operators`.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.errors import MissingExtraError, unknown_name
from hwsim.validation.reuse import donors

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]

#: Catalog name -> folder of the measured tables.
DEVICE_FOLDERS = {
    "a100-sxm-80gb": "a100_sxm",
    "h100-sxm-80gb": "h100_sxm",
    "h200-sxm-141gb": "h200_sxm",
    "b200-sxm-180gb": "b200_sxm",
    "b300-sxm-270gb": "b300_sxm",
    "gb200-186gb": "gb200",
    "gb300-278gb": "gb300",
    "l40s-48gb": "l40s",
    "rtx-pro-6000-96gb": "rtx_pro_6000_server",
    "arc-pro-b60-24gb": "b60",
}
HELD_OUT_ONE_IN = 5


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Measured latencies of one operator on one device, one entry per shape; all arrays have the shape (points,).

    Attributes
    ----------
    operator : kind of `hwsim.estimate`
    table : what is told apart in the report, such as ``"matmul bf16"``
    device : catalog name
    arguments : keyword arguments of `hwsim.estimate`: arrays, or one constant for all points
    keys : (points, columns) integers that name a point; `held_out` is taken from them
    latency_s : median over all rows of the key, frameworks and versions together
    framework_s : median of each framework; NaN where it did not measure the point
    size_class : label of each point, for errors by size
    unit : of the measured values: seconds, or W where the board power is what was measured
    fitted : whether constants of a calibrated device are fitted to such a table, apart from the points held out
    """

    operator: str
    table: str
    device: str
    arguments: Mapping[str, Any]
    keys: Integers
    latency_s: Floats
    framework_s: Mapping[str, Floats]
    size_class: NDArray[Any]
    notes: str = ""
    unit: str = "s"
    fitted: bool = True
    held_out: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "held_out", held_out(self.keys))

    @property
    def fastest_s(self) -> Floats:
        """The fastest framework's median, by point."""
        fastest: Floats = np.nanmin(np.stack(list(self.framework_s.values())), axis=0)
        return fastest

    @property
    def slowest_s(self) -> Floats:
        """The slowest framework's median, by point."""
        slowest: Floats = np.nanmax(np.stack(list(self.framework_s.values())), axis=0)
        return slowest

    def __len__(self) -> int:
        return len(self.latency_s)

    def where(self, chosen: NDArray[Any]) -> Targets:
        """The points that a mask or an array of indices chooses."""
        arguments = {k: v[chosen] if isinstance(v, np.ndarray) else v for k, v in self.arguments.items()}
        return Targets(
            operator=self.operator, table=self.table, device=self.device, arguments=arguments, keys=self.keys[chosen],
            latency_s=self.latency_s[chosen], framework_s={k: v[chosen] for k, v in self.framework_s.items()},
            size_class=self.size_class[chosen], notes=self.notes, unit=self.unit,
            fitted=self.fitted,
        )  # fmt: skip


@dataclass(frozen=True)
class Grouped:
    """Rows of a table grouped by key: what `Targets` is made of."""

    keys: Integers
    latency_s: Floats
    framework_s: dict[str, Floats]


def held_out(keys: Integers) -> NDArray[np.bool_]:
    """Which keys are never fitted: CRC-32 of the comma-joined integers, modulo 5, is 0.

    >>> held_out(np.array([[1, 32, 64], [16, 4096, 4096], [1, 4096, 4096]])).tolist()
    [True, False, False]
    """
    lines = (",".join(map(str, key)).encode() for key in keys.tolist())
    return np.fromiter((zlib.crc32(line) % HELD_OUT_ONE_IN == 0 for line in lines), dtype=np.bool_, count=len(keys))


def data_folder(device: str) -> Path | None:
    """The folder of a catalog device's tables; None where nothing was measured on it.

    Raises
    ------
    MissingExtraError : ``aiconfigurator-core`` is not installed
    """
    found = importlib.util.find_spec("aiconfigurator_core")
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError("aiconfigurator-core is not installed; pip install 'hwsim[validation]'")
    folder = Path(next(iter(found.submodule_search_locations))) / "systems" / "data"
    return folder / DEVICE_FOLDERS[device] if device in DEVICE_FOLDERS else None


def operators() -> list[str]:
    """Operators with a module ``tables_<operator>`` in this package."""
    package = importlib.import_module("hwsim.validation")
    modules = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name.removeprefix("tables_") for name in modules if name.startswith("tables_"))


def load(operator: str, device: str) -> list[Targets]:
    """All targets of an operator on a device; an empty list where nothing was measured.

    Raises
    ------
    MissingExtraError : ``aiconfigurator-core`` is not installed
    UnknownNameError : no tables for the operator
    """
    if operator not in operators():
        raise unknown_name("operator to validate", operator, operators())
    folder = data_folder(device)
    if folder is None or not folder.is_dir():
        return []
    found: list[Targets] = importlib.import_module(f"hwsim.validation.tables_{operator}").load(folder, device)
    return [targets for targets in found if len(targets)]


def read_table(folder: Path, family: str, table: str, columns: Sequence[str] = ()) -> Columns:
    """Rows of a table of all frameworks and versions of a device, as arrays by column name.

    Rows that a version repeats from another one (its ``reuse.yaml`` names the other) are counted once. A missing table
    gives an empty dictionary. ``framework`` is the folder's name; ``latency`` becomes ``latency_s`` in seconds. Files
    without one of the ``columns`` asked for have 0 (numbers) or "" (texts) there.
    """
    parts: list[Columns] = []
    by_version: dict[tuple[str, str], Columns] = {}
    for file in sorted((folder / family).glob(f"*/*/{table}.parquet")):
        framework, version = file.parent.parent.name, file.parent.name
        by_version[framework, version] = _read(file, framework)
    for (framework, version), part in by_version.items():
        donor = donors(folder / family / framework / version).get(table)
        kept = _not_in(part, by_version.get((framework, donor or "")))
        parts.append(kept)
    if not parts:
        return {}
    names = list(columns) or [name for name in parts[0] if all(name in part for part in parts)]
    wanted = dict.fromkeys([*names, "framework", "latency_s"])
    return {name: np.concatenate([_column(part, name) for part in parts]) for name in wanted}


def _read(file: Path, framework: str) -> Columns:
    from pyarrow import parquet

    table = parquet.read_table(file)
    found: Columns = {name: np.asarray(table.column(name).to_pylist()) for name in table.column_names}
    found["framework"] = np.full(table.num_rows, framework)
    found["latency_s"] = found.pop("latency").astype(np.float64) * 1e-3
    return found


def _column(part: Columns, name: str) -> NDArray[Any]:
    if name in part:
        return part[name]
    return np.zeros(len(part["latency_s"]), dtype=np.int64)


def _not_in(part: Columns, donor: Columns | None) -> Columns:
    """The rows of ``part`` that are not repeated from ``donor``, by all columns but the version."""
    if donor is None:
        return part
    names = sorted((set(part) & set(donor)) - {"version", "framework"})
    there = set(zip(*(donor[name].tolist() for name in names), strict=True))
    rows = zip(*(part[name].tolist() for name in names), strict=True)
    keep = np.fromiter((row not in there for row in rows), dtype=np.bool_)
    return {name: values[keep] for name, values in part.items()}


def grouped(keys: Sequence[NDArray[Any]], latency_s: Floats, framework: NDArray[Any]) -> Grouped:
    """Group rows by integer key columns: the median of all rows of a key, and that of each framework."""
    rows = np.stack([np.asarray(column, dtype=np.int64) for column in keys], axis=1)
    usable = np.isfinite(latency_s) & (latency_s > 0.0)
    rows, latency_s, framework = rows[usable], latency_s[usable], framework[usable]
    unique, group = np.unique(rows, axis=0, return_inverse=True)
    group = group.ravel()
    by_framework = {
        str(name): _medians(group[framework == name], latency_s[framework == name], len(unique))
        for name in np.unique(framework)
    }
    return Grouped(unique, _medians(group, latency_s, len(unique)), by_framework)


def _medians(group: Integers, values: Floats, count: int) -> Floats:
    """Median of the values of each group; NaN for a group without values."""
    order = np.lexsort((values, group))
    values = values[order]
    size = np.bincount(group, minlength=count)
    first = np.cumsum(size) - size
    medians = np.full(count, np.nan)
    some = size > 0
    low, high = first + (size - 1) // 2, first + size // 2
    medians[some] = 0.5 * (values[low[some]] + values[high[some]])
    return medians
