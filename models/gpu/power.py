"""Board power of a GPU: what is drawn without work, what running costs, and the clock that keeps to the limit.

See docs/methods/gpu_power.md for the measured errors. Energies a FLOP and a byte hold for the board: losses of the
supply and the clock and operand networks that go with an operation are in them.
"""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.gpu.record import Gpu


@cost_function
def active_power_w(gpu: Gpu) -> float:
    """Watts beyond idle while SMs run, whatever they do: clocks, schedulers, L2 and fabric out of their sleep."""
    return gpu.active_power_share * gpu.power_limit_w


@cost_function
def throttled_s(gpu: Gpu, dynamic_j: float) -> float:
    """Shortest seconds for ``dynamic_j`` of work under the power limit: the clock slows until the board holds it.

    ``dynamic / (limit - idle - active)``, with the energy of an operation taken as the same at a lower clock.
    """
    return dynamic_j / max(gpu.power_limit_w - gpu.idle_power_w - active_power_w(gpu), 1.0)


@cost_function
def kernel_energy_j(gpu: Gpu, dynamic_j: float, busy_s: float, latency_s: float) -> float:
    """Joules of a kernel: the work, the running SMs while it is busy, the idle board for as long as it lasts."""
    return dynamic_j + active_power_w(gpu) * min(busy_s, latency_s) + gpu.idle_power_w * latency_s
