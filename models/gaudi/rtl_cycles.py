"""Cycles of the FP8 kernels, rtl/fp8_mac and rtl/fp8_dot: closed forms without stalls, exact timing under any stalls.

Counted from the first accepted beat to the last result, both included. Patterns are as in
`hwsim.models.npu.stream_timing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log2

from hwsim.cost import cost_function
from hwsim.models.npu.stream_timing import Beat, Pattern, Sources, Timing, always, check_limit, pipeline_timing


@cost_function
def fp8_mac_tail_cycles(partial_sums: float) -> float:
    """Cycles from the last accepted beat to the result: product, adder, flush, tree of partial sums.

    2 + L (1 + log2 L) + (L - 1) with L ``partial_sums``, 1, 2 or 4.
    """
    return 2.0 + partial_sums * (1.0 + log2(partial_sums)) + (partial_sums - 1.0)


@cost_function
def fp8_mac_cycles(length: float, partial_sums: float) -> float:
    """Cycles of one dot product of ``length`` terms, FP32 accumulation in ``partial_sums`` interleaved sums."""
    return length + fp8_mac_tail_cycles(partial_sums)


@cost_function
def fp8_mac_stream_cycles(vectors: float, length: float, partial_sums: float) -> float:
    """Cycles of ``vectors`` dot products one after the other: the next starts in the cycle after a result is taken."""
    return vectors * fp8_mac_cycles(length, partial_sums)


@cost_function
def fp8_dot_depth_cycles(lanes: float) -> float:
    """Registers between a beat and its result: product, tree, whole sum, alignment, rounding."""
    return 4.0 + ceil(log2(lanes))


@cost_function
def fp8_dot_cycles(beats: float, lanes: float) -> float:
    """Cycles of so many beats of ``lanes`` products each, of one vector or of many: one a cycle."""
    return beats + fp8_dot_depth_cycles(lanes)


def fp8_mac_timing(
    lengths: Sequence[int], partial_sums: int, source: Pattern = always, sink: Pattern = always
) -> Timing:
    """Timing of dot products of the given lengths: while one is finished and not taken, no beat is accepted."""
    sources = Sources({"x": source})
    tail = round(fp8_mac_tail_cycles(partial_sums))
    accepted: list[int] = []
    results: list[int] = []
    left = lengths[0]
    visible: int | None = None
    cycle = 0
    while len(results) < len(lengths):
        check_limit(cycle)
        sources.offer(cycle)
        if visible is None:
            if sources.offered("x"):
                sources.take("x")
                accepted.append(cycle)
                left -= 1
                visible = cycle + tail if left == 0 else None
        elif cycle >= visible and sink(cycle):
            results.append(cycle)
            visible = None
            left = lengths[len(results)] if len(results) < len(lengths) else 0
        cycle += 1
    return Timing(accepted, results)


def fp8_dot_timing(lasts: Sequence[bool], lanes: int, source: Pattern = always, sink: Pattern = always) -> Timing:
    """Timing of beats, a result for each that is the last of its vector."""
    beats = [Beat(("x",), last) for last in lasts]
    return pipeline_timing(beats, round(fp8_dot_depth_cycles(lanes)), {"x": source}, sink)
