"""Matrix products on a GPU: a search over tile shapes and splits of k, waves over SMs, traffic at two levels."""

from __future__ import annotations

from math import ceil, sqrt
from typing import NamedTuple

from hwsim.cost import cost_function
from hwsim.models.gpu.arithmetic import flop_energy_j, tensor_rate
from hwsim.models.gpu.memory import kernel_cost, l2_bandwidth, memory_bandwidth
from hwsim.models.gpu.record import Gpu
from hwsim.rows import OperatorCost, OperatorRow

# Tile shapes (rows, columns) of a thread block, as the libraries build them; one pair of floats after the other.
TILES = (
    256.0, 128.0, 128.0, 256.0, 128.0, 128.0, 128.0, 64.0, 64.0, 256.0, 64.0, 128.0, 64.0, 64.0, 64.0, 32.0,
    32.0, 128.0, 32.0, 64.0, 16.0, 128.0, 16.0, 64.0, 16.0, 32.0,
)  # fmt: skip
TILE_COUNT = 13
SPLITS = 6  # k is cut 1, 2, 4, ... 32 ways
K_STEP_BYTES = 128.0  # bytes of k a tile loads at a step: one cache line a row
WIDENING_OPERATIONS = 2.0  # vector operations to widen one stored weight to the multiplied format


class Product(NamedTuple):
    """``groups`` products of (m, k) by (k, n); bytes a value of each operand, and the compulsory memory traffic."""

    groups: float
    m: float
    n: float
    k: float
    a_bytes: float
    b_bytes: float
    arithmetic: float
    traffic_bytes: float


class Candidate(NamedTuple):
    """Times of one tile shape and split, in seconds, and the joules that do not depend on time."""

    compute_s: float
    memory_s: float
    cache_s: float
    fixed_s: float
    dynamic_j: float


@cost_function
def tile_cycles(gpu: Gpu, product: Product, rows: float, columns: float, k: float) -> float:
    """Cycles of one tile's main loop over ``k``: products at the tensor rate, and operands fed from shared memory.

    A tile of (rows, columns) does rows x columns products a step and loads rows + columns operands, so small tiles
    are bound by shared memory: ``cycles = k (2 rows columns / rate / achieved + operand_cycles (rows + columns))``.
    Weights stored narrower than they are multiplied are widened on the vector units.
    """
    products = 2.0 * rows * columns / (tensor_rate(gpu, product.arithmetic) * gpu.tensor_achieved)
    operands = gpu.operand_cycles * (rows + columns) * product.a_bytes / 2.0
    widening = 0.0
    if product.b_bytes < 0.9 * product.a_bytes:
        widening = WIDENING_OPERATIONS * columns / gpu.vector_rate
    return k * (products + operands + widening)


@cost_function
def memory_traffic(gpu: Gpu, product: Product, rows: float, columns: float, tiles_m: float, tiles_n: float) -> float:
    """Bytes from main memory. What fits in the L2 is read once; else each wave of tiles reads its panels again.

    A wave of ``sm_count`` tiles in a near-square patch shares ``sqrt(sm_count)`` panels of each operand.
    """
    operands = product.k * (product.m * product.a_bytes + product.n * product.b_bytes)
    if operands <= gpu.l2_bytes:
        return product.traffic_bytes
    tall = min(tiles_m, max(1.0, sqrt(gpu.sm_count * columns / rows)))
    wide = min(tiles_n, max(1.0, gpu.sm_count / tall))
    a_reads = product.m * product.k * product.a_bytes * (ceil(tiles_n / wide) - 1.0)
    b_reads = product.n * product.k * product.b_bytes * (ceil(tiles_m / tall) - 1.0)
    again = max(0.0, 1.0 - gpu.l2_bytes / operands)
    return product.traffic_bytes + product.groups * again * min(a_reads, b_reads)


@cost_function
def candidate(gpu: Gpu, product: Product, rows: float, columns: float, split: float) -> Candidate:
    """Times of a product cut into tiles of (rows, columns) and ``split`` parts of k."""
    tiles_m, tiles_n = ceil(product.m / rows), ceil(product.n / columns)
    step = K_STEP_BYTES / max(product.a_bytes, 0.5)
    k = step * ceil(product.k / split / step)
    blocks = product.groups * tiles_m * tiles_n * split
    active = min(blocks, gpu.sm_count)
    waves = ceil(blocks / gpu.sm_count)
    cycles = waves * tile_cycles(gpu, product, rows, columns, k) + gpu.tile_fill_cycles
    results = product.groups * product.m * product.n
    partial = 0.0 if split == 1.0 else 8.0 * split * results  # fp32 parts, written and read in the L2
    read = product.groups * tiles_m * tiles_n * product.k * (rows * product.a_bytes + columns * product.b_bytes)
    cached = read + results * product.a_bytes + partial
    traffic = memory_traffic(gpu, product, rows, columns, tiles_m, tiles_n)
    flops = 2.0 * product.groups * product.m * product.n * product.k
    dynamic = (
        flops * flop_energy_j(gpu, product.arithmetic)
        + cached * gpu.energy_l2_byte_j
        + traffic * gpu.energy_memory_byte_j
    )
    fixed = gpu.fixed_s + (gpu.reduction_s if split > 1.0 else 0.0)
    return Candidate(
        cycles / gpu.clock_hz,
        traffic / memory_bandwidth(gpu, active),
        cached / l2_bandwidth(gpu, active),
        fixed,
        dynamic,
    )


@cost_function
def product_cost(gpu: Gpu, product: Product) -> OperatorCost:
    """Cost of the fastest tile shape and split."""
    best = OperatorCost(1e300, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for index in range(TILE_COUNT):
        rows, columns = TILES[2 * index], TILES[2 * index + 1]
        if (rows > 16.0 and rows >= 2.0 * product.m) or (columns > 32.0 and columns >= 2.0 * product.n):
            continue  # half the tile would hold the same results
        split = 1.0
        for _ in range(SPLITS):
            parts = candidate(gpu, product, rows, columns, split)
            cost = kernel_cost(gpu, parts.compute_s, parts.memory_s, parts.cache_s, parts.fixed_s, parts.dynamic_j)
            if cost.latency_s < best.latency_s:
                best = cost
            blocks = product.groups * ceil(product.m / rows) * ceil(product.n / columns) * split
            if blocks >= gpu.sm_count or split * K_STEP_BYTES >= product.k * product.a_bytes:
                break
            split = 2.0 * split
    return best


@cost_function
def matmul(gpu: Gpu, row: OperatorRow) -> OperatorCost:
    """Cost of ``batch`` products of (m, k) by (k, n)."""
    product = Product(row.batch, row.m, row.n, row.k, row.dtype_bytes, row.stored_bytes, row.arithmetic, row.bytes)
    return product_cost(gpu, product)
