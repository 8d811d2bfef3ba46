"""A processor (one socket) as its cost functions see it: one flat record of floats, one field a number of its file."""

from __future__ import annotations

from typing import NamedTuple


class Cpu(NamedTuple):
    """One socket. Rates count operations (a multiply-add is two) per cycle per core; 0: no such unit."""

    cores: float
    clock_hz: float  # all cores under vector load
    vector_fp32: float
    vector_16bit: float
    vector_int8: float
    matrix_fp32: float  # matrix units (AMX, SMMLA); one shared by several cores counts its share
    matrix_16bit: float
    matrix_int8: float
    matrix_rows: float  # rows of a matrix unit's tile: fewer tokens are padded
    compute_achieved: float  # share of the peak that a long product reaches
    unpack: float  # stored weights narrower than a byte widened per cycle per core
    exponential: float  # exponentials per cycle per core
    cache_bytes: float  # last level, shared
    memory_bytes: float
    memory_bandwidth_bytes_per_s: float
    memory_achieved: float  # share of the channels that long streams of all cores reach
    memory_latency_s: float
    bytes_in_flight_per_core: float
    fixed_s: float  # hand work to all threads and wait for the last
    idle_power_w: float
    power_limit_w: float
    energy_flop_j: float  # fp32 on the vector units
    energy_narrow_flop_j: float  # 16 and 8 bit, vector or matrix units
    energy_memory_byte_j: float


#: TOML path -> record field.
RECORD_PATHS: dict[str, str] = {
    "cores": "cores",
    "clock": "clock_hz",
    "vector.fp32": "vector_fp32",
    "vector.bf16": "vector_16bit",
    "vector.int8": "vector_int8",
    "vector.unpack": "unpack",
    "vector.exponential": "exponential",
    "matrix.fp32": "matrix_fp32",
    "matrix.bf16": "matrix_16bit",
    "matrix.int8": "matrix_int8",
    "matrix.rows": "matrix_rows",
    "compute.achieved": "compute_achieved",
    "cache.capacity": "cache_bytes",
    "memory.capacity": "memory_bytes",
    "memory.bandwidth": "memory_bandwidth_bytes_per_s",
    "memory.achieved": "memory_achieved",
    "memory.latency": "memory_latency_s",
    "memory.bytes_in_flight_per_core": "bytes_in_flight_per_core",
    "kernel.fixed": "fixed_s",
    "power.idle": "idle_power_w",
    "power.limit": "power_limit_w",
    "energy.fp32": "energy_flop_j",
    "energy.narrow": "energy_narrow_flop_j",
    "energy.memory_byte": "energy_memory_byte_j",
}
