"""Matrix products on Gaudi: how one is cut over the matrix engines, what must be in SRAM first, FP8 scales.

The engines join into one array of several shapes; each output tile takes k / macs cycles, and filling and draining
are hidden by double-buffered accumulators except for `switch_cycles`. See docs/methods/gaudi.md.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from hwsim.cost import cost_function
from hwsim.models.gaudi.record import Gaudi
from hwsim.models.throttle import slowed
from hwsim.rows import COMPUTE, LAUNCH, MEMORY, OperatorCost, OperatorRow

FP32, TF32, HALF, FP8 = 0.0, 1.0, 2.0, 4.0  # formats that engines run, codes of `hwsim.rows`; bf16 is HALF too
BLOCKS = 5  # blocks of engines that share operand panels: one engine high, two, four, eight, sixteen
SLICINGS = 14  # slices that a product is tried in: 1, 2, 4 to 8192
SCALE_BLOCK = 128.0  # values of k under one scale with scaling "block"


class Product(NamedTuple):
    """``groups`` products of (m, k) by (k, n): bytes a value of each operand, format, scaling, compulsory traffic."""

    groups: float
    m: float
    n: float
    k: float
    a_bytes: float
    b_bytes: float
    arithmetic: float
    scaling: float
    traffic_bytes: float


@cost_function
def running_format(gaudi: Gaudi, arithmetic: float) -> float:
    """Code of the format that the engines run for a code of `hwsim.rows`: FP32, TF32, HALF or FP8.

    Integers run in bf16; FP4 runs in fp8; without engines for fp8 both run in bf16.
    """
    if arithmetic <= 1.0:
        return arithmetic
    if (arithmetic == 4.0 or arithmetic == 5.0 or arithmetic >= 8.0) and gaudi.macs_fp8 > 0.0:
        return FP8
    return HALF


@cost_function
def engine_macs(gaudi: Gaudi, arithmetic: float) -> float:
    """Multiply-adds per cycle per cell in the format that runs."""
    running = running_format(gaudi, arithmetic)
    if running == FP32:
        return gaudi.macs_fp32
    if running == TF32:
        return gaudi.macs_tf32
    return gaudi.macs_fp8 if running == FP8 else gaudi.macs_16bit


@cost_function
def flop_energy_j(gaudi: Gaudi, arithmetic: float) -> float:
    """Joules per FLOP in the format that runs; tf32 takes fp32's."""
    running = running_format(gaudi, arithmetic)
    if running < HALF:
        return gaudi.energy_fp32_j
    return gaudi.energy_fp8_j if running == FP8 else gaudi.energy_16bit_j


@cost_function
def memory_rate(gaudi: Gaudi) -> float:
    """Bytes/s that long streams reach."""
    return gaudi.memory_bandwidth_bytes_per_s * gaudi.memory_achieved


@cost_function
def cut_cycles(gaudi: Gaudi, product: Product, rows: float, columns: float, engines: float) -> float:
    """Cycles of all output tiles of (rows, columns) on ``engines`` engines: whole tiles, k over the rate, one fill."""
    tiles = product.groups * ceil(product.m / rows) * ceil(product.n / columns)
    steps = ceil(product.k / engine_macs(gaudi, product.arithmetic))
    return ceil(tiles / engines) * (steps + gaudi.switch_cycles) + gaudi.engine_rows + gaudi.engine_columns


@cost_function
def engine_cycles(gaudi: Gaudi, product: Product, engines: float) -> float:
    """Cycles in the best shape: an engine is two halves, joined to a square, a wide or a high array, or apart."""
    rows, columns = gaudi.engine_rows, gaudi.engine_columns
    square = cut_cycles(gaudi, product, rows, columns, engines)
    wide = cut_cycles(gaudi, product, 0.5 * rows, 2.0 * columns, engines)
    high = cut_cycles(gaudi, product, 2.0 * rows, 0.5 * columns, engines)
    low_half = cut_cycles(gaudi, product, 0.5 * rows, columns, 2.0 * engines)
    return min(square, wide, high, low_half, cut_cycles(gaudi, product, rows, 0.5 * columns, 2.0 * engines))


@cost_function
def panel_bytes(gaudi: Gaudi, product: Product, engines: float) -> float:
    """Bytes of the double-buffered operand panels of one pass of ``engines`` engines in the block that needs least."""
    edge = product.m + product.n
    for power in range(BLOCKS):
        high = 2.0**power
        if high <= engines:
            rows = min(product.m, gaudi.engine_rows * high)
            edge = min(edge, rows + min(product.n, gaudi.engine_columns * engines / high))
    return 2.0 * product.k * edge * product.a_bytes


@cost_function
def edge_bytes(gaudi: Gaudi, product: Product) -> float:
    """Bytes that the SRAM hands to all engines: in a block they share, a panel is read once for a pass of the block."""
    best = product.m * ceil(product.n / gaudi.engine_columns) + product.n * ceil(product.m / gaudi.engine_rows)
    for power in range(BLOCKS):
        high = 2.0**power
        if high <= gaudi.engine_count:
            columns = gaudi.engine_columns * gaudi.engine_count / high
            passes = product.m * ceil(product.n / columns) + product.n * ceil(product.m / (gaudi.engine_rows * high))
            best = min(best, passes)
    return product.groups * product.k * best * product.a_bytes


@cost_function
def core_compute(gaudi: Gaudi, elements: float, operations: float) -> float:
    """Seconds of the TPCs for some 16-bit operations on each of ``elements`` values."""
    return elements * operations / (gaudi.core_count * gaudi.core_lanes_16bit * gaudi.core_clock_hz)


@cost_function
def partial_bytes(gaudi: Gaudi, product: Product, engines: float) -> float:
    """Bytes a result of partial sums: k in parts whose panels fit the SRAM, fp32 out and in, a 16-bit result; or 0."""
    parts = ceil(panel_bytes(gaudi, product, engines) / gaudi.sram_bytes)
    return 8.0 * parts + 2.0 if parts > 1.0 else 0.0


@cost_function
def partial_s(gaudi: Gaudi, product: Product, engines: float) -> float:
    """Seconds of the pass that writes partial sums and adds them on the TPCs, after the engines."""
    size = partial_bytes(gaudi, product, engines)
    results = product.groups * product.m * product.n
    return max(core_compute(gaudi, results, size / 8.0), results * size / memory_rate(gaudi))


@cost_function
def scaling_bytes(gaudi: Gaudi, product: Product) -> float:
    """Bytes a result that scales move beyond the product's own.

    A scale a tensor is a power of two in the exponent bias: nothing. A scale a row or a column multiplies the result on
    the TPCs: read once more and written once more in 16 bits. A scale a block of k cannot be applied to the sum: every
    block's fp32 partial result is scaled and added, read and written.
    """
    if product.arithmetic != 4.0 and product.arithmetic != 5.0:
        return 0.0
    if product.scaling == 1.0:
        return 4.0
    return 8.0 * ceil(product.k / SCALE_BLOCK) if product.scaling == 2.0 else 0.0


@cost_function
def pipelined_s(gaudi: Gaudi, engines: float, cores: float, memory: float, traffic_bytes: float) -> float:
    """Seconds of loads, engines and cores that work on slices of a product, in the best number of slices.

    With s slices the slowest stage is busy throughout and the others show one slice each; every slice after the first
    is a start of its own for engines and cores. Slices are double-buffered, so 2 / s of the traffic must fit the SRAM.
    """
    best = engines + cores + memory + 2.0**SLICINGS * gaudi.fixed_s  # above the last candidate, which always counts
    for power in range(SLICINGS):
        slices = 2.0**power
        if power == SLICINGS - 1 or 2.0 * traffic_bytes <= slices * gaudi.sram_bytes:
            starts = (slices - 1.0) * gaudi.fixed_s
            scaling = cores + starts if cores > 0.0 else 0.0
            slowest = max(engines + starts, scaling, memory)
            best = min(best, slowest + (engines + starts + scaling + memory - slowest) / slices)
    return best


@cost_function
def kernel_cost(gaudi: Gaudi, span_s: float, busy_s: float, memory_s: float, dynamic_j: float) -> OperatorCost:
    """Assemble a kernel that lasts ``span_s`` after its start: the fixed time, the power limit, the energy."""
    unlimited = span_s + gaudi.fixed_s
    slower = slowed(dynamic_j, unlimited, busy_s, max(gaudi.power_limit_w - gaudi.idle_power_w, 1.0))
    latency = max(unlimited, slower * busy_s)
    bound = COMPUTE
    if latency <= unlimited:
        if gaudi.fixed_s > span_s:
            bound = LAUNCH
        elif memory_s > busy_s:
            bound = MEMORY
    energy = dynamic_j / (slower * slower) + gaudi.idle_power_w * latency
    return OperatorCost(latency, energy, busy_s, memory_s, 0.0, 0.0, gaudi.fixed_s, bound)


@cost_function
def product_on(gaudi: Gaudi, product: Product, engines: float) -> OperatorCost:
    """Cost of ``groups`` products on so many engines: they, cores (scales, widened weights) and memory in slices."""
    results = product.groups * product.m * product.n
    scaling = scaling_bytes(gaudi, product)
    traffic = product.traffic_bytes + scaling * results
    widened = product.groups * product.k * product.n if product.b_bytes < 0.9 * product.a_bytes else 0.0
    cores_s = core_compute(gaudi, widened, 1.0) + core_compute(gaudi, results, 0.5 * scaling)
    memory_s = traffic / memory_rate(gaudi)
    work_s = engine_cycles(gaudi, product, engines) / gaudi.engine_clock_hz + partial_s(gaudi, product, engines)
    work_s = max(work_s, edge_bytes(gaudi, product) / gaudi.sram_bandwidth_bytes_per_s)
    edges = results * product.k * (1.0 / gaudi.engine_rows + 1.0 / gaudi.engine_columns) * product.a_bytes
    dynamic = (
        2.0 * results * product.k * flop_energy_j(gaudi, product.arithmetic)
        + edges * gaudi.energy_sram_byte_j
        + (traffic + partial_bytes(gaudi, product, engines) * results) * gaudi.energy_memory_byte_j
    )
    span_s = pipelined_s(gaudi, work_s, cores_s, memory_s, traffic)
    return kernel_cost(gaudi, span_s, max(work_s, cores_s), memory_s, dynamic)


@cost_function
def product_cost(gaudi: Gaudi, product: Product) -> OperatorCost:
    """Cost of ``groups`` products; where all engines' panels overfill the SRAM, on as many of them as is fastest."""
    engines = gaudi.engine_count
    best = product_on(gaudi, product, engines)
    while engines > 1.0 and partial_bytes(gaudi, product, engines) > 0.0:
        engines = engines - 1.0
        fewer = product_on(gaudi, product, engines)
        if fewer.latency_s < best.latency_s:
            best = fewer
    return best


@cost_function
def matmul(gaudi: Gaudi, row: OperatorRow) -> OperatorCost:
    """Cost of a matrix product row."""
    return product_cost(
        gaudi,
        Product(
            row.batch, row.m, row.n, row.k, row.dtype_bytes, row.stored_bytes, row.arithmetic, row.scaling, row.bytes
        ),
    )
