"""One entry to Gaudi's cost functions, by the kind of a row: engines for products, TPCs for the rest."""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.gaudi.matmul import (
    Product,
    engine_cycles,
    flop_energy_j,
    kernel_cost,
    matmul,
    memory_rate,
    product_cost,
)
from hwsim.models.gaudi.record import Gaudi
from hwsim.rows import ATTENTION, CONVOLUTION, MATMUL, MOE, SOFTMAX, OperatorCost, OperatorRow

SOFTMAX_OPERATIONS = 6.0  # vector operations a score beside its exponential: scale, maximum, subtract, sum, divide


@cost_function
def core_compute_s(gaudi: Gaudi, flops: float, exponentials: float) -> float:
    """Seconds of the TPCs: vector operations and exponentials."""
    cores = gaudi.core_count * gaudi.core_clock_hz
    return flops / (cores * 2.0 * gaudi.core_lanes_16bit) + exponentials / (cores * gaudi.core_exponential)


@cost_function
def streaming(gaudi: Gaudi, traffic: float, flops: float, exponentials: float) -> OperatorCost:
    """A pass of the TPCs over memory: norm, softmax, activation, look-up."""
    dynamic = flops * gaudi.energy_core_j + traffic * (gaudi.energy_memory_byte_j + gaudi.energy_sram_byte_j)
    busy_s, memory_s = core_compute_s(gaudi, flops, exponentials), traffic / memory_rate(gaudi)
    return kernel_cost(gaudi, max(busy_s, memory_s), busy_s, memory_s, dynamic)


@cost_function
def attention(gaudi: Gaudi, row: OperatorRow) -> OperatorCost:
    """Fused attention: both products on the engines while the TPCs do the softmax of another block; KV from memory.

    Query heads that share a KV head share an engine pass. The engines and the TPCs overlap, the slower one counts.
    """
    width = row.head_dim + row.value_head_dim
    keys = row.flops / (2.0 * row.batch * row.heads * row.query_length * width)
    queries = row.query_length * row.heads / row.kv_heads
    groups = row.batch * row.kv_heads
    scores = Product(groups, queries, keys, row.head_dim, row.dtype_bytes, row.stored_bytes, row.arithmetic, 0.0, 0.0)
    values = Product(
        groups, queries, row.value_head_dim, keys, row.dtype_bytes, row.stored_bytes, row.arithmetic, 0.0, 0.0
    )
    cycles = engine_cycles(gaudi, scores, gaudi.engine_count) + engine_cycles(gaudi, values, gaudi.engine_count)
    engines = cycles / gaudi.engine_clock_hz
    count = groups * queries * keys
    cores = core_compute_s(gaudi, SOFTMAX_OPERATIONS * count, count)
    dynamic = (
        row.flops * flop_energy_j(gaudi, row.arithmetic)
        + SOFTMAX_OPERATIONS * count * gaudi.energy_core_j
        + row.bytes * (gaudi.energy_memory_byte_j + gaudi.energy_sram_byte_j)
    )
    busy_s, memory_s = max(engines, cores), row.bytes / memory_rate(gaudi)
    return kernel_cost(gaudi, max(busy_s, memory_s), busy_s, memory_s, dynamic)


@cost_function
def joined(first: OperatorCost, second: OperatorCost) -> OperatorCost:
    """Two kernels one after the other; the bound is that of the longer one."""
    return OperatorCost(
        first.latency_s + second.latency_s,
        first.energy_j + second.energy_j,
        first.compute_s + second.compute_s,
        first.memory_s + second.memory_s,
        0.0,
        0.0,
        first.fixed_s + second.fixed_s,
        first.bound if first.latency_s >= second.latency_s else second.bound,
    )


@cost_function
def moe(gaudi: Gaudi, row: OperatorRow) -> OperatorCost:
    """Routed experts: up (and gate) products, activation, down products; the engines pool the tiles of all experts."""
    pairs = row.tokens * row.top_k
    experts = max(1.0, row.experts_touched)
    rows = max(1.0, pairs / experts)
    inner = row.matrices * pairs * row.intermediate
    total = streaming(gaudi, inner * row.dtype_bytes, 4.0 * inner, 0.0)
    for stage in range(2):
        n = row.hidden if stage == 1 else (row.matrices - 1.0) * row.intermediate
        k = row.intermediate if stage == 1 else row.hidden
        traffic = experts * n * k * row.stored_bytes + pairs * (k + n) * row.dtype_bytes
        product = Product(experts, rows, n, k, row.dtype_bytes, row.stored_bytes, row.arithmetic, row.scaling, traffic)
        total = joined(total, product_cost(gaudi, product))
    return total


@cost_function
def operator_cost(gaudi: Gaudi, row: OperatorRow) -> OperatorCost:
    """Cost of one call of an operator on one Gaudi, without the host's share. Collectives are costed by their link."""
    if row.kind == MATMUL or row.kind == CONVOLUTION:  # a convolution is an implicit matrix product
        return matmul(gaudi, row)
    if row.kind == ATTENTION:
        return attention(gaudi, row)
    if row.kind == MOE:
        return moe(gaudi, row)
    exponentials = row.rows * row.columns if row.kind == SOFTMAX else 0.0
    return streaming(gaudi, row.bytes, row.flops, exponentials)
