"""The compiled half of a sweep: the device's own cost functions over arrays of design points and operator rows.

Nothing here knows a formula. `build_kernels` takes the cost function of a device, writes the few lines that turn a
row of floats into its record, and compiles them with numba; `reduce_sums` adds up what each workload consists of,
with the engine's own formulas for launch, layer and idle energy.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import prange

from hwsim.cost import compiled
from hwsim.engine.schedule import consumed_energy_j, launched_latency_s, layer_stretch
from hwsim.explore.fingerprint import formula_fingerprint
from hwsim.explore.lowering import Floats, Sums
from hwsim.hardware import Device
from hwsim.rows import OperatorCost, OperatorRow, Runtime

KEPT_CACHES = 16
_compiling = threading.Lock()
_config: Any = numba.config  # its attributes are made at run time


class Kernels(NamedTuple):
    """Compiled functions of one device family.

    Attributes
    ----------
    costs : ``costs(points, rows, groups, kernel_s, kernel_j)`` fills (points, rows) arrays of seconds and joules
    reduce : ``reduce(sums, kernel_s, kernel_j, idle_power_w, latency_s, energy_j)`` fills (points, parts) arrays
    """

    costs: Callable[..., None]
    reduce: Callable[..., None]


def reduce_sums(
    sums: Sums, kernel_s: Floats, kernel_j: Floats, idle_power_w: Floats, latency_s: Floats, energy_j: Floats
) -> None:
    """Add up rows into (points, parts) seconds and joules, as the schedule and the analytic engine do."""
    parts = sums.runtime.shape[0]
    for index in prange(kernel_s.shape[0] * parts):
        point, part = index // parts, index % parts
        runtime = Runtime(
            sums.runtime[part, 0], sums.runtime[part, 1], sums.runtime[part, 2], sums.runtime[part, 3],
            sums.runtime[part, 4],
        )  # fmt: skip
        total_s = sums.steps[part] * runtime.step_s
        total_j = total_s * idle_power_w[point]
        for block in range(sums.part_first[part], sums.part_first[part + 1]):
            launched_s, busy_s, used_j = 0.0, 0.0, 0.0
            for entry in range(sums.block_first[block], sums.block_first[block + 1]):
                row, calls = sums.entry_row[entry], sums.entry_calls[entry]
                launched_s += calls * launched_latency_s(kernel_s[point, row], runtime)
                busy_s += calls * kernel_s[point, row]
                used_j += calls * kernel_j[point, row]
            if sums.block_floor_s[block] > 0.0:
                launched_s *= layer_stretch(launched_s, sums.block_floor_s[block])
            total_s += sums.block_count[block] * launched_s
            total_j += sums.block_count[block] * consumed_energy_j(used_j, busy_s, launched_s, idle_power_w[point])
        latency_s[point, part] = total_s
        energy_j[point, part] = total_j * sums.devices[part]


def costs_source(fields: int) -> str:
    """Return the text of the kernel for a record of ``fields`` floats: numba builds a NamedTuple only field by field.

    Work is cut into (point, group of rows) pairs, so that one point with many workloads still fills all cores.
    """
    record = ", ".join(f"values[{index}]" for index in range(fields))
    row = ", ".join(f"fields[{index}]" for index in range(len(OperatorRow._fields)))
    return f"""
def costs(points, rows, groups, kernel_s, kernel_j):
    for index in prange(points.shape[0] * groups):
        point, group = index // groups, index % groups
        values = points[point]
        record = Record({record})
        for row in range(group * rows.shape[0] // groups, (group + 1) * rows.shape[0] // groups):
            fields = rows[row]
            cost = operator_cost(record, OperatorRow({row}))
            kernel_s[point, row] = cost.latency_s
            kernel_j[point, row] = cost.energy_j
"""


def rows_source(fields: int) -> str:
    """Return the text of the kernel that costs many rows on one device: every field of the cost, not only its time."""
    record = ", ".join(f"values[{index}]" for index in range(fields))
    row = ", ".join(f"fields[{index}]" for index in range(len(OperatorRow._fields)))
    outcome = "\n".join(
        f"        outcome[index, {number}] = cost.{name}" for number, name in enumerate(OperatorCost._fields)
    )
    return f"""
def rows_cost(values, rows, outcome):
    for index in prange(rows.shape[0]):
        record = Record({record})
        fields = rows[index]
        cost = operator_cost(record, OperatorRow({row}))
{outcome}
"""


_row_kernels: dict[Callable[..., Any], Callable[..., None]] = {}


def row_kernel(device: Device) -> Callable[..., None]:
    """Return ``kernel(record, rows, outcome)`` of a device's family, compiled once a process and kept on disk.

    It fills (rows, fields of OperatorCost) from (rows, fields of OperatorRow).
    """
    if device.cost not in _row_kernels:
        source = rows_source(len(device.record))
        folder = _cache_folder(formula_fingerprint([device.cost], [source, Path(__file__).read_text()]))
        try:
            kernel = _warm_rows(_compiled_source(device, source, "rows_cost", folder), device)
        except Exception:
            if folder is None:
                raise
            shutil.rmtree(folder, ignore_errors=True)  # numba could not read it back
            kernel = _warm_rows(_compiled_source(device, source, "rows_cost", None), device)
        _row_kernels[device.cost] = kernel
    return _row_kernels[device.cost]


def _warm_rows(kernel: Callable[..., None], device: Device) -> Callable[..., None]:
    kernel(np.array(device.record), np.ones((0, len(OperatorRow._fields))), np.empty((0, len(OperatorCost._fields))))
    return kernel


def build_kernels(device: Device) -> Kernels:
    """Compile the kernels for a device's family, or load them from the cache of exactly these formulas.

    Numba's own disk cache watches one file only, so the folder is named by a hash of every formula, constant and
    library version that goes in; without a folder to write to, the kernels are compiled anew.
    """
    source = costs_source(len(device.record))
    key = formula_fingerprint(
        [device.cost, launched_latency_s, layer_stretch, consumed_energy_j], [source, Path(__file__).read_text()]
    )
    folder = _cache_folder(key)
    try:
        return _warm(_kernels(device, source, folder), len(device.record))
    except Exception:
        if folder is None:
            raise
    shutil.rmtree(folder, ignore_errors=True)  # numba could not read it back
    return _warm(_kernels(device, source, None), len(device.record))


def _kernels(device: Device, source: str, folder: Path | None) -> Kernels:
    costs = _compiled_source(device, source, "costs", folder)
    formulas = {f.__name__: compiled(f) for f in (launched_latency_s, layer_stretch, consumed_energy_j)}
    reduce = types.FunctionType(reduce_sums.__code__, {**reduce_sums.__globals__, **formulas}, "reduce_sums")
    return Kernels(costs, _parallel(reduce, folder))


def _compiled_source(device: Device, source: str, name: str, folder: Path | None) -> Callable[..., None]:
    """Compile the function ``name`` of a text over a device's record and cost function."""
    namespace: dict[str, Any] = {
        "__name__": __name__, "prange": prange, "Record": type(device.record), "OperatorRow": OperatorRow,
        "operator_cost": compiled(device.cost),
    }  # fmt: skip
    file = f"<{name}>" if folder is None else str(_written(folder / f"{name}.py", source))
    exec(compile(source, file, "exec"), namespace)
    kernel: Callable[..., None] = _parallel(namespace[name], folder)
    return kernel


def _warm(kernels: Kernels, fields: int) -> Kernels:
    """Compile or load the kernels by calling them on no points at all."""
    rows, none, first = np.ones((1, len(OperatorRow._fields))), np.empty((0, 1)), np.zeros(1, dtype=np.int64)
    kernels.costs(np.empty((0, fields)), rows, 1, none, none)
    one = np.ones(1)
    sums = Sums(first, first, one, one, first, one, np.ones((1, 3)), one, one)
    kernels.reduce(sums, none, none, np.empty(0), none, none)
    return kernels


def _parallel(function: Callable[..., None], folder: Path | None) -> Any:
    with _compiling:
        before = _config.CACHE_DIR
        _config.CACHE_DIR = "" if folder is None else str(folder)
        try:
            return numba.njit(function, parallel=True, error_model="numpy", fastmath=True, cache=folder is not None)
        finally:
            _config.CACHE_DIR = before


def cache_root() -> Path:
    """Return the folder of compiled kernels: ``HWSIM_CACHE_DIR``, or ``hwsim`` in the user's cache folder."""
    if chosen := os.environ.get("HWSIM_CACHE_DIR"):
        return Path(chosen) / "kernels"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "hwsim" / "kernels"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "hwsim" / "kernels"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hwsim" / "kernels"


def _cache_folder(key: str) -> Path | None:
    try:
        folder = cache_root() / key
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        _forget_old(folder.parent)
        return folder if os.access(folder, os.W_OK) else None
    except (OSError, RuntimeError):  # read-only home, or none at all
        return None


def _forget_old(root: Path) -> None:
    """Keep the most recently used caches; kernels of edited formulas are never asked for again."""
    folders = sorted((f for f in root.iterdir() if f.is_dir()), key=lambda f: f.stat().st_mtime, reverse=True)
    for folder in folders[KEPT_CACHES:]:
        shutil.rmtree(folder, ignore_errors=True)


def _written(path: Path, text: str) -> Path:
    """Write a file once and whole; its name stands for its content, so one that is there is right."""
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(text)
        os.replace(part, path)
    return path
