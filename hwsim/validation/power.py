"""Measured board power of kernels beside the model's: ``energy / latency``, by the code path of `hwsim.estimate`.

The measurements (``kernel_power_h200.csv`` of ``HWSIM_DATA_DIR``; aiconfigurator's vLLM collection, Apache-2.0) are
means of samples 0.1 s apart of a meter that itself averages over about a second. A kernel repeats for a second where
one call takes 0.1 ms or more, else for 0.3 s or less, so that short kernels' readings are mostly of what ran before.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class KernelPower:
    """Measured kernels; all arrays have the shape (kernels,)."""

    family: NDArray[np.str_]
    rows: list[OperatorRow]
    latency_s: Floats
    power_w: Floats
    limit_w: Floats
    held_out: NDArray[np.bool_]

    def where(self, chosen: NDArray[np.bool_]) -> KernelPower:
        """The kernels that a mask chooses."""
        rows = [row for row, keep in zip(self.rows, chosen, strict=True) if keep]
        return KernelPower(
            family=self.family[chosen], rows=rows, latency_s=self.latency_s[chosen], power_w=self.power_w[chosen],
            limit_w=self.limit_w[chosen], held_out=self.held_out[chosen],
        )  # fmt: skip


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
        table = list(csv.DictReader(file))
    keys, rows = zip(*(_operator(line) for line in table), strict=True)
    held = np.array([bool(held_out(np.array([key]))[0]) for key in keys])
    columns = {
        name: np.array([float(line[name]) for line in table]) for name in ("latency_ms", "power_w", "power_limit_w")
    }
    return KernelPower(
        family=np.array([f"{line['family']} {line['gemm_dtype'] or line['kv_cache_dtype']}" for line in table]),
        rows=list(rows), latency_s=columns["latency_ms"] * 1e-3, power_w=columns["power_w"],
        limit_w=columns["power_limit_w"], held_out=held,
    )  # fmt: skip


def _operator(line: dict[str, str]) -> tuple[tuple[int, ...], OperatorRow]:
    """Key (as `Targets` has it) and flat operator of a line, as `hwsim.estimate` builds them."""
    from hwsim.estimation import KINDS

    if line["family"] == "gemm":
        m, n, k = (float(line[name]) for name in "mnk")
        block = line["gemm_dtype"] == "fp8_block"
        formats: dict[str, Any] = {"dtype": "fp8_e4m3", "scaling": "block"} if block else {"dtype": "bf16"}
        return (int(m), int(n), int(k)), lower(KINDS["matmul"][0](m=m, n=n, k=k, **formats))
    names = ("batch_size", "isl", "step", "num_heads", "num_key_value_heads", "head_dim", "window_size")
    batch, isl, step, heads, kv_heads, head_dim, window = (float(line[name]) for name in names)
    decode = line["family"] == "generation_attention"
    operator = KINDS["attention"][0](
        batch=batch, query_length=1.0 if decode else isl, kv_length=isl + step, heads=heads,
        kv_heads=kv_heads or heads, head_dim=head_dim, window=window, dtype="bf16",
        kv_dtype="fp8_e4m3" if line["kv_cache_dtype"] == "fp8" else "bf16",
    )  # fmt: skip
    return tuple(int(value) for value in (batch, isl + step, heads, kv_heads, head_dim)), lower(operator)


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
    """Board power: energy over latency as `hwsim.estimate` gives both, or over a measured latency, up to the limit."""
    costs = [device.cost(device.record, row) for row in rows.rows]
    energy = np.array([cost.energy_j for cost in costs])
    own = np.array([cost.latency_s for cost in costs])
    if latency_s is None:
        found: Floats = energy / own
        return found
    idle = device.idle_power_w
    held: Floats = np.minimum(idle + (energy - idle * own) / latency_s, device.record.power_limit_w)
    return held


def errors(device: Device, rows: KernelPower) -> dict[str, str]:
    """Mean and median error of the power by measured and by predicted latency, for all kernels and by family."""
    measured, own = predicted_w(device, rows, rows.latency_s), predicted_w(device, rows)
    settled = rows.latency_s >= SETTLED_S
    groups = {"all": settled | True, "held out": rows.held_out, "settled": settled}
    groups |= {"settled, held out": settled & rows.held_out}
    groups |= {f"settled {name}": settled & (rows.family == name) for name in np.unique(rows.family)}
    return {name: _line(measured, own, rows, chosen) for name, chosen in groups.items()}


def _line(measured: Floats, own: Floats, rows: KernelPower, chosen: NDArray[np.bool_]) -> str:
    parts = [f"{int(chosen.sum())} kernels"]
    for label, watts in (("measured latency", measured), ("predicted latency", own)):
        signed = watts[chosen] / rows.power_w[chosen] - 1.0
        size = np.abs(signed)
        parts.append(f"{label} {size.mean():.3f} (median {np.median(size):.3f}, bias {signed.mean():+.3f})")
    return ", ".join(parts)
