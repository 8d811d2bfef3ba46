"""Kernels bound by traffic: norms, softmax, elementwise maps, table look-ups."""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.gpu.memory import kernel_cost, l2_bandwidth, memory_bandwidth
from hwsim.models.gpu.record import Gpu
from hwsim.rows import OperatorCost, OperatorRow

BLOCK_BYTES = 4096.0  # what one thread block of a streaming kernel moves: 256 threads, 16 bytes each


@cost_function
def streaming(
    gpu: Gpu, traffic: float, flops: float, exponentials: float, blocks: float, shared: float
) -> OperatorCost:
    """Cost of a kernel that moves ``traffic`` bytes once with ``blocks`` thread blocks and does little arithmetic.

    ``shared`` bytes of the traffic are needed by every block: they come from main memory once, yet each SM has to
    read them, and the first to ask waits as long as for its own.
    """
    active = min(max(blocks, 1.0), gpu.sm_count)
    read = traffic + shared * (active - 1.0)
    in_flight = active * gpu.bytes_in_flight_per_sm / gpu.memory_latency_s
    cycles = max(flops / gpu.vector_rate, exponentials / gpu.exponential_rate) / active
    dynamic = flops * gpu.energy_vector_j + traffic * (gpu.energy_memory_byte_j + gpu.energy_l2_byte_j)
    return kernel_cost(
        gpu, cycles / gpu.clock_hz, max(traffic / memory_bandwidth(gpu, active), read / in_flight),
        read / l2_bandwidth(gpu, active), gpu.fixed_s, dynamic,
    )  # fmt: skip


@cost_function
def norm(gpu: Gpu, row: OperatorRow) -> OperatorCost:
    """Layer or root-mean-square norm: a row is reduced and scaled by one thread block."""
    weights = row.matrices * row.columns * row.dtype_bytes
    return streaming(gpu, row.bytes, row.flops, 0.0, row.rows, weights)


@cost_function
def softmax(gpu: Gpu, row: OperatorRow) -> OperatorCost:
    """Row softmax: one exponential a value."""
    return streaming(gpu, row.bytes, row.flops, row.rows * row.columns, row.rows, 0.0)


@cost_function
def elementwise(gpu: Gpu, row: OperatorRow) -> OperatorCost:
    """A map over elements: activation, rotary, addition."""
    return streaming(gpu, row.bytes, row.flops, 0.0, row.bytes / BLOCK_BYTES, 0.0)


@cost_function
def gather(gpu: Gpu, row: OperatorRow) -> OperatorCost:
    """Look up rows of a table."""
    return streaming(gpu, row.bytes, 0.0, 0.0, row.bytes / BLOCK_BYTES, 0.0)
