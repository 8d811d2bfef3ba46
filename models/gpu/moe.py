"""Routed experts on a GPU: two grouped products over the experts in use, with routing and activation around them."""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.gpu.matmul import Product, product_cost
from hwsim.models.gpu.memory_bound import BLOCK_BYTES, streaming
from hwsim.models.gpu.record import Gpu
from hwsim.rows import OperatorCost, OperatorRow


@cost_function
def joined(first: OperatorCost, second: OperatorCost) -> OperatorCost:
    """Two kernels one after the other; the bound is that of the longer one."""
    return OperatorCost(
        first.latency_s + second.latency_s,
        first.energy_j + second.energy_j,
        first.compute_s + second.compute_s,
        first.memory_s + second.memory_s,
        first.cache_s + second.cache_s,
        first.link_s + second.link_s,
        first.fixed_s + second.fixed_s,
        first.bound if first.latency_s >= second.latency_s else second.bound,
    )


@cost_function
def grouped(gpu: Gpu, row: OperatorRow, n: float, k: float) -> OperatorCost:
    """One product for every expert in use, in one kernel; the busiest expert has ``load_peak`` times the mean rows."""
    pairs = row.tokens * row.top_k
    experts = max(1.0, row.experts_touched)
    rows = max(1.0, pairs / experts * row.load_peak)
    traffic = experts * n * k * row.stored_bytes + pairs * (k + n) * row.dtype_bytes
    return product_cost(gpu, Product(experts, rows, n, k, row.dtype_bytes, row.stored_bytes, row.arithmetic, traffic))


@cost_function
def moe(gpu: Gpu, row: OperatorRow) -> OperatorCost:
    """Sort the tokens by expert, up (and gate) products, activation, down products, weighted sum."""
    pairs = row.tokens * row.top_k
    inner = row.matrices * pairs * row.intermediate
    summed = (pairs + row.tokens) * row.hidden
    total = OperatorCost(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for stage in range(2):
        n = row.hidden if stage == 1 else (row.matrices - 1.0) * row.intermediate
        k = row.intermediate if stage == 1 else row.hidden
        total = joined(total, grouped(gpu, row, n, k))
    for stage in range(3):
        traffic, flops = 16.0 * pairs + 4.0 * row.experts, 0.0
        if stage == 1:
            traffic, flops = inner * row.dtype_bytes, 4.0 * inner
        elif stage == 2:
            traffic, flops = summed * row.dtype_bytes, 2.0 * summed
        total = joined(total, streaming(gpu, traffic, flops, 0.0, traffic / BLOCK_BYTES))
    return total
