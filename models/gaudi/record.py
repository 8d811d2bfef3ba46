"""A Gaudi as its cost functions see it: one flat record of floats, one field for each number of the TOML file."""

from __future__ import annotations

from typing import NamedTuple


class Gaudi(NamedTuple):
    """A Gaudi: output-stationary matrix engines (MME), tensor processor cores (TPC), one shared SRAM, HBM.

    Engine rates are multiply-adds per cycle per cell; a format without hardware has rate 0 and runs in a wider one.
    """

    engine_count: float
    engine_rows: float
    engine_columns: float
    engine_clock_hz: float
    macs_fp32: float
    macs_tf32: float
    macs_16bit: float
    macs_fp8: float
    switch_cycles: float  # cycles an engine loses between two output tiles; fill and drain are double-buffered
    core_count: float  # TPCs
    core_clock_hz: float
    core_lanes_16bit: float  # 16-bit lanes of one TPC's vector unit
    core_exponential: float  # exponentials per cycle per TPC
    sram_bytes: float
    sram_bandwidth_bytes_per_s: float
    memory_bytes: float
    memory_bandwidth_bytes_per_s: float
    memory_achieved: float
    fixed_s: float  # start of a kernel inside a recorded graph
    idle_power_w: float
    power_limit_w: float
    energy_fp32_j: float  # per FLOP
    energy_16bit_j: float
    energy_fp8_j: float
    energy_core_j: float  # per FLOP on the TPCs
    energy_sram_byte_j: float
    energy_memory_byte_j: float


#: TOML path -> record field.
RECORD_PATHS: dict[str, str] = {
    "engine.count": "engine_count",
    "engine.rows": "engine_rows",
    "engine.columns": "engine_columns",
    "engine.clock": "engine_clock_hz",
    "engine.fp32": "macs_fp32",
    "engine.tf32": "macs_tf32",
    "engine.bf16": "macs_16bit",
    "engine.fp8": "macs_fp8",
    "engine.switch_cycles": "switch_cycles",
    "core.count": "core_count",
    "core.clock": "core_clock_hz",
    "core.lanes": "core_lanes_16bit",
    "core.exponential": "core_exponential",
    "sram.capacity": "sram_bytes",
    "sram.bandwidth": "sram_bandwidth_bytes_per_s",
    "memory.capacity": "memory_bytes",
    "memory.bandwidth": "memory_bandwidth_bytes_per_s",
    "memory.achieved": "memory_achieved",
    "kernel.fixed": "fixed_s",
    "power.idle": "idle_power_w",
    "power.limit": "power_limit_w",
    "energy.fp32": "energy_fp32_j",
    "energy.bf16": "energy_16bit_j",
    "energy.fp8": "energy_fp8_j",
    "energy.core": "energy_core_j",
    "energy.sram_byte": "energy_sram_byte_j",
    "energy.memory_byte": "energy_memory_byte_j",
}
