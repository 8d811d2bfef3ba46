"""Board power of a GPU: what is drawn without work, what running costs, and the clock that keeps to the limit.

See docs/methods/gpu_power.md for the measured errors. Energies a FLOP and a byte hold for the board: losses of the
supply and the clock and operand networks that go with an operation are in them.
"""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.gpu.record import Gpu

HELD_SHARE = 0.988  # of the limit that a throttled board draws: what H200 boards read under large bf16 products, 691 W


@cost_function
def active_power_w(gpu: Gpu) -> float:
    """Watts beyond idle while SMs run, whatever they do: clocks, schedulers, L2 and fabric out of their sleep."""
    return gpu.active_power_share * gpu.power_limit_w


@cost_function
def slowdown(gpu: Gpu, dynamic_j: float, latency_s: float) -> float:
    """How many times slower the clock runs so that the board holds its limit; 1 where it need not slow.

    Voltage falls with the clock, so that an operation's energy falls as its square and power as its cube:
    ``dynamic_j`` in ``latency_s`` at full clock draws ``dynamic_j / latency_s / slowdown**3``.
    """
    room_w = max(HELD_SHARE * gpu.power_limit_w - gpu.idle_power_w - active_power_w(gpu), 1.0)
    slower: float = max(1.0, dynamic_j / max(room_w * latency_s, 1e-30)) ** (1.0 / 3.0)
    return slower


@cost_function
def kernel_energy_j(gpu: Gpu, dynamic_j: float, busy_s: float, latency_s: float, slower: float) -> float:
    """Joules of a kernel: the work, the running SMs while it is busy, the idle board for as long as it lasts.

    ``dynamic_j``, ``busy_s`` and ``latency_s`` are those at full clock, which runs ``slower`` times slower.
    """
    running_j = active_power_w(gpu) * min(busy_s, latency_s) + gpu.idle_power_w * latency_s
    return dynamic_j / (slower * slower) + running_j * slower
