"""Fused attention on a GPU (FlashAttention): tiles of queries over the KV, with the KV split where queries are few."""

from __future__ import annotations

from math import ceil

from hwsim.cost import cost_function
from hwsim.models.gpu.arithmetic import flop_energy_j, tensor_rate
from hwsim.models.gpu.memory import kernel_cost, l2_bandwidth, memory_bandwidth
from hwsim.models.gpu.record import Gpu
from hwsim.rows import OperatorCost, OperatorRow

QUERY_TILES = (128.0, 64.0, 16.0)  # query rows of a thread block; query heads of a KV head share a tile in decode
QUERY_TILE_COUNT = 3
SPLITS = 8  # the KV is cut 1, 2, 4, ... 128 ways
KEY_TILE = 64.0  # keys a step
SOFTMAX_OPERATIONS = 6.0  # vector operations a score beside its exponential: scale, maximum, subtract, sum, convert
OVERLAP = 0.5  # share of the softmax's time hidden under products of the other warp group


@cost_function
def block_cycles(gpu: Gpu, row: OperatorRow, rows: float, keys: float) -> float:
    """Cycles of one thread block: ``rows`` queries over ``keys`` keys, products and the softmax between them."""
    width = row.head_dim + row.value_head_dim
    products = 2.0 * rows * keys * width / (tensor_rate(gpu, row.arithmetic) * gpu.tensor_achieved)
    operands = gpu.operand_cycles * (rows + keys) * width * row.dtype_bytes / 2.0
    scores = rows * keys * (1.0 / gpu.exponential_rate + SOFTMAX_OPERATIONS / gpu.vector_rate)
    return products + operands + max(OVERLAP * scores, scores - products)


@cost_function
def visible_keys(row: OperatorRow) -> float:
    """Keys a query sees on average, from the operator's own FLOPs (mask and window counted)."""
    per_key = 2.0 * row.batch * row.heads * row.query_length * (row.head_dim + row.value_head_dim)
    return row.flops / per_key


@cost_function
def split_cost(gpu: Gpu, row: OperatorRow, tile: float, split: float) -> OperatorCost:
    """Cost with query tiles of ``tile`` rows and the KV cut ``split`` ways."""
    group = row.heads / row.kv_heads
    queries = row.query_length * group  # rows that share a KV head
    tiles = row.batch * row.kv_heads * ceil(queries / tile)
    keys = KEY_TILE * ceil((visible_keys(row) + 0.5 * KEY_TILE * min(1.0, row.query_length - 1.0)) / split / KEY_TILE)
    blocks = tiles * split
    active = min(blocks, gpu.sm_count)
    work = block_cycles(gpu, row, tile, keys)
    waves = max(blocks / gpu.sm_count, 1.0)
    tail = 0.5 * work if blocks > gpu.sm_count else 0.0  # the longest blocks start first; the last ones are half idle
    compute_s = (waves * work + tail + gpu.tile_fill_cycles) / gpu.clock_hz
    results = row.batch * row.heads * row.query_length * row.value_head_dim
    partial = 0.0 if split == 1.0 else 8.0 * split * results
    width = row.head_dim + row.value_head_dim
    cached = blocks * keys * width * row.stored_bytes + row.bytes + partial
    dynamic = (
        row.flops * flop_energy_j(gpu, row.arithmetic)
        + cached * gpu.energy_l2_byte_j
        + row.bytes * gpu.energy_memory_byte_j
    )
    fixed = gpu.fixed_s + (gpu.reduction_s if split > 1.0 else 0.0)
    return kernel_cost(
        gpu, compute_s, row.bytes / memory_bandwidth(gpu, active), cached / l2_bandwidth(gpu, active), fixed, dynamic
    )


@cost_function
def attention(gpu: Gpu, row: OperatorRow) -> OperatorCost:
    """Cost of the fastest query tile and KV split."""
    best = OperatorCost(1e300, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for index in range(QUERY_TILE_COUNT):
        tile = QUERY_TILES[index]
        split = 1.0
        for _ in range(SPLITS):
            cost = split_cost(gpu, row, tile, split)
            if cost.latency_s < best.latency_s:
                best = cost
            if KEY_TILE * split >= visible_keys(row):
                break
            split = 2.0 * split
    return best
