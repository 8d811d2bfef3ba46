"""Cycles of rtl/gru_cell: the closed form without stalls, exact timing under any stalls.

A step of T takes R (max(I, H) + 1) + 5 cycles: R groups of rows, each a bias and then a weight a cycle, input and state
side by side; then 5 cycles to the new state, on which the next step waits. With R = 1 this is the 73 (70 + o) form
that LFADS' published latency suggests, o = 6.
"""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.npu.stream_timing import Pattern, Sources, Timing, always, check_limit

LATENCY_CYCLES = 5


@cost_function
def gru_step_cycles(inputs: float, hidden: float, reuse: float) -> float:
    """Cycles of one step of ``inputs`` and ``hidden`` elements with ``reuse`` rows a multiplier."""
    return reuse * (max(inputs, hidden) + 1.0) + 5.0


@cost_function
def gru_cycles(steps: float, inputs: float, hidden: float, reuse: float) -> float:
    """Cycles from the first element of x to the last result, both counted, weights loaded."""
    return inputs + steps * gru_step_cycles(inputs, hidden, reuse)


@cost_function
def gru_weight_words(inputs: float, hidden: float, reuse: float) -> float:
    """Words of the weight stream: rows padded to whole groups, a bias and a row for input and for state."""
    units = -(-hidden // reuse)
    return 3.0 * units * reuse * (inputs + hidden + 2.0)


class _Banks:
    """The two banks of x: filled in turn, each held until its step has read it."""

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.full = [False, False]
        self.write = self.read = self.index = 0

    def take(self) -> None:
        self.index += 1
        if self.index == self.inputs:
            self.full[self.write] = True
            self.write ^= 1
            self.index = 0

    def free(self) -> None:
        self.full[self.read] = False
        self.read ^= 1


def gru_timing(
    steps: int,
    inputs: int,
    hidden: int,
    reuse: int,
    *,
    source: Pattern = always,
    weights: Pattern = always,
    sink: Pattern = always,
) -> Timing:
    """Timing of a stream of steps, the weights loaded first; everything but the loading waits for a full output.

    ``accepted`` are the cycles of x, ``results`` those of the groups, ``reuse`` a step.
    """
    sources = Sources({"x": source, "weight": weights})
    banks = _Banks(inputs)
    words = round(gru_weight_words(inputs, hidden, reuse))
    length = max(inputs, hidden) + 1
    stages: list[int] = [0] * LATENCY_CYCLES  # 0: nothing, 1: a group, 2: the last group of a step
    accepted: list[int] = []
    results: list[int] = []
    issued = cycle = 0
    drain = False
    while len(results) < steps * reuse:
        check_limit(cycle)
        sources.offer(cycle)
        loaded = words == 0
        ready = loaded and not banks.full[banks.write]
        run = not stages[-1] or sink(cycle)
        issue = run and loaded and banks.full[banks.read] and not drain
        entering = 0
        if run:
            if stages[-1]:
                results.append(cycle)
                drain = drain and stages[-1] != 2
            if issue:
                issued += 1
                entering = int(issued % length == 0)
                if issued == length * reuse:
                    issued, entering, drain = 0, 2, True
            stages = [entering, *stages[:-1]]
        if not loaded and sources.offered("weight"):
            sources.take("weight")
            words -= 1
        if ready and len(accepted) < steps * inputs and sources.offered("x"):
            sources.take("x")
            accepted.append(cycle)
            banks.take()
        if entering == 2:
            banks.free()
        cycle += 1
    return Timing(accepted, results)
