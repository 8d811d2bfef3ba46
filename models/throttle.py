"""The clock that keeps a board to its power limit, of every family whose clock follows power.

See docs/methods/gpu_power.md: voltage falls with the clock, so an operation's energy falls as its square and power as
its cube. With it, throttled products of A100, H100 and H200 come out within 3 % of their measured time.
"""

from __future__ import annotations

from hwsim.cost import cost_function


@cost_function
def slowed(dynamic_j: float, latency_s: float, clocked_s: float, room_w: float) -> float:
    """How many times slower the clock runs so that ``room_w`` of dynamic power is kept; 1 where it need not slow.

    A kernel of ``latency_s`` and ``dynamic_j`` at full clock does ``clocked_s`` of work that follows the clock and
    waits for memory in the rest: the clock first slows at no cost in time (power falls as its square), then the kernel
    with it (as its cube).
    """
    excess = max(1.0, dynamic_j / max(room_w * latency_s, 1e-30))
    slack = latency_s / max(clocked_s, 1e-30)
    if excess <= slack * slack:
        hidden: float = excess**0.5
        return hidden
    slower: float = (excess * slack) ** (1.0 / 3.0)
    return slower
