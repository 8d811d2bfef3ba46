"""One entry to an NPU's cost functions, by the kind of a row: arrays for products, the vector unit for the rest."""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.npu.matmul import (
    Product,
    kernel_cost,
    matmul,
    memory_rate,
    operation_energy_j,
    product_cost,
    product_cycles,
)
from hwsim.models.npu.record import Npu
from hwsim.models.npu.row_stationary import convolution as row_stationary_convolution
from hwsim.rows import ATTENTION, CONVOLUTION, MATMUL, MOE, SOFTMAX, OperatorCost, OperatorRow

SOFTMAX_OPERATIONS = 6.0  # vector operations a score beside its exponential: scale, maximum, subtract, sum, divide
ROW_STATIONARY = 3.0


@cost_function
def vector_s(npu: Npu, operations: float, exponentials: float) -> float:
    """Seconds of the vector unit."""
    return (operations / npu.vector_operations + exponentials / npu.vector_exponentials) / npu.clock_hz


@cost_function
def streaming(npu: Npu, traffic: float, operations: float, exponentials: float) -> OperatorCost:
    """A pass of the vector unit over memory: norm, softmax, activation, look-up."""
    dynamic = (operations + exponentials) * npu.energy_vector_j + traffic * (
        npu.energy_memory_byte_j + npu.energy_sram_byte_j
    )
    return kernel_cost(
        npu, vector_s(npu, operations, exponentials), traffic / memory_rate(npu),
        traffic / npu.sram_bandwidth_bytes_per_s, npu.fixed_s + npu.memory_latency_s, dynamic,
    )  # fmt: skip


@cost_function
def attention(npu: Npu, row: OperatorRow) -> OperatorCost:
    """Fused attention: both products on the arrays while the vector unit does another block's softmax; KV from memory.

    Query heads that share a KV head share a pass. Queries that are few leave the arrays loading keys: each key tile
    costs at least the array's rows in cycles.
    """
    width = row.head_dim + row.value_head_dim
    keys = row.flops / (2.0 * row.batch * row.heads * row.query_length * width)
    queries = row.query_length * row.heads / row.kv_heads
    groups = row.batch * row.kv_heads
    scores = Product(groups, queries, keys, row.head_dim, row.dtype_bytes, row.stored_bytes, row.arithmetic, 0.0)
    values = Product(groups, queries, row.value_head_dim, keys, row.dtype_bytes, row.stored_bytes, row.arithmetic, 0.0)
    arrays_s = (product_cycles(npu, scores) + product_cycles(npu, values)) / (npu.clock_hz * npu.array_achieved)
    count = groups * queries * keys
    softmax_s = vector_s(npu, SOFTMAX_OPERATIONS * count, count)
    dynamic = (
        row.flops * operation_energy_j(npu, row.arithmetic)
        + (SOFTMAX_OPERATIONS + 1.0) * count * npu.energy_vector_j
        + row.bytes * (npu.energy_memory_byte_j + npu.energy_sram_byte_j)
    )
    return kernel_cost(
        npu, max(arrays_s, softmax_s), row.bytes / memory_rate(npu), row.bytes / npu.sram_bandwidth_bytes_per_s,
        npu.fixed_s + npu.memory_latency_s, dynamic,
    )  # fmt: skip


@cost_function
def joined(first: OperatorCost, second: OperatorCost) -> OperatorCost:
    """Two kernels one after the other; the bound is that of the longer one."""
    return OperatorCost(
        first.latency_s + second.latency_s,
        first.energy_j + second.energy_j,
        first.compute_s + second.compute_s,
        first.memory_s + second.memory_s,
        first.cache_s + second.cache_s,
        0.0,
        first.fixed_s + second.fixed_s,
        first.bound if first.latency_s >= second.latency_s else second.bound,
    )


@cost_function
def moe(npu: Npu, row: OperatorRow) -> OperatorCost:
    """Routed experts: up (and gate) products, activation, down products; the arrays pool the tiles of all experts."""
    pairs = row.tokens * row.top_k
    experts = max(1.0, row.experts_touched)
    rows = max(1.0, pairs / experts)
    inner = row.matrices * pairs * row.intermediate
    total = streaming(npu, inner * row.dtype_bytes, 4.0 * inner, 0.0)
    for stage in range(2):
        n = row.hidden if stage == 1 else (row.matrices - 1.0) * row.intermediate
        k = row.intermediate if stage == 1 else row.hidden
        traffic = experts * n * k * row.stored_bytes + pairs * (k + n) * row.dtype_bytes
        product = Product(experts, rows, n, k, row.dtype_bytes, row.stored_bytes, row.arithmetic, traffic)
        total = joined(total, product_cost(npu, product))
    return total


@cost_function
def operator_cost(npu: Npu, row: OperatorRow) -> OperatorCost:
    """Cost of one call of an operator on one NPU, without the host's share. Collectives are costed by their link."""
    if row.kind == CONVOLUTION and npu.dataflow == ROW_STATIONARY:
        return row_stationary_convolution(npu, row)
    if row.kind == MATMUL or row.kind == CONVOLUTION:
        return matmul(npu, row)
    if row.kind == ATTENTION:
        return attention(npu, row)
    if row.kind == MOE:
        return moe(npu, row)
    exponentials = row.rows * row.columns if row.kind == SOFTMAX else 0.0
    return streaming(npu, row.bytes, row.flops, exponentials)
