"""Matrix products on Gaudi: how one is cut over the matrix engines, what must be in SRAM first, FP8 scales.

The engines join into one array of several shapes; each output tile takes k / macs cycles, and filling and draining
are hidden by double-buffered accumulators except for `switch_cycles`. See docs/methods/gaudi.md.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from hwsim.cost import cost_function
from hwsim.models.gaudi.record import Gaudi
from hwsim.rows import COMPUTE, LAUNCH, MEMORY, OperatorCost, OperatorRow

GEOMETRIES = 5  # the joined array: from all engines in a column, in steps of two, to all in a row
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
def engine_macs(gaudi: Gaudi, arithmetic: float) -> float:
    """Multiply-adds per cycle per cell for an arithmetic code of `hwsim.rows`; integers and fp4 run in bf16 or fp8."""
    if arithmetic == 0.0:
        return gaudi.macs_fp32
    if arithmetic == 1.0:
        return gaudi.macs_tf32
    if arithmetic == 4.0 or arithmetic == 5.0 or arithmetic >= 8.0:
        return gaudi.macs_fp8 if gaudi.macs_fp8 > 0.0 else gaudi.macs_16bit
    return gaudi.macs_16bit


@cost_function
def flop_energy_j(gaudi: Gaudi, arithmetic: float) -> float:
    """Joules per FLOP of the format that the engines run."""
    if arithmetic <= 1.0:
        return gaudi.energy_fp32_j
    if arithmetic == 4.0 or arithmetic == 5.0 or arithmetic >= 8.0:
        return gaudi.energy_fp8_j
    return gaudi.energy_16bit_j


@cost_function
def memory_rate(gaudi: Gaudi) -> float:
    """Bytes/s that long streams reach."""
    return gaudi.memory_bandwidth_bytes_per_s * gaudi.memory_achieved


@cost_function
def cut_cycles(gaudi: Gaudi, product: Product, rows: float, columns: float, arrays: float) -> float:
    """Cycles of all output tiles on ``arrays`` independent arrays of (rows, columns): whole tiles, k over the rate."""
    tiles = product.groups * ceil(product.m / rows) * ceil(product.n / columns)
    steps = ceil(product.k / engine_macs(gaudi, product.arithmetic))
    return ceil(tiles / arrays) * (steps + gaudi.switch_cycles) + rows + columns


@cost_function
def engine_cycles(gaudi: Gaudi, product: Product) -> float:
    """Cycles on the fastest geometry: engines joined in rows, columns or blocks, or working on tiles of their own."""
    best = cut_cycles(gaudi, product, gaudi.engine_rows, gaudi.engine_columns, gaudi.engine_count)
    cells = gaudi.engine_rows * gaudi.engine_columns * gaudi.engine_count
    rows = gaudi.engine_rows * gaudi.engine_count
    for _ in range(GEOMETRIES):
        if rows >= 1.0:
            best = min(best, cut_cycles(gaudi, product, rows, cells / rows, 1.0))
        rows = rows / 2.0
    # One engine also reshapes on its own: a short, wide array where rows are few.
    thin = gaudi.engine_rows / 2.0
    return min(best, cut_cycles(gaudi, product, thin, 2.0 * gaudi.engine_columns, gaudi.engine_count))


@cost_function
def k_parts(gaudi: Gaudi, product: Product) -> float:
    """Parts that k is cut into so that the double-buffered operand panels of one pass fit the SRAM."""
    panels = (
        2.0
        * product.k
        * (gaudi.engine_rows * gaudi.engine_count * product.a_bytes + gaudi.engine_columns * product.a_bytes)
    )
    return max(1.0, ceil(panels / gaudi.sram_bytes)) if product.m > gaudi.engine_rows else 1.0


@cost_function
def exposed_s(gaudi: Gaudi, product: Product) -> float:
    """Seconds before the first product and after the last: the resident operand in, a first slice in, a last one out.

    The smaller operand is resident in at most half of the SRAM; the larger one and the result stream in slices of a
    quarter. While memory is the slower side the streams are not exposed beyond it.
    """
    a = product.m * product.k * product.a_bytes
    b = product.k * product.n * product.b_bytes
    c = product.m * product.n * 2.0
    resident = min(min(a, b), 0.5 * gaudi.sram_bytes)
    slice_bytes = min(max(a, b) + c, 0.25 * gaudi.sram_bytes)
    return (resident + slice_bytes) / memory_rate(gaudi)


@cost_function
def core_pass_s(gaudi: Gaudi, elements: float, bytes_each: float, operations: float) -> float:
    """Seconds of a pass of the TPCs over ``elements`` results in memory."""
    compute = elements * operations / (gaudi.core_count * gaudi.core_lanes_16bit * gaudi.core_clock_hz)
    return max(compute, elements * bytes_each / memory_rate(gaudi))


@cost_function
def scaling_s(gaudi: Gaudi, product: Product) -> float:
    """Seconds that scales add beyond the engines.

    A scale a tensor is a power of two in the exponent bias: free. A scale a row or a column multiplies the fp32 result
    on the TPCs, which write it as bf16, sliced so that all but the last slice hides behind the engines. A scale a
    block of k cannot be applied to the sum: every block's partial result is scaled and added on the TPCs.
    """
    if product.arithmetic != 4.0 and product.arithmetic != 5.0:
        return 0.0
    elements = product.groups * product.m * product.n
    if product.scaling == 1.0:
        return core_pass_s(gaudi, elements, 6.0, 2.0) / gaudi.scale_slices
    if product.scaling == 2.0:
        return ceil(product.k / SCALE_BLOCK) * core_pass_s(gaudi, elements, 8.0, 4.0)
    return 0.0


@cost_function
def kernel_cost(gaudi: Gaudi, busy_s: float, memory_s: float, fixed_s: float, dynamic_j: float) -> OperatorCost:
    """Assemble a kernel: the slower of engines (or TPCs) and memory, the fixed time, the power limit, the energy."""
    throttled = dynamic_j / max(gaudi.power_limit_w - gaudi.idle_power_w, 1.0)
    latency = max(max(busy_s, memory_s) + fixed_s, throttled)
    bound = COMPUTE
    if throttled < latency:
        if fixed_s > max(busy_s, memory_s):
            bound = LAUNCH
        elif memory_s > busy_s:
            bound = MEMORY
    energy = dynamic_j + gaudi.idle_power_w * latency
    return OperatorCost(latency, energy, busy_s, memory_s, 0.0, 0.0, fixed_s, bound)


@cost_function
def product_cost(gaudi: Gaudi, product: Product) -> OperatorCost:
    """Cost of ``groups`` products: engines against memory, exposed ends, partial sums, scales."""
    parts = k_parts(gaudi, product)
    results = product.groups * product.m * product.n
    engines = engine_cycles(gaudi, product) / gaudi.engine_clock_hz
    # Parts of k leave fp32 partial sums: written by the engines, read by the TPCs, which write the bf16 result.
    partial_s = core_pass_s(gaudi, results, 8.0 * parts + 2.0, parts) if parts > 1.0 else 0.0
    widened = product.groups * product.k * product.n if product.b_bytes < 0.9 * product.a_bytes else 0.0
    widening_s = widened / (gaudi.core_count * gaudi.core_lanes_16bit * gaudi.core_clock_hz)
    memory_s = product.traffic_bytes / memory_rate(gaudi)
    busy = max(engines + min(exposed_s(gaudi, product), memory_s) + partial_s + scaling_s(gaudi, product), widening_s)
    flops = 2.0 * results * product.k
    sram = results * product.k * (1.0 / gaudi.engine_rows + 1.0 / gaudi.engine_columns) * product.a_bytes
    dynamic = (
        flops * flop_energy_j(gaudi, product.arithmetic)
        + sram * gaudi.energy_sram_byte_j
        + (product.traffic_bytes + (8.0 * parts * results if parts > 1.0 else 0.0)) * gaudi.energy_memory_byte_j
    )
    return kernel_cost(gaudi, busy, memory_s, gaudi.fixed_s, dynamic)


@cost_function
def matmul(gaudi: Gaudi, row: OperatorRow) -> OperatorCost:
    """Cost of a matrix product row."""
    return product_cost(
        gaudi,
        Product(
            row.batch, row.m, row.n, row.k, row.dtype_bytes, row.stored_bytes, row.arithmetic, row.scaling, row.bytes
        ),
    )
