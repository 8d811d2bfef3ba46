"""Main memory and L2 of a GPU: what bandwidth a number of active SMs reaches, and how long a kernel at least takes."""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.gpu.power import kernel_energy_j, running_share, slowdown
from hwsim.models.gpu.record import Gpu
from hwsim.rows import CACHE, COMPUTE, LAUNCH, MEMORY, OperatorCost

SM_PORT = 64.0  # bytes a cycle from the L2 to an SM: Jia et al. 2018, arXiv 1804.06826 (V100); AMD, CDNA 3 whitepaper


@cost_function
def memory_bandwidth(gpu: Gpu, active_sms: float) -> float:
    """Bytes/s from main memory: the achieved share of the pins, or what the active SMs have in flight per latency."""
    in_flight = min(active_sms, gpu.sm_count) * gpu.bytes_in_flight_per_sm / gpu.memory_latency_s
    return min(gpu.memory_bandwidth_bytes_per_s * gpu.memory_achieved, in_flight)


@cost_function
def l2_bandwidth(gpu: Gpu, active_sms: float) -> float:
    """Bytes/s from the L2: all of it, or what the ports of the active SMs carry."""
    return min(gpu.l2_bandwidth_bytes_per_cycle, min(active_sms, gpu.sm_count) * SM_PORT) * gpu.clock_hz


@cost_function
def cached_share(gpu: Gpu, footprint_bytes: float) -> float:
    """Share of a tensor still in the L2 after ``footprint_bytes`` passed through it since its last use.

    1 up to three quarters of the usable capacity, 0 from five quarters on: replacement is not exactly by age.
    """
    usable = gpu.l2_bytes * gpu.matmul_l2_share
    return min(1.0, max(0.0, (1.25 * usable - footprint_bytes) / (0.5 * usable)))


@cost_function
def overlapped(compute_s: float, memory_s: float, cache_s: float, interference: float) -> float:
    """Time of three resources at work together: the slowest, and a share of the second one that it does not hide."""
    slowest = max(compute_s, memory_s, cache_s)
    second = compute_s + memory_s + cache_s - slowest - min(compute_s, memory_s, cache_s)
    return slowest + interference * second


@cost_function
def assembled(
    gpu: Gpu, busy_s: float, compute_s: float, memory_s: float, cache_s: float, fixed_s: float, dynamic_j: float
) -> OperatorCost:
    """Assemble a kernel's cost from its busy time, its parts, its fixed time and the power limit.

    The board holds its limit by slowing the clock: what waits for memory hides that as long as it can. A kernel that it
    makes slower counts as bound by compute. See `hwsim.models.gpu.power`.
    """
    full = busy_s + fixed_s
    clocked_s = full - max(0.0, memory_s - max(compute_s, cache_s))
    running = running_share(full, fixed_s)
    slower = slowdown(gpu, dynamic_j, full, clocked_s, running)
    latency = max(full, clocked_s * slower)
    bound = COMPUTE
    if latency <= full:
        if fixed_s > busy_s:
            bound = LAUNCH
        elif memory_s >= compute_s and memory_s >= cache_s:
            bound = MEMORY
        elif cache_s > compute_s:
            bound = CACHE
    energy = kernel_energy_j(gpu, dynamic_j, latency, slower, running)
    return OperatorCost(latency, energy, compute_s, memory_s, cache_s, 0.0, fixed_s, bound)


@cost_function
def kernel_cost(
    gpu: Gpu, compute_s: float, memory_s: float, cache_s: float, fixed_s: float, dynamic_j: float
) -> OperatorCost:
    """Assemble a kernel's cost where the slowest resource hides the others; see `assembled`."""
    return assembled(gpu, max(compute_s, memory_s, cache_s), compute_s, memory_s, cache_s, fixed_s, dynamic_j)
