"""Main memory and L2 of a GPU: what bandwidth a number of active SMs reaches, and how long a kernel at least takes."""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.gpu.record import Gpu
from hwsim.rows import CACHE, COMPUTE, LAUNCH, MEMORY, OperatorCost


@cost_function
def memory_bandwidth(gpu: Gpu, active_sms: float) -> float:
    """Bytes/s from main memory: the achieved share of the pins, or what the active SMs have in flight per latency."""
    in_flight = min(active_sms, gpu.sm_count) * gpu.bytes_in_flight_per_sm / gpu.memory_latency_s
    return min(gpu.memory_bandwidth_bytes_per_s * gpu.memory_achieved, in_flight)


@cost_function
def l2_bandwidth(gpu: Gpu, active_sms: float) -> float:
    """Bytes/s from the L2: all of it, or each active SM's port share (a quarter above the mean)."""
    share = min(1.0, 1.25 * active_sms / gpu.sm_count)
    return gpu.l2_bandwidth_bytes_per_cycle * gpu.clock_hz * share


@cost_function
def kernel_cost(
    gpu: Gpu, compute_s: float, memory_s: float, cache_s: float, fixed_s: float, dynamic_j: float
) -> OperatorCost:
    """Assemble a kernel's cost from its parts: the slowest resource, the fixed time, and the power limit.

    The board holds its limit by slowing the clock, so a kernel lasts at least
    ``dynamic_j / (power limit - idle power)``; that stretch counts as compute. Energy adds the idle power over time.
    """
    busy = max(compute_s, memory_s, cache_s)
    throttled = dynamic_j / max(gpu.power_limit_w - gpu.idle_power_w, 1.0)
    latency = max(busy + fixed_s, throttled)
    bound = COMPUTE
    if throttled <= busy + fixed_s:
        if fixed_s > busy:
            bound = LAUNCH
        elif memory_s >= compute_s and memory_s >= cache_s:
            bound = MEMORY
        elif cache_s > compute_s:
            bound = CACHE
    energy = dynamic_j + gpu.idle_power_w * latency
    return OperatorCost(latency, energy, compute_s, memory_s, cache_s, 0.0, fixed_s, bound)
