"""One entry to a flash chiplet's cost functions, by the kind of a row: weights in flash, KV in DRAM, NPU the rest."""

from __future__ import annotations

from math import ceil

from hwsim.cost import cost_function
from hwsim.models.flash.record import FlashChiplet
from hwsim.models.flash.tiling import Plan, Product, npu_seconds, plan_product
from hwsim.rows import (
    ATTENTION,
    COMPUTE,
    CONVOLUTION,
    GATHER,
    LINK,
    MATMUL,
    MEMORY,
    MOE,
    OperatorCost,
    OperatorRow,
)

EIGHT_BITS_BYTES = 1.25  # bytes a value of an 8-bit format with its scales and zero points at most
SOFTMAX_OPERATIONS = 8.0  # vector operations a score: scale, maximum, subtract, exponential (four), sum


@cost_function
def array_passes(arithmetic: float) -> float:
    """Passes of an 8-bit multiplier for an arithmetic code of `hwsim.rows`: 1 up to 8 bits, 2 for 16, 4 for 32."""
    if arithmetic <= 1.0:
        return 4.0
    return 2.0 if arithmetic <= 3.0 else 1.0


@cost_function
def stored_product(row: OperatorRow, groups: float, m: float, n: float, k: float) -> Product:
    """A product with stored weights. With weights of 8 bits or less the activations are quantised to 8 bits as well.

    The multipliers of cores and arrays have 8 bits (published as W8A8), so the NPU sends inputs in 8 bits; wider
    weights take several passes and inputs at the width of the activations.
    """
    if row.stored_bytes <= EIGHT_BITS_BYTES:
        return Product(groups, m, n, k, min(row.dtype_bytes, 1.0), row.stored_bytes, 1.0)
    return Product(groups, m, n, k, row.dtype_bytes, row.stored_bytes, array_passes(row.arithmetic))


@cost_function
def kernel(flash: FlashChiplet, compute_s: float, memory_s: float, link_s: float, dynamic_j: float) -> OperatorCost:
    """The slowest of three sides that work at the same time, and static power for as long."""
    latency = max(compute_s, max(memory_s, link_s))
    bound = MEMORY
    if compute_s >= latency:
        bound = COMPUTE
    elif link_s >= latency:
        bound = LINK
    energy = dynamic_j + flash.idle_power_w * latency
    return OperatorCost(latency, energy, compute_s, memory_s, 0.0, link_s, 0.0, bound)


@cost_function
def plan_energy_j(flash: FlashChiplet, product: Product, plan: Plan) -> float:
    """Joules of a plan: array reads, buses, die-to-die link, cores, arrays and their SRAM."""
    read_bits = 8.0 * (plan.flash_bytes + plan.npu_bytes)
    bus_bits = 8.0 * plan.bus_bytes
    core_operations = 2.0 * product.m * plan.flash_bytes / product.stored_bytes * product.passes
    npu_operations = 2.0 * product.m * plan.npu_bytes / product.stored_bytes * product.passes
    return (
        read_bits * flash.energy_nand_bit_j
        + bus_bits * (flash.energy_bus_bit_j + flash.energy_d2d_bit_j)
        + core_operations * flash.energy_core_j
        + npu_operations * flash.energy_npu_j
        + 2.0 * plan.npu_bytes * flash.energy_sram_byte_j
    )


@cost_function
def product_cost(flash: FlashChiplet, product: Product) -> OperatorCost:
    """Cost of a product with stored weights. ``memory_s`` is the flash side, ``link_s`` channels and link."""
    plan = plan_product(flash, product)
    compute_s = max(plan.npu_s, plan.compute_s)
    return kernel(flash, compute_s, plan.flash_s, max(plan.channel_s, plan.link_s), plan_energy_j(flash, product, plan))


@cost_function
def activation_s(flash: FlashChiplet, traffic: float) -> float:
    """Seconds of DRAM for the activations that the NPU's SRAM does not hold."""
    return max(0.0, traffic - flash.npu_sram_bytes) / flash.dram_bandwidth_bytes_per_s


@cost_function
def streaming(flash: FlashChiplet, operations: float, traffic: float) -> OperatorCost:
    """A pass of the vector unit over activations."""
    compute_s = operations / (flash.npu_lanes * flash.npu_clock_hz)
    memory_s = activation_s(flash, traffic)
    dynamic = operations * flash.energy_npu_j + traffic * flash.energy_sram_byte_j
    dynamic = dynamic + 8.0 * memory_s * flash.dram_bandwidth_bytes_per_s * flash.energy_dram_bit_j
    return kernel(flash, compute_s, memory_s, 0.0, dynamic)


@cost_function
def attention(flash: FlashChiplet, row: OperatorRow) -> OperatorCost:
    """Attention on the NPU, its KV cache in DRAM: both products on the arrays, softmax on the vector unit."""
    width = row.head_dim + row.value_head_dim
    keys = row.flops / (2.0 * row.batch * row.heads * row.query_length * width)
    queries = row.query_length * row.heads / row.kv_heads
    groups = row.batch * row.kv_heads
    passes = array_passes(row.arithmetic)
    scores = Product(groups, queries, keys, row.head_dim, row.dtype_bytes, row.stored_bytes, passes)
    values = Product(groups, queries, row.value_head_dim, keys, row.dtype_bytes, row.stored_bytes, passes)
    arrays_s = groups * (npu_seconds(flash, scores, keys) + npu_seconds(flash, values, row.value_head_dim))
    softmax = SOFTMAX_OPERATIONS * groups * queries * keys
    dynamic = (
        (row.flops * passes + softmax) * flash.energy_npu_j
        + 8.0 * row.bytes * flash.energy_dram_bit_j
        + 2.0 * row.bytes * flash.energy_sram_byte_j
    )
    compute_s = arrays_s + softmax / (flash.npu_lanes * flash.npu_clock_hz)
    return kernel(flash, compute_s, row.bytes / flash.dram_bandwidth_bytes_per_s, 0.0, dynamic)


@cost_function
def gather(flash: FlashChiplet, row: OperatorRow) -> OperatorCost:
    """Rows of a stored table: each is a page read on some channel, rows spread over the channels."""
    wanted = row.columns * row.stored_bytes
    turns = ceil(row.rows / flash.channels)
    pages = ceil(wanted / flash.page_bytes)
    latency = turns * (flash.read_s + wanted / flash.bus_bandwidth_bytes_per_s)
    bits = 8.0 * row.rows * wanted
    dynamic = (
        row.rows * pages * 8.0 * flash.page_bytes * flash.energy_nand_bit_j
        + bits * (flash.energy_bus_bit_j + flash.energy_d2d_bit_j)
    )  # fmt: skip
    return kernel(flash, 0.0, latency, 0.0, dynamic)


@cost_function
def joined(first: OperatorCost, second: OperatorCost) -> OperatorCost:
    """Two kernels one after the other; the bound is that of the longer one."""
    return OperatorCost(
        first.latency_s + second.latency_s,
        first.energy_j + second.energy_j,
        first.compute_s + second.compute_s,
        first.memory_s + second.memory_s,
        0.0,
        first.link_s + second.link_s,
        0.0,
        first.bound if first.latency_s >= second.latency_s else second.bound,
    )


@cost_function
def moe(flash: FlashChiplet, row: OperatorRow) -> OperatorCost:
    """Routed experts: up (and gate) products, activation, down products; only the touched experts are read."""
    pairs = row.tokens * row.top_k
    experts = max(1.0, row.experts_touched)
    rows = max(1.0, pairs / experts)
    inner = (row.matrices - 1.0) * row.intermediate
    up = stored_product(row, experts, rows, inner, row.hidden)
    down = stored_product(row, experts, rows, row.hidden, row.intermediate)
    total = streaming(flash, 4.0 * pairs * inner, 2.0 * pairs * inner * row.dtype_bytes)
    return joined(joined(total, product_cost(flash, up)), product_cost(flash, down))


@cost_function
def operator_cost(flash: FlashChiplet, row: OperatorRow) -> OperatorCost:
    """Cost of one call of an operator on a flash chiplet with its NPU, without the host's share."""
    if row.kind == MATMUL or row.kind == CONVOLUTION:  # a convolution is an implicit matrix product
        return product_cost(flash, stored_product(row, row.batch, row.m, row.n, row.k))
    if row.kind == ATTENTION:
        return attention(flash, row)
    if row.kind == MOE:
        return moe(flash, row)
    if row.kind == GATHER:
        return gather(flash, row)
    return streaming(flash, row.flops, row.bytes)
