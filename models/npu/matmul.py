"""Matrix products on systolic arrays: cycles over several arrays, the tiles that on-chip memory holds, DRAM traffic.

See docs/methods/npu.md for the formulas and where they stop being valid.
"""

from __future__ import annotations

from math import ceil, floor
from typing import NamedTuple

from hwsim.cost import cost_function
from hwsim.models.npu.record import Npu
from hwsim.models.npu.systolic import streamed_beats, tile_count, tiled_cycles
from hwsim.models.throttle import slowed
from hwsim.rows import CACHE, COMPUTE, LAUNCH, MEMORY, OperatorCost, OperatorRow

TILE_DEPTH = 512.0  # values of k that a tile in on-chip memory holds; partial sums stay in it over k
TILE_CANDIDATES = 14  # rows of a tile tried: those of the array, doubled thirteen times
FP32, HALF, FP8, INT8 = 0.0, 2.0, 4.0, 6.0  # formats that arrays run, codes of `hwsim.rows`; bf16 is HALF too
SUM_BYTES = 4.0  # partial sums are fp32 or int32


class Product(NamedTuple):
    """``groups`` products of (m, k) by (k, n): bytes a value of each operand, arithmetic, compulsory traffic."""

    groups: float
    m: float
    n: float
    k: float
    a_bytes: float
    b_bytes: float
    arithmetic: float
    traffic_bytes: float


@cost_function
def running_format(npu: Npu, arithmetic: float) -> float:
    """Code of the format that the arrays run for a code of `hwsim.rows`: FP32, HALF, FP8 or INT8.

    A format without hardware runs in a wider one; on arrays of int8 alone, all run on those cells.
    """
    if arithmetic <= 1.0 and npu.macs_fp32 > 0.0:
        return FP32
    if (arithmetic == 6.0 or arithmetic == 7.0) and npu.macs_int8 > 0.0:
        return INT8
    if (arithmetic == 4.0 or arithmetic == 5.0 or arithmetic >= 8.0) and npu.macs_fp8 > 0.0:
        return FP8
    return HALF if npu.macs_16bit > 0.0 else INT8


@cost_function
def cell_macs(npu: Npu, arithmetic: float) -> float:
    """Multiply-adds per cycle per cell in the format that runs."""
    running = running_format(npu, arithmetic)
    if running == FP32:
        return npu.macs_fp32
    if running == FP8:
        return npu.macs_fp8
    return npu.macs_int8 if running == INT8 else npu.macs_16bit


@cost_function
def operation_energy_j(npu: Npu, arithmetic: float) -> float:
    """Joules per operation in the format that runs."""
    running = running_format(npu, arithmetic)
    if running == FP32:
        return npu.energy_fp32_j
    return npu.energy_16bit_j if running == HALF else npu.energy_8bit_j


@cost_function
def memory_rate(npu: Npu) -> float:
    """Bytes/s that long streams reach."""
    return npu.memory_bandwidth_bytes_per_s * npu.memory_achieved


@cost_function
def product_cycles(npu: Npu, product: Product) -> float:
    """Cycles on all arrays: each takes its share of the tiles, or of the rows of every tile, whichever is shorter.

    A cell with several multipliers works along k, so k shrinks by that factor (and is padded to it).
    """
    depth = ceil(product.k / cell_macs(npu, product.arithmetic))
    rows, columns, arrays = npu.array_rows, npu.array_columns, npu.array_count
    tiles = product.groups * tile_count(npu.dataflow, product.m, product.n, depth, rows, columns)
    beats = streamed_beats(npu.dataflow, product.m, product.n, depth)
    by_tile = tiled_cycles(npu.dataflow, npu.cycle_count, ceil(tiles / arrays), beats, rows, columns)
    share = ceil(product.m / arrays)
    tiles = product.groups * tile_count(npu.dataflow, share, product.n, depth, rows, columns)
    beats = streamed_beats(npu.dataflow, share, product.n, depth)
    return min(by_tile, tiled_cycles(npu.dataflow, npu.cycle_count, tiles, beats, rows, columns))


@cost_function
def reload_bytes(npu: Npu, product: Product) -> float:
    """Bytes that main memory moves beyond reading each operand once, with the best tile the on-chip memory holds.

    A tile of (tile_m, depth) and (depth, tile_n) is double-buffered while its (tile_m, tile_n) sums stay: the first
    operand is read once for every tile of n, the second once for every tile of m. An operand that fits half of the
    memory stays there.
    """
    a = product.m * product.k * product.a_bytes
    b = product.k * product.n * product.b_bytes
    if min(a, b) <= 0.5 * npu.sram_bytes:
        return 0.0
    depth = min(product.k, TILE_DEPTH)
    best = a * ceil(product.n / npu.array_columns) + b * ceil(product.m / npu.array_rows)
    tile_m = npu.array_rows
    for _ in range(TILE_CANDIDATES):
        rows = min(tile_m, product.m)
        free = npu.sram_bytes - 2.0 * rows * depth * product.a_bytes
        columns = floor(free / (2.0 * depth * product.b_bytes + SUM_BYTES * rows))
        if columns >= 1.0:
            moved = a * ceil(product.n / columns) + b * ceil(product.m / rows)
            best = min(best, moved)
        tile_m = 2.0 * tile_m
    return product.groups * max(0.0, best - a - b)


@cost_function
def exposed_s(npu: Npu, product: Product) -> float:
    """Seconds before the first array starts: one memory latency and its first tiles of both operands.

    The other arrays start as theirs arrive, while it works; that is in the memory's own time.
    """
    depth = min(product.k, TILE_DEPTH)
    first = depth * (
        min(product.m, npu.array_rows) * product.a_bytes + min(product.n, npu.array_columns) * product.b_bytes
    )
    return npu.memory_latency_s + first / memory_rate(npu)


@cost_function
def kernel_cost(
    npu: Npu, busy_s: float, memory_s: float, sram_s: float, fixed_s: float, dynamic_j: float
) -> OperatorCost:
    """Assemble a kernel: the slowest resource and the fixed time, no faster than the power limit; the energy."""
    work = max(busy_s, memory_s, sram_s)
    slower = slowed(dynamic_j, work + fixed_s, busy_s, max(npu.power_limit_w - npu.idle_power_w, 1e-3))
    latency = max(work + fixed_s, slower * busy_s)
    bound = COMPUTE
    if latency <= work + fixed_s:
        if fixed_s > work:
            bound = LAUNCH
        elif memory_s > busy_s and memory_s >= sram_s:
            bound = MEMORY
        elif sram_s > busy_s:
            bound = CACHE
    energy = dynamic_j / (slower * slower) + npu.idle_power_w * latency
    return OperatorCost(latency, energy, busy_s, memory_s, sram_s, 0.0, fixed_s, bound)


@cost_function
def product_cost(npu: Npu, product: Product) -> OperatorCost:
    """Cost of ``groups`` products: arrays, widening of narrow weights on the vector unit, memory with reloads."""
    operations = 2.0 * product.groups * product.m * product.n * product.k
    arrays_s = product_cycles(npu, product) / (npu.clock_hz * npu.array_achieved)
    narrow = product.groups * product.k * product.n if product.b_bytes < 0.9 * product.a_bytes else 0.0
    widening_s = narrow / (npu.vector_operations * npu.clock_hz)
    traffic = product.traffic_bytes + reload_bytes(npu, product)
    # Array edges read each operand from on-chip memory once for every row or column of cells.
    edge = 0.5 * operations * (product.a_bytes / npu.array_columns + product.a_bytes / npu.array_rows)
    dynamic = (
        operations * operation_energy_j(npu, product.arithmetic)
        + narrow * npu.energy_vector_j
        + (edge + traffic) * npu.energy_sram_byte_j
        + traffic * npu.energy_memory_byte_j
    )
    fixed = npu.fixed_s + exposed_s(npu, product)
    return kernel_cost(
        npu, max(arrays_s, widening_s), traffic / memory_rate(npu), traffic / npu.sram_bandwidth_bytes_per_s, fixed,
        dynamic,
    )  # fmt: skip


@cost_function
def matmul(npu: Npu, row: OperatorRow) -> OperatorCost:
    """Cost of a matrix product row, or of a convolution as an implicit matrix product."""
    return product_cost(
        npu, Product(row.batch, row.m, row.n, row.k, row.dtype_bytes, row.stored_bytes, row.arithmetic, row.bytes)
    )
