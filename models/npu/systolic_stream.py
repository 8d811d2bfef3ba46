"""Cycles of the systolic array kernel under stalls, handshake by handshake; without stalls `systolic`'s closed form.

The array freezes as a whole in a cycle in which a result is offered and not taken. Output-stationary: both operand
streams move together; a tile's last beat waits until ``rows`` enabled cycles have passed since the one before.
Weight-stationary: ``rows`` weight beats fill the shadow registers, which are free again one cycle after the tile's
first activation; that activation may enter in the cycle of the last weight beat.
"""

from __future__ import annotations

from math import ceil

from hwsim.models.npu.systolic import cycles as closed_form
from hwsim.models.numerics.handshake import Sink, Source, Stalls, check_stalls

STREAMS = ("activation", "weight", "result")


def stream_cycles(dataflow: str, stalls: Stalls | None, *, m: int, n: int, k: int, rows: int, columns: int) -> int:
    """Cycles of an (m, k) by (k, n) product, first accepted beat to last result, both included.

    >>> stream_cycles("output_stationary", None, m=4, n=4, k=16, rows=4, columns=4)
    26
    """
    pattern = check_stalls(stalls, STREAMS)
    if not any(any(flags) for flags in pattern.values()):
        return closed_form(dataflow, "rtl_stream", m=m, n=n, k=k, rows=rows, columns=columns)
    stationary = dataflow == "output_stationary"
    beats = k if stationary else m
    tiles = ceil(m / rows) * ceil(n / columns) if stationary else ceil(k / rows) * ceil(n / columns)
    run = _output_stationary if stationary else _weight_stationary
    return run(pattern, tiles, beats, rows, columns)


def _output_stationary(pattern: Stalls, tiles: int, beats: int, rows: int, columns: int) -> int:
    activation, weight = (Source(tiles * beats, pattern.get(name, ())) for name in STREAMS[:2])
    sink = Sink(pattern.get("result", ()))
    history = [False] * (2 * rows + columns)  # history[n]: a last beat entered n + 1 enabled cycles ago
    left, entered, cycle, first = tiles * rows, 0, 0, -1
    while left:
        offered = [activation.offers(cycle), weight.offers(cycle)]
        valid = any(history[rows + columns - 2 : 2 * rows + columns - 2])
        if not valid or sink.ready(cycle):
            left -= valid
            last = entered % beats == beats - 1
            accept = all(offered) and not (last and any(history[: rows - 1]))
            if accept:
                first = cycle if first < 0 else first
                activation.take()
                weight.take()
                entered += 1
            history = [accept and last, *history[:-1]]
        cycle += 1
    return cycle - first


def _weight_stationary(pattern: Stalls, tiles: int, beats: int, rows: int, columns: int) -> int:
    activation = Source(tiles * beats, pattern.get("activation", ()))
    weight = Source(tiles * rows, pattern.get("weight", ()))
    sink = Sink(pattern.get("result", ()))
    stages = [False] * (rows + columns - 1)
    left, loaded, entered, cycle, first = tiles * beats, 0, 0, 0, -1
    full = False
    while left:
        offered_activation, offered_weight = activation.offers(cycle), weight.offers(cycle)
        if not stages[-1] or sink.ready(cycle):
            left -= stages[-1]
            busy = entered % beats != 0
            if offered_weight and not full:
                weight.take()
                loaded += 1
                full = loaded % rows == 0
                first = cycle if first < 0 else first
            accept = offered_activation and (busy or full)
            if accept:
                activation.take()
                full = full and busy
                entered += 1
            stages = [accept, *stages[:-1]]
        cycle += 1
    return cycle - first
