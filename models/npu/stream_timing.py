"""Cycles of streaming kernels under any pattern of gaps and back-pressure, exactly.

A source offers its next word in a cycle where its pattern is 1 and then holds it until it is taken; the sink takes a
result in a cycle where its pattern is 1. Cycle 0 is the first with the reset low. Patterns are called with the cycle.
Without stalls the closed forms hold; a test holds both equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import NamedTuple

from hwsim.cost import cost_function
from hwsim.errors import InputError

Pattern = Callable[[int], bool]
CYCLE_LIMIT = 1_000_000


class Beat(NamedTuple):
    """One step of a pipeline: the streams it takes a word of, and whether a result follows."""

    streams: tuple[str, ...]
    result: bool


class Timing(NamedTuple):
    """Cycles in which beats were accepted and results taken."""

    accepted: list[int]
    results: list[int]

    @property
    def cycles(self) -> int:
        """From the first accepted beat to the last result, both counted."""
        return self.results[-1] - self.accepted[0] + 1


class Sources:
    """Sources that hold a word once offered."""

    def __init__(self, patterns: Mapping[str, Pattern]) -> None:
        self._patterns = patterns
        self._held = dict.fromkeys(patterns, False)

    def offer(self, cycle: int) -> None:
        """Open a cycle: each source whose pattern is 1 offers its next word."""
        for stream, pattern in self._patterns.items():
            self._held[stream] = self._held[stream] or pattern(cycle)

    def offered(self, stream: str) -> bool:
        """Whether the stream has a word now."""
        return self._held[stream]

    def take(self, stream: str) -> None:
        """Take the word."""
        self._held[stream] = False


def always(_: int) -> bool:
    """The pattern without stalls."""
    return True


def check_limit(cycle: int) -> None:
    """Refuse stall patterns that never end."""
    if cycle > CYCLE_LIMIT:
        raise InputError(f"stalls: no result after {CYCLE_LIMIT} cycles; a pattern must be 1 at times")


def pipeline_timing(
    beats: Sequence[Beat],
    depth: int,
    patterns: Mapping[str, Pattern] | None = None,
    sink: Pattern = always,
    first_ready: int = 0,
) -> Timing:
    """Timing of a pipeline of ``depth`` registers that holds as a whole while a result waits.

    Nothing is accepted before cycle ``first_ready``.
    """
    given = patterns or {}
    streams = {stream for beat in beats for stream in beat.streams}
    sources = Sources({stream: given.get(stream, always) for stream in streams})
    stages = [False] * depth
    accepted: list[int] = []
    results: list[int] = []
    expected = sum(beat.result for beat in beats)
    cycle = 0
    while len(results) < expected:
        check_limit(cycle)
        sources.offer(cycle)
        if stages[-1] and sink(cycle):
            results.append(cycle)
        if not stages[-1] or sink(cycle):
            beat = beats[len(accepted)] if len(accepted) < len(beats) else None
            if beat is not None and (cycle < first_ready or not all(map(sources.offered, beat.streams))):
                beat = None
            if beat is not None:
                accepted.append(cycle)
                for stream in beat.streams:
                    sources.take(stream)
            stages = [beat is not None and beat.result, *stages[:-1]]
        cycle += 1
    return Timing(accepted, results)


def router_timing(tokens: int, top_k: int, source: Pattern = always, sink: Pattern = always) -> Timing:
    """Timing of the router: a token every ``top_k`` cycles; a waiting result holds the last step."""
    sources = Sources({"x": source})
    accepted: list[int] = []
    results: list[int] = []
    steps_left = 0
    waiting = False
    cycle = 0
    while len(results) < tokens:
        check_limit(cycle)
        sources.offer(cycle)
        taken = waiting and sink(cycle)
        done = steps_left == 1 and (not waiting or taken)
        ready = steps_left == 0 or done
        if taken:
            results.append(cycle)
        if steps_left > 1 or done:
            steps_left -= 1
        if ready and len(accepted) < tokens and sources.offered("x"):
            accepted.append(cycle)
            sources.take("x")
            steps_left = top_k
        waiting = done or (waiting and not taken)
        cycle += 1
    return Timing(accepted, results)


@cost_function
def lane_mac_cycles(length: float, lanes: float, pipeline: float) -> float:
    """Cycles of one dot product of ``length`` terms, ``lanes`` a cycle (ternary_mac, shift_mac)."""
    return ceil(length / lanes) + pipeline + 1.0


@cost_function
def router_cycles(tokens: float, top_k: float) -> float:
    """Cycles of the router for so many tokens (expert_topk)."""
    return tokens * top_k + 2.0


@cost_function
def pq_attention_cycles(sub_spaces: float, code_bits: float, tokens: float) -> float:
    """Cycles of one head and query over ``tokens`` cached tokens: table, scores, weights and values (pq_attention).

    One query beat, two passes over the centroids, a beat a token for its score and one for its value, 2 of latency;
    the softmax between them is not counted.
    """
    centroids: float = sub_spaces * 2.0**code_bits
    return 1.0 + 2.0 * centroids + 2.0 * tokens + 2.0
