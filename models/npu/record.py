"""An NPU as its cost functions see it: one flat record of floats, one field for each number of the TOML file."""

from __future__ import annotations

from typing import NamedTuple


class Npu(NamedTuple):
    """An NPU: systolic arrays, a vector unit, on-chip memory with double-buffered tiles, main memory.

    Array rates are multiply-adds per cycle per cell; more than one stands for a cell that multiplies along k, 0 for a
    format without hardware, which runs in a wider one. The ``local`` fields are of row-stationary arrays only.
    """

    array_count: float
    array_rows: float
    array_columns: float
    clock_hz: float
    dataflow: float  # systolic.DATAFLOW_CODES, or 3 for row-stationary
    cycle_count: float  # systolic.COUNT_CODES
    array_achieved: float  # share of the cycles in which compiled code feeds the arrays
    macs_fp32: float
    macs_16bit: float
    macs_fp8: float
    macs_int8: float
    vector_operations: float  # operations a cycle of the vector unit, a multiply-add being two
    vector_exponentials: float  # exponentials a cycle
    sram_bytes: float
    sram_bandwidth_bytes_per_s: float
    memory_bytes: float
    memory_bandwidth_bytes_per_s: float
    memory_achieved: float
    memory_latency_s: float
    fixed_s: float  # start of a kernel
    idle_power_w: float
    power_limit_w: float
    energy_fp32_j: float  # per operation, a multiply-add being two
    energy_16bit_j: float
    energy_8bit_j: float
    energy_vector_j: float
    energy_sram_byte_j: float
    energy_memory_byte_j: float
    local_input_words: float
    local_filter_words: float
    local_sum_words: float
    filter_buffer_bytes: float
    bus_words: float  # partial sums a cycle between the buffer and the array, each way; filters a cycle too
    zero_share: float  # zeros among the input activations, compressed in main memory and not multiplied
    output_zero_share: float


#: TOML path -> record field.
RECORD_PATHS: dict[str, str] = {
    "array.count": "array_count",
    "array.rows": "array_rows",
    "array.columns": "array_columns",
    "array.clock": "clock_hz",
    "array.achieved": "array_achieved",
    "array.fp32": "macs_fp32",
    "array.bf16": "macs_16bit",
    "array.fp8": "macs_fp8",
    "array.int8": "macs_int8",
    "vector.operations": "vector_operations",
    "vector.exponentials": "vector_exponentials",
    "sram.capacity": "sram_bytes",
    "sram.bandwidth": "sram_bandwidth_bytes_per_s",
    "memory.capacity": "memory_bytes",
    "memory.bandwidth": "memory_bandwidth_bytes_per_s",
    "memory.achieved": "memory_achieved",
    "memory.latency": "memory_latency_s",
    "kernel.fixed": "fixed_s",
    "power.idle": "idle_power_w",
    "power.limit": "power_limit_w",
    "energy.fp32": "energy_fp32_j",
    "energy.bf16": "energy_16bit_j",
    "energy.int8": "energy_8bit_j",
    "energy.vector": "energy_vector_j",
    "energy.sram_byte": "energy_sram_byte_j",
    "energy.memory_byte": "energy_memory_byte_j",
    "local.input_words": "local_input_words",
    "local.filter_words": "local_filter_words",
    "local.sum_words": "local_sum_words",
    "local.filter_buffer": "filter_buffer_bytes",
    "local.bus_words": "bus_words",
    "local.zero_share": "zero_share",
    "local.output_zero_share": "output_zero_share",
}
