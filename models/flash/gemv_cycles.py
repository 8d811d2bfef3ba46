"""Cycles of the in-flash compute core: vectors of L beats, R rows each, reads interleaved after every row.

Without stalls, V vectors take V (L + R (L + reads)) - (V - 1) min(reads, L) + 2 + ceil(log2 lanes) cycles, first
accepted beat to last result: the reads after a vector's last row pass while the next vector is loaded. A core keeps up
with the array where a page of P bytes is read in tR and P / lanes cycles are no longer than tR.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, log2

from hwsim.errors import InputError
from hwsim.models.numerics.handshake import Sink, Source, Stalls, check_stalls

STREAMS = ("activation", "page", "result")


def gemv_cycles(stalls: Stalls | None, *, vectors: int, beats: int, rows: int, reads: int, lanes: int) -> int:
    """Cycles of the core; ``reads`` beats are read after every row.

    >>> gemv_cycles(None, vectors=1, beats=4, rows=2, reads=0, lanes=4)
    16
    """
    for name, value, least in (("vectors", vectors, 1), ("beats", beats, 1), ("rows", rows, 1), ("reads", reads, 0)):
        if value != int(value) or value < least:
            raise InputError(f"flash_gemv: {name}(={value!r}) must be a whole number >= {least}")
    latency = 2 + ceil(log2(lanes))
    pattern = check_stalls(stalls, STREAMS)
    if not any(any(flags) for flags in pattern.values()):
        alone = beats + rows * (beats + reads)
        return vectors * alone - (vectors - 1) * min(reads, beats) + latency
    activation = Source(vectors * beats, pattern.get("activation", ()))
    page = Source(vectors * rows * (beats + reads), pattern.get("page", ()))
    sink = Sink(pattern.get("result", ()))
    order = list(_page(vectors, beats, rows, reads))
    stages = [False] * latency
    left, at, filled, loaded, cycle, first = vectors * rows * (1 + reads), 0, 0, False, 0, -1
    while left:
        offers_activation, offers_page = activation.offers(cycle), page.offers(cycle)
        was_loaded = loaded
        if offers_activation and not was_loaded:
            activation.take()
            filled += 1
            loaded = filled % beats == 0
            first = cycle if first < 0 else first
        if not stages[-1] or sink.ready(cycle):
            left -= stages[-1]
            accept = offers_page and (was_loaded or order[at][0])
            if accept:
                page.take()
                first = cycle if first < 0 else first
                if order[at][2]:
                    loaded = False
            stages = [accept and (order[at][0] or order[at][1]), *stages[:-1]]
            at += accept
        cycle += 1
    return cycle - first


def _page(vectors: int, beats: int, rows: int, reads: int) -> Iterator[tuple[bool, bool, bool]]:
    """Beats of the page stream: is a read, ends a row, frees the vector."""
    for _ in range(vectors):
        for row in range(rows):
            for beat in range(beats):
                yield False, beat == beats - 1, beat == beats - 1 and row == rows - 1
            for _ in range(reads):
                yield True, False, False
