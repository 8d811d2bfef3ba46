"""What an operator costs on a phone's processors: each unit by its supplied rates, the whole by the fastest unit."""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.soc.record import Soc, Unit
from hwsim.rows import ATTENTION, COMPUTE, CONVOLUTION, LAUNCH, MATMUL, MEMORY, MOE, OperatorCost, OperatorRow


@cost_function
def cpu_unit(soc: Soc) -> Unit:
    """The CPU."""
    return Unit(
        soc.cpu_rate_16bit, soc.cpu_rate_int8, soc.cpu_rate_int4, soc.cpu_full_rows, soc.cpu_call_s,
        soc.cpu_vector_per_s, soc.cpu_bandwidth_bytes_per_s, soc.cpu_power_w, soc.memory_energy_byte_j,
    )  # fmt: skip


@cost_function
def gpu_unit(soc: Soc) -> Unit:
    """The GPU."""
    return Unit(
        soc.gpu_rate_16bit, soc.gpu_rate_int8, soc.gpu_rate_int4, soc.gpu_full_rows, soc.gpu_call_s,
        soc.gpu_vector_per_s, soc.gpu_bandwidth_bytes_per_s, soc.gpu_power_w, soc.memory_energy_byte_j,
    )  # fmt: skip


@cost_function
def npu_unit(soc: Soc) -> Unit:
    """The NPU."""
    return Unit(
        soc.npu_rate_16bit, soc.npu_rate_int8, soc.npu_rate_int4, soc.npu_full_rows, soc.npu_call_s,
        soc.npu_vector_per_s, soc.npu_bandwidth_bytes_per_s, soc.npu_power_w, soc.memory_energy_byte_j,
    )  # fmt: skip


@cost_function
def product_rate(unit: Unit, arithmetic: float, stored_bytes: float, rows: float) -> float:
    """Operations/s of a product of ``rows`` rows: the curve, few rows at the vector unit's rate where that is less."""
    full = unit.rate_16bit
    if arithmetic == 7.0 or (arithmetic == 6.0 and stored_bytes < 0.75):
        full = unit.rate_int4
    elif arithmetic == 6.0:
        full = unit.rate_int8
    return max(full * min(1.0, rows / unit.full_rows), min(full, unit.vector_per_s))


@cost_function
def unit_cost(unit: Unit, row: OperatorRow) -> OperatorCost:
    """Cost of one call on one unit: energy is the unit's power while it is busy and that of the bytes it moves."""
    compute = row.flops / unit.vector_per_s
    if row.kind == MATMUL or row.kind == CONVOLUTION:
        compute = row.flops / product_rate(unit, row.arithmetic, row.stored_bytes, row.m)
    elif row.kind == MOE:
        each = max(1.0, row.tokens * row.top_k / max(1.0, row.experts_touched))
        compute = row.flops / product_rate(unit, row.arithmetic, row.stored_bytes, each)
    elif row.kind == ATTENTION:
        queries = row.query_length * row.heads / row.kv_heads
        compute = row.flops / product_rate(unit, 2.0, 2.0, queries)
    memory = row.bytes / unit.bandwidth_bytes_per_s
    latency = unit.call_s + max(compute, memory)
    bound = COMPUTE
    if unit.call_s > max(compute, memory):
        bound = LAUNCH
    elif memory > compute:
        bound = MEMORY
    energy = unit.power_w * latency + unit.energy_byte_j * row.bytes
    return OperatorCost(latency, energy, compute, memory, 0.0, 0.0, unit.call_s, bound)


@cost_function
def operator_cost(soc: Soc, row: OperatorRow) -> OperatorCost:
    """Cost on the fastest of the three units, one operator after the other; the idle power of the rest is added."""
    best = unit_cost(cpu_unit(soc), row)
    gpu = unit_cost(gpu_unit(soc), row)
    if gpu.latency_s < best.latency_s:
        best = gpu
    npu = unit_cost(npu_unit(soc), row)
    if npu.latency_s < best.latency_s:
        best = npu
    energy = best.energy_j + soc.idle_power_w * best.latency_s
    return OperatorCost(best.latency_s, energy, best.compute_s, best.memory_s, 0.0, 0.0, best.fixed_s, best.bound)


@cost_function
def together_rate(soc: Soc, first: Unit, second: Unit) -> float:
    """Bytes/s that two units read at once: their own rates, within what the DRAM gives all."""
    return min(first.bandwidth_bytes_per_s + second.bandwidth_bytes_per_s, soc.shared_bytes_per_s)
