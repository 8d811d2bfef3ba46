"""An FPGA design as its cost functions see it: one flat record of floats, one field a number of its file."""

from __future__ import annotations

from typing import NamedTuple

OVERLAY, DATAFLOW = 0.0, 1.0
STYLES = {"overlay": OVERLAY, "dataflow": DATAFLOW}


class Fpga(NamedTuple):
    """A design on a part. An overlay runs any network on DSP chains; a dataflow design unrolls one small network."""

    style: float
    clock_hz: float
    cores: float  # equal cores, one a die region (SLR)
    core_balance: float  # share of the cores' sum that work divided over them reaches
    matrix_macs: float  # multiply-adds per cycle per core in matrix-matrix mode (two tokens share a multiplier)
    matrix_tile_rows: float  # tokens a matrix-matrix pass takes; fewer are padded
    vector_macs: float  # multiply-adds per cycle per core in matrix-vector mode
    vector_tile_columns: float  # outputs of a matrix-vector pass; fewer are padded
    lanes: float  # special-function lanes a core
    softmax_passes: float
    norm_passes: float
    channels_per_core: float  # memory channels a core reads at once
    channel_bandwidth_bytes_per_s: float
    channel_achieved: float
    buffer_bytes: float  # on-chip activations; what is larger goes to memory
    memory_bytes: float
    memory_bandwidth_bytes_per_s: float  # pins of the part
    multipliers_per_output: float  # dataflow: multipliers an output; the reuse factor is inputs / multipliers
    step_cycles: float  # dataflow: cycles of a layer beyond its reuse: read, accumulate, activate, write
    idle_power_w: float
    power_limit_w: float
    energy_mac_j: float
    energy_lane_j: float  # per special-function operation
    energy_memory_byte_j: float


#: TOML path -> record field.
RECORD_PATHS: dict[str, str] = {
    "clock": "clock_hz",
    "overlay.cores": "cores",
    "overlay.core_balance": "core_balance",
    "overlay.matrix_macs": "matrix_macs",
    "overlay.matrix_tile_rows": "matrix_tile_rows",
    "overlay.vector_macs": "vector_macs",
    "overlay.vector_tile_columns": "vector_tile_columns",
    "overlay.lanes": "lanes",
    "overlay.softmax_passes": "softmax_passes",
    "overlay.norm_passes": "norm_passes",
    "overlay.channels_per_core": "channels_per_core",
    "overlay.channel_bandwidth": "channel_bandwidth_bytes_per_s",
    "overlay.channel_achieved": "channel_achieved",
    "overlay.buffer": "buffer_bytes",
    "dataflow.multipliers_per_output": "multipliers_per_output",
    "dataflow.step_cycles": "step_cycles",
    "power.idle": "idle_power_w",
    "power.limit": "power_limit_w",
    "energy.mac": "energy_mac_j",
    "energy.lane": "energy_lane_j",
    "energy.memory_byte": "energy_memory_byte_j",
}
