"""Cycles of rtl/softmax_rmsnorm: closed forms without stalls, exact timing under any stalls.

Softmax passes over a row of B beats three times (store, exponentials, results), RMS norm twice; the constants are the
pipelines' registers and Newton's iterations (8 cycles for 1 / x, 20 for the root of a ratio).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from hwsim.cost import cost_function
from hwsim.models.npu.stream_timing import Pattern, Sources, Timing, always, check_limit


@cost_function
def softmax_cycles(elements: float, lanes: float) -> float:
    """Cycles of the softmax of a row, first accepted beat to last result, both counted."""
    return 3.0 * ceil(elements / lanes) + 19.0


@cost_function
def rms_norm_cycles(elements: float, lanes: float) -> float:
    """Cycles of the RMS norm of a row, first accepted beat to last result, both counted."""
    return 2.0 * ceil(elements / lanes) + 26.0


def special_function_timing(
    rows: Sequence[tuple[int, bool]], source: Pattern = always, sink: Pattern = always
) -> Timing:
    """Timing of rows (beats, whether an RMS norm) one after the other."""
    sources = Sources({"x": source})
    accepted: list[int] = []
    results: list[int] = []
    cycle = 0
    for beats, root in rows:
        for _ in range(beats):
            while True:
                check_limit(cycle)
                sources.offer(cycle)
                cycle += 1
                if sources.offered("x"):
                    break
            sources.take("x")
            accepted.append(cycle - 1)
        visible = accepted[-1] + (27 if root else 20 + beats)
        for _ in range(beats):
            while cycle < visible or not sink(cycle):
                check_limit(cycle)
                sources.offer(cycle)
                cycle += 1
            sources.offer(cycle)
            results.append(cycle)
            cycle += 1
    return Timing(accepted, results)
