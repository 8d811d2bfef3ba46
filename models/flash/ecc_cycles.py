"""Cycles of the in-flash error unit (outlier_ecc) and of SEC-DED words, with and without stalls.

A page takes one cycle for its threshold, one an entry and one a beat of values; a result follows its beat by a cycle.
Source: the unit's place in the read path is Cambricon-LLM's (arXiv 2409.15654), the schedule is the kernel's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hwsim.cost import cost_function
from hwsim.models.npu.stream_timing import Pattern, Sources, Timing, always, check_limit


@cost_function
def outlier_ecc_cycles(pages: float, values: float, lanes: float, protected: float) -> float:
    """Cycles from the first threshold to the last result, both counted, of pages whose addresses are sound."""
    return pages * (1.0 + values / lanes + protected) + 1.0


@cost_function
def secded_cycles(words: float) -> float:
    """Cycles of ``words`` words, one a cycle, one register."""
    return words + 1.0


def outlier_ecc_timing(
    addresses: Sequence[Sequence[int]],
    *,
    values: int,
    lanes: int,
    patterns: Mapping[str, Pattern] | None = None,
    sink: Pattern = always,
) -> Timing:
    """Timing of pages under stalls; ``addresses[page]`` are the decoded addresses of its entries, in the order sent.

    ``accepted`` holds the cycles of the thresholds; the streams are threshold, entry and page.
    """
    given = patterns or {}
    sources = Sources({stream: given.get(stream, always) for stream in ("threshold", "entry", "page")})
    expected = len(addresses) * values // lanes
    accepted: list[int] = []
    results: list[int] = []
    queue: list[int] = []
    base = values
    waiting = False
    cycle = 0
    while len(results) < expected:
        check_limit(cycle)
        sources.offer(cycle)
        taken = waiting and sink(cycle)
        if taken:
            results.append(cycle)
        passed = False
        if base == values and not queue:
            if len(accepted) < len(addresses) and sources.offered("threshold"):
                sources.take("threshold")
                queue = list(addresses[len(accepted)])
                accepted.append(cycle)
                base = 0
        elif queue and not (sources.offered("entry") and base < values and queue[0] >= base + lanes):
            if sources.offered("entry"):
                sources.take("entry")
                del queue[0]
        elif sources.offered("page") and (taken or not waiting):
            sources.take("page")
            base += lanes
            passed = True
        waiting = passed or (waiting and not taken)
        cycle += 1
    return Timing(accepted, results)
