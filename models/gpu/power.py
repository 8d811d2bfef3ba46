"""Board power of a GPU: what is drawn without work, what running costs, and the clock that keeps to the limit.

See docs/methods/gpu_power.md for the measured errors. Energies a FLOP and a byte hold for the board: losses of the
supply and the clock and operand networks that go with an operation are in them.
"""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.gpu.record import Gpu
from hwsim.models.throttle import slowed

HELD_SHARE = 0.988  # of the limit that a throttled board draws: what H200 boards read under large bf16 products, 691 W


@cost_function
def active_power_w(gpu: Gpu) -> float:
    """Watts beyond idle while SMs run, whatever they do: clocks, schedulers, L2 and fabric out of their sleep."""
    return gpu.active_power_share * gpu.power_limit_w


@cost_function
def slowdown(gpu: Gpu, dynamic_j: float, latency_s: float, clocked_s: float, running: float) -> float:
    """How many times slower the clock runs so that the board holds its limit; 1 where it need not slow.

    A kernel of ``latency_s`` and ``dynamic_j`` at full clock has ``clocked_s`` of work that follows the clock;
    ``running`` is the share of its time in which the SMs run.
    """
    room_w = max(HELD_SHARE * gpu.power_limit_w - gpu.idle_power_w - running * active_power_w(gpu), 1.0)
    return slowed(dynamic_j, latency_s, clocked_s, room_w)


@cost_function
def kernel_energy_j(gpu: Gpu, dynamic_j: float, latency_s: float, slower: float, running: float) -> float:
    """Joules of a kernel: the work, the board for as long as it lasts, and its SMs for the share that they run.

    ``dynamic_j`` is that at full clock, which runs ``slower`` times slower.
    """
    return dynamic_j / (slower * slower) + (running * active_power_w(gpu) + gpu.idle_power_w) * latency_s


@cost_function
def running_share(full_s: float, fixed_s: float) -> float:
    """Share of a kernel's time in which its SMs run: not its launch, start and drain, which ``fixed_s`` stands for."""
    return max(0.0, 1.0 - fixed_s / max(full_s, 1e-30))


def collective_power_w(gpu: Gpu) -> float:
    """Watts of a board whose SMs run a collective: they copy, add and wait."""
    return gpu.idle_power_w + active_power_w(gpu)
