"""Routed experts on a GPU: two grouped products over the experts in use, with the kernels around them.

Tokens are sorted by expert, every expert's rows are cut into tiles of 16 to 128, all tiles of all experts run in one
kernel a product, and the results are weighted and summed. Most calls are bound by streaming the weights of the experts
in use. See docs/methods/gpu_moe.md.
"""

from __future__ import annotations

from math import ceil, floor
from typing import NamedTuple

from hwsim.cost import cost_function
from hwsim.models.gpu.arithmetic import flop_energy_j, tensor_rate
from hwsim.models.gpu.memory import assembled, overlapped
from hwsim.models.gpu.record import Gpu
from hwsim.rows import OperatorCost, OperatorRow

ROW_TILES = 4  # tiles of 16, 32, 64 and 128 rows of one expert
SMALLEST_TILE = 16.0  # rows: the least of a tensor-core instruction
COLUMN_TILE = 128.0  # columns of a tile
TAIL = 0.5  # waves lost where several tiles an SM end unevenly
PARTIAL_TILE = 0.5  # of a tile that an expert fills on average of its last one, where loads differ
LOAD_VALUES = 16.0  # rows of weights that are no multiple of this many values are loaded value by value


class Experts(NamedTuple):
    """The experts in use: how many, the tokens they get together, and whether all get as many."""

    touched: float
    pairs: float
    balanced: float


@cost_function
def row_tiles(experts: Experts, tile: float) -> float:
    """Tiles of ``tile`` rows over all experts: whole tiles of each."""
    mean = experts.pairs / experts.touched
    if experts.balanced > 0.0:
        return experts.touched * ceil(mean / tile - 1e-9)
    return max(experts.touched, experts.pairs / tile + PARTIAL_TILE * experts.touched)


@cost_function
def weight_bandwidth(gpu: Gpu, row: OperatorRow) -> float:
    """Bytes/s at which weights stream: less where their rows do not allow vector loads."""
    bandwidth = gpu.memory_bandwidth_bytes_per_s * gpu.moe_memory
    aligned = row.intermediate == LOAD_VALUES * floor(row.intermediate / LOAD_VALUES)
    return bandwidth if aligned else bandwidth * gpu.moe_unaligned


@cost_function
def products_s(gpu: Gpu, row: OperatorRow, experts: Experts, tile: float, n: float, k: float) -> float:
    """Seconds of the tiles of one grouped product on the SMs."""
    tile_s = 2.0 * tile * COLUMN_TILE * k / (tensor_rate(gpu, row.arithmetic) * gpu.moe_achieved) / gpu.clock_hz
    waves = row_tiles(experts, tile) * ceil(n / COLUMN_TILE) / gpu.sm_count
    return (1.0 if waves <= 1.0 else waves + TAIL) * (tile_s + gpu.moe_block_s)


@cost_function
def grouped(gpu: Gpu, row: OperatorRow, experts: Experts, n: float, k: float) -> OperatorCost:
    """One product for every expert in use, with the tile height that is fastest; the launch is counted once, in moe."""
    weights = experts.touched * n * k * row.stored_bytes
    activations = experts.pairs * (k + n) * row.dtype_bytes
    memory_s = (weights + activations) / weight_bandwidth(gpu, row)
    compute_s = 1e300
    tile = SMALLEST_TILE
    flops = 0.0  # of whole tiles
    for _ in range(ROW_TILES):
        seconds = products_s(gpu, row, experts, tile, n, k)
        if seconds < compute_s:
            compute_s, flops = seconds, 2.0 * row_tiles(experts, tile) * tile * n * k
        tile = 2.0 * tile
    dynamic_j = flops * flop_energy_j(gpu, row.arithmetic) + (weights + activations) * (
        gpu.energy_l2_byte_j + gpu.energy_memory_byte_j
    )
    busy_s = overlapped(compute_s, memory_s, 0.0, gpu.moe_interference)
    return assembled(gpu, busy_s, compute_s, memory_s, 0.0, 0.0, dynamic_j)


@cost_function
def moe(gpu: Gpu, row: OperatorRow) -> OperatorCost:
    """Cost of a layer's routed experts: sort and permute, up (and gate), activation, down, weighted sum.

    ``latency = fixed + sum over both products of the slower of tiles and stream, plus a share of the other
    + traffic of the kernels around them``.
    """
    pairs = row.tokens * row.top_k
    experts = Experts(max(1.0, row.experts_touched), pairs, 1.0 if row.load_peak <= 1.0 else 0.0)
    up = grouped(gpu, row, experts, (row.matrices - 1.0) * row.intermediate, row.hidden)
    down = grouped(gpu, row, experts, row.hidden, row.intermediate)
    # Rows that belong to other devices' experts are never gathered, yet activation and sum pass over all rows.
    rows = max(pairs, row.all_pairs)
    passes = rows * (row.matrices * row.intermediate + row.hidden) + pairs * row.hidden
    around = 2.0 * (passes + 2.0 * row.tokens * row.hidden)
    around_s = around / (gpu.memory_bandwidth_bytes_per_s * gpu.moe_memory)
    dynamic_j = around * (gpu.energy_l2_byte_j + gpu.energy_memory_byte_j)
    rest = assembled(gpu, around_s, 0.0, around_s, 0.0, gpu.moe_fixed_s, dynamic_j)
    longest = up if up.latency_s >= down.latency_s else down
    return OperatorCost(
        up.latency_s + down.latency_s + rest.latency_s,
        up.energy_j + down.energy_j + rest.energy_j,
        up.compute_s + down.compute_s,
        up.memory_s + down.memory_s + rest.memory_s,
        0.0,
        0.0,
        rest.fixed_s,
        rest.bound if rest.latency_s > up.latency_s + down.latency_s else longest.bound,
    )
