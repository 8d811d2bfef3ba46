"""A system on a chip as its cost functions see it: three units and the DRAM they share, as one flat record."""

from __future__ import annotations

from typing import NamedTuple


class Unit(NamedTuple):
    """One processor. A product of m rows runs at ``rate x min(1, m / full_rows)``, the supplied curve; rate 0: never.

    Below ``full_rows`` the unit takes the time of that many rows, unless its vector unit or its bandwidth says sooner.
    """

    rate_16bit: float  # operations/s that large products reach, a multiply-add being two
    rate_int8: float
    rate_int4: float
    full_rows: float
    call_s: float
    vector_per_s: float
    bandwidth_bytes_per_s: float
    power_w: float  # above idle, while busy, DRAM not in it
    energy_byte_j: float  # of the DRAM


class Soc(NamedTuple):
    """CPU, GPU and NPU as in `Unit`; together they never move more than ``shared_bytes_per_s``."""

    memory_bytes: float
    memory_bandwidth_bytes_per_s: float
    shared_bytes_per_s: float
    memory_energy_byte_j: float
    idle_power_w: float
    cpu_rate_16bit: float
    cpu_rate_int8: float
    cpu_rate_int4: float
    cpu_full_rows: float
    cpu_call_s: float
    cpu_vector_per_s: float
    cpu_bandwidth_bytes_per_s: float
    cpu_power_w: float
    gpu_rate_16bit: float
    gpu_rate_int8: float
    gpu_rate_int4: float
    gpu_full_rows: float
    gpu_call_s: float
    gpu_vector_per_s: float
    gpu_bandwidth_bytes_per_s: float
    gpu_power_w: float
    npu_rate_16bit: float
    npu_rate_int8: float
    npu_rate_int4: float
    npu_full_rows: float
    npu_call_s: float
    npu_vector_per_s: float
    npu_bandwidth_bytes_per_s: float
    npu_power_w: float


UNITS = ("cpu", "gpu", "npu")
_FIELDS = {
    "bf16": "rate_16bit", "int8": "rate_int8", "int4": "rate_int4", "full_rows": "full_rows", "call": "call_s",
    "vector": "vector_per_s", "bandwidth": "bandwidth_bytes_per_s", "power": "power_w",
}  # fmt: skip

#: TOML path -> record field.
RECORD_PATHS: dict[str, str] = {
    "memory.capacity": "memory_bytes",
    "memory.bandwidth": "memory_bandwidth_bytes_per_s",
    "memory.shared": "shared_bytes_per_s",
    "memory.energy_byte": "memory_energy_byte_j",
    "power.idle": "idle_power_w",
    **{f"{unit}.{key}": f"{unit}_{field}" for unit in UNITS for key, field in _FIELDS.items()},
}
