"""A flash chiplet with an NPU beside it, as its cost functions see it: one flat record of floats."""

from __future__ import annotations

from typing import NamedTuple


class FlashChiplet(NamedTuple):
    """NAND dies with a compute core each, on channel buses, joined to an NPU with its own DRAM.

    A page holds a block of a weight matrix. A die's core multiplies the page in one plane by the input that its
    channel has broadcast, while the other planes serve plain reads for the NPU.
    """

    channels: float
    chips: float  # per channel
    dies: float  # per chip; each has one compute core
    planes: float  # per die
    page_bytes: float
    read_s: float  # tR: array to page register
    program_s: float
    erase_s: float
    die_bytes: float
    bus_bandwidth_bytes_per_s: float  # of one channel
    bus_slice_bytes: float  # a plain read crosses the bus in slices of this size
    bus_slicing: float  # 1: slices let inputs and results of the cores pass; 0: a page holds the bus until it is over
    core_macs: float  # multiply-adds per cycle of one core
    core_clock_hz: float
    core_buffer_bytes: float  # input buffer, and an output buffer of the same size
    tile_columns: float  # columns of a tile over all channels; 0: the power of two that moves the fewest bytes
    split_npu: float  # 1: the NPU computes its share of every matrix; 0: the flash computes all
    array_count: float
    array_rows: float
    array_columns: float
    npu_clock_hz: float
    npu_lanes: float  # of the vector unit
    npu_sram_bytes: float
    d2d_bandwidth_bytes_per_s: float  # die-to-die link between flash and NPU
    dram_bytes: float
    dram_bandwidth_bytes_per_s: float
    idle_power_w: float
    energy_nand_bit_j: float  # array to page register
    energy_bus_bit_j: float
    energy_d2d_bit_j: float
    energy_core_j: float  # per operation of an on-die core, buffers included
    energy_npu_j: float  # per operation of the NPU
    energy_sram_byte_j: float
    energy_dram_bit_j: float


#: TOML path -> record field.
RECORD_PATHS: dict[str, str] = {
    "nand.channels": "channels",
    "nand.chips": "chips",
    "nand.dies": "dies",
    "nand.planes": "planes",
    "nand.page": "page_bytes",
    "nand.read": "read_s",
    "nand.program": "program_s",
    "nand.erase": "erase_s",
    "nand.die_capacity": "die_bytes",
    "bus.bandwidth": "bus_bandwidth_bytes_per_s",
    "bus.slice": "bus_slice_bytes",
    "bus.slicing": "bus_slicing",
    "core.macs": "core_macs",
    "core.clock": "core_clock_hz",
    "core.buffer": "core_buffer_bytes",
    "tiling.columns": "tile_columns",
    "tiling.npu": "split_npu",
    "npu.arrays": "array_count",
    "npu.rows": "array_rows",
    "npu.columns": "array_columns",
    "npu.clock": "npu_clock_hz",
    "npu.lanes": "npu_lanes",
    "npu.sram": "npu_sram_bytes",
    "link.bandwidth": "d2d_bandwidth_bytes_per_s",
    "memory.capacity": "dram_bytes",
    "memory.bandwidth": "dram_bandwidth_bytes_per_s",
    "power.idle": "idle_power_w",
    "energy.nand_bit": "energy_nand_bit_j",
    "energy.bus_bit": "energy_bus_bit_j",
    "energy.link_bit": "energy_d2d_bit_j",
    "energy.core": "energy_core_j",
    "energy.npu": "energy_npu_j",
    "energy.sram_byte": "energy_sram_byte_j",
    "energy.memory_bit": "energy_dram_bit_j",
}
