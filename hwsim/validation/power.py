"""Measured board power of kernels beside the model's: ``energy / latency``, by the code path of `hwsim.estimate`.

The measurements (``kernel_power_h200.csv`` of ``HWSIM_DATA_DIR``; aiconfigurator's vLLM collection, Apache-2.0) are
means of samples of a meter that shows the mean of its last second, taken while a kernel repeats: of a short one's
reading little is its own. `hwsim.validation.meter` tells how much.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.errors import InputError
from hwsim.hardware import Device
from hwsim.rows import OperatorRow, lower
from hwsim.validation.targets import Floats, held_out

FILES = {"h200-sxm-141gb": "kernel_power_h200.csv"}
SETTLED_S = 1e-4  # kernels from here on were repeated for a second
PUBLIC = "aiconfigurator's vLLM 0.22 collection on an H200 (github.com/ai-dynamo/aiconfigurator)"
NEIGHBOURS = 6  # measured kernels whose median is the noise floor's prediction


@dataclass(frozen=True, kw_only=True)
class KernelPower:
    """Measured kernels; all arrays have the shape (kernels,)."""

    family: NDArray[np.str_]
    keys: list[tuple[int, ...]]
    rows: list[OperatorRow]
    latency_s: Floats
    power_w: Floats
    limit_w: Floats
    held_out: NDArray[np.bool_]

    def where(self, chosen: NDArray[np.bool_]) -> KernelPower:
        """The kernels that a mask chooses."""
        return self.at(np.flatnonzero(chosen))

    def at(self, places: NDArray[np.int64]) -> KernelPower:
        """The kernels at some places."""
        found: dict[str, Any] = {name: [getattr(self, name)[each] for each in places] for name in ("keys", "rows")}
        found |= {each.name: getattr(self, each.name)[places] for each in fields(self) if each.name not in found}
        return KernelPower(**found)


def joined(parts: Sequence[KernelPower]) -> KernelPower:
    """All kernels of several tables."""
    found: dict[str, Any] = {name: [one for part in parts for one in getattr(part, name)] for name in ("keys", "rows")}
    names = [each.name for each in fields(KernelPower) if each.name not in found]
    found |= {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return KernelPower(**found)


def load(device: str, folder: str | None = None) -> KernelPower:
    """Read the measured kernels of a device from ``folder``, by default ``HWSIM_DATA_DIR``.

    Raises
    ------
    InputError : no folder, no such device, or no file
    """
    folder = folder or os.environ.get("HWSIM_DATA_DIR")
    if device not in FILES:
        raise InputError(f"kernel power: '{device}' was not measured; allowed: {', '.join(FILES)}")
    if not folder or not (Path(folder) / FILES[device]).is_file():
        raise InputError(f"kernel power: HWSIM_DATA_DIR names no folder with {FILES[device]}: {PUBLIC}")
    with (Path(folder) / FILES[device]).open(newline="") as file:
        return from_table(list(csv.DictReader(file)))


def from_table(table: Sequence[dict[str, Any]]) -> KernelPower:
    """Measured kernels of a table's lines, with the columns of the public collection."""
    keys, rows = zip(*(_operator(line) for line in table), strict=True)
    columns = {
        name: np.array([float(line[name]) for line in table]) for name in ("latency_ms", "power_w", "power_limit_w")
    }
    return KernelPower(
        family=np.array([f"{line['family']} {line['gemm_dtype'] or line['kv_cache_dtype']}" for line in table]),
        keys=list(keys), rows=list(rows), latency_s=columns["latency_ms"] * 1e-3, power_w=columns["power_w"],
        limit_w=columns["power_limit_w"], held_out=np.array([bool(held_out(np.array([key]))[0]) for key in keys]),
    )  # fmt: skip


def _operator(line: dict[str, Any]) -> tuple[tuple[int, ...], OperatorRow]:
    """Key (as `Targets` has it) and flat operator of a line, as `hwsim.estimate` builds them."""
    from hwsim.estimation import KINDS

    if line["family"] == "gemm":
        m, n, k = (float(line[name]) for name in "mnk")
        block = line["gemm_dtype"] == "fp8_block"
        formats: dict[str, Any] = {"dtype": "fp8_e4m3", "scaling": "block"} if block else {"dtype": "bf16"}
        return (int(m), int(n), int(k)), lower(KINDS["matmul"][0](m=m, n=n, k=k, **formats))
    if line["family"] == "moe":
        return _experts(line)
    names = ("batch_size", "isl", "step", "num_heads", "num_key_value_heads", "head_dim", "window_size")
    batch, isl, step, heads, kv_heads, head_dim, window = (float(line[name]) for name in names)
    decode = line["family"] == "generation_attention"
    operator = KINDS["attention"][0](
        batch=batch, query_length=1.0 if decode else isl, kv_length=isl + step, heads=heads,
        kv_heads=kv_heads or heads, head_dim=head_dim, window=window, dtype="bf16",
        kv_dtype="fp8_e4m3" if line["kv_cache_dtype"] == "fp8" else "bf16",
    )  # fmt: skip
    return tuple(int(value) for value in (batch, isl + step, heads, kv_heads, head_dim)), lower(operator)


def _experts(line: dict[str, Any]) -> tuple[tuple[int, ...], OperatorRow]:
    from hwsim.estimation import KINDS
    from hwsim.validation.tables_moe import FORMATS, KEYS, UNGATED

    key = tuple(int(line[name]) for name in KEYS)
    tokens, hidden, intermediate, top_k, experts, tensor, _ = (float(value) for value in key)
    operator = KINDS["moe"][0](
        tokens=tokens, hidden=hidden, intermediate=intermediate / tensor, experts=experts, top_k=top_k,
        gated=key[2:5] not in UNGATED, **FORMATS[line["gemm_dtype"]][1],
    )  # fmt: skip
    return key, lower(operator)


def activities(device: Device, rows: KernelPower, paths: Sequence[str]) -> Floats:
    """Joules of each kernel per unit of each constant, (paths, kernels): FLOPs, bytes, and watts of the limit x busy s.

    Energy is linear in these constants, so each is read off the formula with all others at 0 and no limit in the way.
    """
    energies = {field: 0.0 for field in device.record._fields if field.startswith("energy_")}
    none = device.record._replace(**energies, idle_power_w=0.0, active_power_share=0.0, power_limit_w=1e30)
    limit = device.record.power_limit_w
    found = np.empty((len(paths), len(rows.rows)))
    for index, path in enumerate(paths):
        field = device.record_paths[path]
        unit = 1e-30 * limit if field == "active_power_share" else 1.0
        record = none._replace(**{field: unit})
        found[index] = [device.cost(record, row).energy_j for row in rows.rows]
    return found


def predicted_w(device: Device, rows: KernelPower, latency_s: Floats | None = None) -> Floats:
    """Board power of a kernel that repeats: energy over latency as `hwsim.estimate` gives both.

    With a measured latency the same energy is spent in that time, up to the limit.
    """
    costs = [device.cost(device.record, row) for row in rows.rows]
    energy = np.array([cost.energy_j for cost in costs])
    own = np.array([cost.latency_s for cost in costs])
    if latency_s is None:
        found: Floats = energy / own
        return found
    idle = device.idle_power_w
    held: Floats = np.minimum(idle + (energy - idle * own) / latency_s, held_w(device))
    return held


def held_w(device: Device) -> float:
    """Watts of a board that its limit slows: what the model gives of a product that would draw far more."""
    from hwsim.models.gpu.power import HELD_SHARE

    return HELD_SHARE * float(device.record.power_limit_w)


def neighbour_w(rows: KernelPower) -> Floats:
    """The noise floor's prediction: the median reading of the nearest other kernels of the family.

    Near by latency, FLOP/s and bytes/s, each as a logarithm: what a model of the kernel alone could at best know.
    """
    flops = np.array([row.flops for row in rows.rows])
    moved = np.array([row.bytes for row in rows.rows])
    place = np.log(np.stack([rows.latency_s, flops / rows.latency_s, moved / rows.latency_s], axis=1))
    found = np.empty(len(rows.power_w))
    for name in np.unique(rows.family):
        (of_family,) = np.nonzero(rows.family == name)
        for index in of_family:
            distance = np.abs(place[of_family] - place[index]).sum(axis=1)
            distance[of_family == index] = np.inf
            found[index] = np.median(rows.power_w[of_family[np.argsort(distance)[:NEIGHBOURS]]])
    return found
