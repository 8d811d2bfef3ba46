"""The GPU as its cost functions see it: one flat record of floats, one field for each number of the TOML file."""

from __future__ import annotations

from typing import NamedTuple


class Gpu(NamedTuple):
    """A GPU. Rates count FLOPs (a multiply-add is two) per cycle per SM; a format without hardware has rate 0.

    Derived values (peak, achieved bandwidth) are computed inside the formulas, so that a sweep may vary any field.
    """

    sm_count: float
    clock_hz: float
    # Dense tensor-core FLOPs per cycle per SM; 0 where there is no hardware.
    rate_fp32: float
    rate_tf32: float
    rate_fp16: float
    rate_fp8: float
    rate_int8: float
    rate_int4: float
    rate_fp4: float
    vector_rate: float  # fp32 FLOPs per cycle per SM outside the tensor cores
    exponential_rate: float  # exponentials per cycle per SM
    l2_bytes: float
    l2_partitions: float  # 2 where each half of the SMs has a half of its own
    l2_bandwidth_bytes_per_cycle: float  # all of it, reads
    memory_bytes: float
    memory_bandwidth_bytes_per_s: float
    memory_achieved: float  # share of the pin bandwidth that long streams reach
    memory_latency_s: float  # an unloaded load that misses the L2
    bytes_in_flight_per_sm: float  # what one SM can have outstanding
    fixed_s: float  # shortest time of a kernel on the device: start, first load, drain
    # Matrix products: what their tiles, their pipelines and the L2 behind them reach.
    matmul_achieved: float  # share of the published tensor rate that a main loop on the largest tile reaches
    matmul_step_cycles: float  # cycles no 128-byte step of k goes below: load to use over the pipeline's stages
    matmul_store_cycles: float  # cycles to scale and store a tile of 128 x 256 results
    matmul_accumulators: float  # sets of accumulators of the largest tile; two hide the store of a tile
    matmul_rounding: float  # share of the last round's idle time that finer tiles and stream-K do not win back
    matmul_interference: float  # share of the second-slowest resource's time that the slowest does not hide
    matmul_l2_bytes_per_cycle: float  # L2 reads of all SMs together
    matmul_l2_share: float  # share of the L2's capacity that keeps what is used again
    matmul_fixed_s: float  # start, first load and drain
    matmul_dependent: float  # 1: launched dependent on the kernel before, a product sets up while that one ends
    quantise_fixed_s: float  # scaling activations to 8 or 4 bits: start and drain of that kernel
    quantise_value_s: float  # for each value of a row: the block that scales the row reads it twice
    quantise_row_s: float  # for each row: issuing its block
    quantise_grid_s: float  # instead of a block a row: the second pass of a kernel over the whole grid
    quantise_host_s: float  # block scales and operands narrower than a block: the host starts general kernels
    quantise_memory: float  # share of the pin bandwidth that reading and writing the values reaches
    attention_fixed_s: float  # attention: its kernels' start and drain, as runtimes launch them
    attention_append_s: float  # the kernel that writes new keys and values to the cache
    attention_append_row_s: float  # of it, for each head of each new token, beyond the bytes
    attention_block_s: float  # start and end of a thread block with heads of 128
    attention_ungrouped: float  # share of it where each KV head has one query head (vector units, no packing)
    attention_achieved: float  # share of the tensor rate that the products reach
    attention_memory: float  # share of the pin bandwidth that the KV's stream reaches
    attention_ramp_s: float  # until a KV that is not in the L2 streams at that rate, and its uneven end
    attention_combine_s: float  # the kernel that joins split results
    attention_split_s: float  # of it, for each part
    attention_in_flight: float  # blocks whose starts and ends overlap on an SM
    attention_value_tile: float  # widest value of a block's tile; wider heads are cut; 0: slower kernels serve them
    attention_cluster: float  # most KV parts that a cluster joins in shared memory; 0: a second kernel joins all
    attention_narrow: float  # 1: an 8-bit KV is multiplied in 8 bits, after scaling the queries; 0: in their format
    moe_fixed_s: float  # routed experts: start and drain of all their kernels
    moe_block_s: float  # start and end of a tile, weights' first load and results' store
    moe_achieved: float  # share of the tensor rate that the products reach
    moe_memory: float  # share of the pin bandwidth that the experts' weights stream at
    moe_unaligned: float  # share of that where rows of weights are no multiple of 16 values
    moe_interference: float  # share of the second-slowest resource's time that the slowest does not hide
    idle_power_w: float
    power_limit_w: float
    active_power_share: float  # of the limit: beyond idle while SMs run
    energy_fp32_j: float  # per FLOP
    energy_tf32_j: float
    energy_fp16_j: float
    energy_fp8_j: float
    energy_int8_j: float
    energy_fp4_j: float
    energy_vector_j: float  # per FLOP outside the tensor cores
    energy_l2_byte_j: float  # per byte between L2 and SM
    energy_memory_byte_j: float  # per byte between memory and L2


#: TOML path -> record field: what a device file states, ``--set`` changes and a sweep varies.
RECORD_PATHS: dict[str, str] = {
    "sm_count": "sm_count",
    "clock": "clock_hz",
    "tensor.fp32": "rate_fp32",
    "tensor.tf32": "rate_tf32",
    "tensor.fp16": "rate_fp16",
    "tensor.fp8": "rate_fp8",
    "tensor.int8": "rate_int8",
    "tensor.int4": "rate_int4",
    "tensor.fp4": "rate_fp4",
    "vector.fp32": "vector_rate",
    "vector.exponential": "exponential_rate",
    "l2.capacity": "l2_bytes",
    "l2.partitions": "l2_partitions",
    "l2.bytes_per_cycle": "l2_bandwidth_bytes_per_cycle",
    "memory.capacity": "memory_bytes",
    "memory.bandwidth": "memory_bandwidth_bytes_per_s",
    "memory.achieved": "memory_achieved",
    "memory.latency": "memory_latency_s",
    "memory.bytes_in_flight_per_sm": "bytes_in_flight_per_sm",
    "kernel.fixed": "fixed_s",
    "matmul.achieved": "matmul_achieved",
    "matmul.step_cycles": "matmul_step_cycles",
    "matmul.store_cycles": "matmul_store_cycles",
    "matmul.accumulators": "matmul_accumulators",
    "matmul.rounding": "matmul_rounding",
    "matmul.interference": "matmul_interference",
    "matmul.l2_bytes_per_cycle": "matmul_l2_bytes_per_cycle",
    "matmul.l2_share": "matmul_l2_share",
    "matmul.fixed": "matmul_fixed_s",
    "matmul.dependent": "matmul_dependent",
    "quantise.fixed": "quantise_fixed_s",
    "quantise.value": "quantise_value_s",
    "quantise.row": "quantise_row_s",
    "quantise.grid": "quantise_grid_s",
    "quantise.host": "quantise_host_s",
    "quantise.memory": "quantise_memory",
    "attention.fixed": "attention_fixed_s",
    "attention.append": "attention_append_s",
    "attention.append_row": "attention_append_row_s",
    "attention.block": "attention_block_s",
    "attention.ungrouped": "attention_ungrouped",
    "attention.achieved": "attention_achieved",
    "attention.memory": "attention_memory",
    "attention.ramp": "attention_ramp_s",
    "attention.combine": "attention_combine_s",
    "attention.split": "attention_split_s",
    "attention.in_flight": "attention_in_flight",
    "attention.value_tile": "attention_value_tile",
    "attention.cluster": "attention_cluster",
    "attention.narrow": "attention_narrow",
    "moe.fixed": "moe_fixed_s",
    "moe.block": "moe_block_s",
    "moe.achieved": "moe_achieved",
    "moe.memory": "moe_memory",
    "moe.unaligned": "moe_unaligned",
    "moe.interference": "moe_interference",
    "power.idle": "idle_power_w",
    "power.limit": "power_limit_w",
    "power.active_share": "active_power_share",
    "energy.fp32": "energy_fp32_j",
    "energy.tf32": "energy_tf32_j",
    "energy.fp16": "energy_fp16_j",
    "energy.fp8": "energy_fp8_j",
    "energy.int8": "energy_int8_j",
    "energy.fp4": "energy_fp4_j",
    "energy.vector": "energy_vector_j",
    "energy.l2_byte": "energy_l2_byte_j",
    "energy.memory_byte": "energy_memory_byte_j",
}
