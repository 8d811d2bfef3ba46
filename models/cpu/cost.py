"""What an operator costs on a processor: cores share the work, vector or matrix units compute, channels feed them."""

from __future__ import annotations

from math import ceil, floor

from hwsim.cost import cost_function
from hwsim.models.cpu.record import Cpu
from hwsim.rows import (
    ATTENTION,
    COMPUTE,
    CONVOLUTION,
    LAUNCH,
    MATMUL,
    MEMORY,
    MOE,
    SOFTMAX,
    OperatorCost,
    OperatorRow,
)

COLUMN_BLOCK = 32.0  # output columns a thread takes at a time
VECTOR_WORK = 4096.0  # elements of a map worth a thread
SOFTMAX_OPERATIONS = 6.0  # operations a score beside its exponential


@cost_function
def computing_bytes(arithmetic: float) -> float:
    """Bytes of a value as the units take it: 8 and 4 bit floats widen to 16 bit, 4 bit integers to 8 bit."""
    if arithmetic < 2.0:
        return 4.0
    return 1.0 if arithmetic == 6.0 or arithmetic == 7.0 else 2.0


@cost_function
def fastest(computing: float, fp32: float, rate_16bit: float, rate_int8: float) -> float:
    """Rate of a format of so many bytes: that of its own units, or of a wider format's where those are faster."""
    rate = fp32
    if computing <= 2.0:
        rate = max(rate, rate_16bit)
    if computing <= 1.0:
        rate = max(rate, rate_int8)
    return rate


@cost_function
def vector_rate(cpu: Cpu, arithmetic: float) -> float:
    """Operations per cycle per core of the vector units."""
    return fastest(computing_bytes(arithmetic), cpu.vector_fp32, cpu.vector_16bit, cpu.vector_int8)


@cost_function
def matrix_rate(cpu: Cpu, arithmetic: float) -> float:
    """Operations per cycle per core of the matrix units, 0 where there are none for the format or a wider one."""
    return fastest(computing_bytes(arithmetic), cpu.matrix_fp32, cpu.matrix_16bit, cpu.matrix_int8)


@cost_function
def flop_energy_j(cpu: Cpu, arithmetic: float) -> float:
    """Joules per operation: those of the narrow units where the format has some, else fp32's."""
    rate = max(vector_rate(cpu, arithmetic), matrix_rate(cpu, arithmetic))
    return cpu.energy_narrow_flop_j if rate > max(cpu.vector_fp32, cpu.matrix_fp32) else cpu.energy_flop_j


@cost_function
def memory_rate(cpu: Cpu, active: float) -> float:
    """Bytes/s from memory: the achieved share of the channels, or what the active cores have in flight."""
    in_flight = min(active, cpu.cores) * cpu.bytes_in_flight_per_core / cpu.memory_latency_s
    return min(cpu.memory_bandwidth_bytes_per_s * cpu.memory_achieved, in_flight)


@cost_function
def operator_time(cpu: Cpu, compute_s: float, memory_s: float, dynamic_j: float) -> OperatorCost:
    """The slower of compute and memory after the threads have started, stretched to hold the power limit."""
    busy = max(compute_s, memory_s)
    unlimited = busy + cpu.fixed_s
    latency = max(unlimited, dynamic_j / max(cpu.power_limit_w - cpu.idle_power_w, 1e-3))
    bound = COMPUTE  # of a call that the power limit makes longer, too
    if latency <= unlimited:
        if cpu.fixed_s > busy:
            bound = LAUNCH
        elif memory_s >= compute_s:
            bound = MEMORY
    return OperatorCost(
        latency, dynamic_j + cpu.idle_power_w * latency, compute_s, memory_s, 0.0, 0.0, cpu.fixed_s, bound
    )


@cost_function
def row_parts(cpu: Cpu, blocks: float, m: float) -> float:
    """Parts into which the threads that column blocks leave idle cut the rows; 1 where there are no idle ones."""
    return max(1.0, min(m, floor(cpu.cores / blocks)))


@cost_function
def product_s(cpu: Cpu, groups: float, m: float, n: float, k: float, arithmetic: float) -> float:
    """Seconds of ``groups`` products of (m, k) by (k, n): the faster of vector and (padded) matrix units.

    Threads take blocks of columns, so the slowest thread has ``ceil(blocks / cores)`` of them; with fewer blocks than
    cores they take parts of the rows of a block.
    """
    blocks = groups * ceil(n / COLUMN_BLOCK)
    share = ceil(blocks / cpu.cores) * COLUMN_BLOCK
    part = ceil(m / row_parts(cpu, blocks, m))
    cycles = 2.0 * share * part * k / (vector_rate(cpu, arithmetic) * cpu.compute_achieved)
    matrix = matrix_rate(cpu, arithmetic)
    if matrix > 0.0:
        rows = cpu.matrix_rows * ceil(part / cpu.matrix_rows)
        cycles = min(cycles, 2.0 * share * rows * k / (matrix * cpu.compute_achieved))
    return cycles / cpu.clock_hz


@cost_function
def beyond_cache(cpu: Cpu, activation_bytes: float) -> float:
    """Activation bytes that memory sees: none while they fit the last-level cache."""
    return activation_bytes if activation_bytes > cpu.cache_bytes else 0.0


@cost_function
def weighted(
    cpu: Cpu, row: OperatorRow, groups: float, m: float, n: float, k: float, weight_bytes: float
) -> OperatorCost:
    """Products with stored weights: widen those narrower than the units take, compute, stream ``weight_bytes``."""
    compute_s = product_s(cpu, groups, m, n, k, row.arithmetic)
    if row.stored_bytes < computing_bytes(row.arithmetic):
        compute_s += groups * n * k / (cpu.cores * cpu.unpack * cpu.clock_hz)
    activations = beyond_cache(cpu, groups * m * (k + n) * row.dtype_bytes)
    blocks = groups * ceil(n / COLUMN_BLOCK)
    memory_s = weight_bytes / memory_rate(cpu, blocks)  # threads with rows of the same block fetch the same weights
    memory_s += activations / memory_rate(cpu, blocks * row_parts(cpu, blocks, m))
    traffic = weight_bytes + activations
    dynamic = 2.0 * groups * m * n * k * flop_energy_j(cpu, row.arithmetic) + traffic * cpu.energy_memory_byte_j
    return operator_time(cpu, compute_s, memory_s, dynamic)


@cost_function
def matmul(cpu: Cpu, row: OperatorRow) -> OperatorCost:
    """``batch`` products of (m, k) by (k, n)."""
    return weighted(cpu, row, row.batch, row.m, row.n, row.k, row.batch * row.n * row.k * row.stored_bytes)


@cost_function
def attention(cpu: Cpu, row: OperatorRow) -> OperatorCost:
    """Scores, softmax and weighted sum; a thread takes a KV head of a request, or part of its keys."""
    width = row.head_dim + row.value_head_dim
    keys = row.flops / (2.0 * row.batch * row.heads * row.query_length * width)
    rate = max(vector_rate(cpu, row.arithmetic), matrix_rate(cpu, row.arithmetic) if row.query_length > 1.0 else 0.0)
    scores = row.batch * row.heads * row.query_length * keys
    cycles = row.flops / (rate * cpu.compute_achieved)
    cycles += scores * (1.0 / cpu.exponential + SOFTMAX_OPERATIONS / cpu.vector_fp32)
    kv = row.batch * row.kv_heads * min(row.kv_length, keys + row.query_length) * width * row.stored_bytes
    dynamic = row.flops * flop_energy_j(cpu, row.arithmetic) + kv * cpu.energy_memory_byte_j
    compute_s = cycles / (cpu.cores * cpu.clock_hz)
    return operator_time(cpu, compute_s, kv / memory_rate(cpu, cpu.cores), dynamic)


@cost_function
def joined(first: OperatorCost, second: OperatorCost) -> OperatorCost:
    """Two parallel regions one after the other."""
    return OperatorCost(
        first.latency_s + second.latency_s, first.energy_j + second.energy_j, first.compute_s + second.compute_s,
        first.memory_s + second.memory_s, 0.0, 0.0, first.fixed_s + second.fixed_s,
        first.bound if first.latency_s >= second.latency_s else second.bound,
    )  # fmt: skip


@cost_function
def experts(cpu: Cpu, row: OperatorRow) -> OperatorCost:
    """Routed experts: up (and gate) products of the experts in use, then down."""
    used = max(1.0, row.experts_touched)
    tokens = max(1.0, row.tokens * row.top_k / used)
    inner = (row.matrices - 1.0) * row.intermediate
    up = weighted(cpu, row, used, tokens, inner, row.hidden, used * inner * row.hidden * row.stored_bytes)
    down_bytes = used * row.hidden * row.intermediate * row.stored_bytes
    return joined(up, weighted(cpu, row, used, tokens, row.hidden, row.intermediate, down_bytes))


@cost_function
def streaming(cpu: Cpu, elements: float, flops: float, exponentials: float, traffic: float) -> OperatorCost:
    """A map, a norm, a softmax or a look-up over ``elements``; cached activations cause no traffic."""
    active = min(cpu.cores, ceil(elements / VECTOR_WORK))
    cycles = flops / cpu.vector_fp32 + exponentials / cpu.exponential
    moved = beyond_cache(cpu, traffic)
    dynamic = flops * cpu.energy_flop_j + moved * cpu.energy_memory_byte_j
    return operator_time(cpu, cycles / (active * cpu.clock_hz), moved / memory_rate(cpu, active), dynamic)


@cost_function
def operator_cost(cpu: Cpu, row: OperatorRow) -> OperatorCost:
    """Cost of one call of an operator on one socket. Collectives are costed by their link."""
    if row.kind == MATMUL or row.kind == CONVOLUTION:
        return matmul(cpu, row)
    if row.kind == ATTENTION:
        return attention(cpu, row)
    if row.kind == MOE:
        return experts(cpu, row)
    exponentials = row.rows * row.columns if row.kind == SOFTMAX else 0.0
    return streaming(cpu, max(row.elements, row.rows * row.columns), row.flops, exponentials, row.bytes)
