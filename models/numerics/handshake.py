"""Cycles of streams with valid and ready: what a stall pattern means, and the closed loop of a rigid pipeline.

A stall pattern gives, by stream name, one flag a cycle; cycle 0 is the first cycle in which a source may offer a beat.
A source that is stalled in a cycle starts no offer in it, but never withdraws one (valid stays until ready). A sink
that is stalled in a cycle is not ready in it. Past the end of its pattern, a stream is not stalled.

Every cycle count of a kernel runs from the cycle of the first accepted beat to the cycle of the last transferred
result, both included. A result register that is filled by the last of K beats therefore counts K + 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hwsim.errors import InputError, did_you_mean

Stalls = Mapping[str, Sequence[int]]


class Source:
    """A stream of ``beats`` beats that obeys a stall pattern: `offers` once a cycle, then `take` if it was accepted."""

    def __init__(self, beats: int, stalls: Sequence[int] = ()) -> None:
        self.remaining = beats
        self._stalls = stalls
        self._offered = False

    def offers(self, cycle: int) -> bool:
        """Tell whether valid is high in this cycle; call it once a cycle, in order."""
        if self.remaining and not self._offered:
            self._offered = not (cycle < len(self._stalls) and self._stalls[cycle])
        return self._offered

    def take(self) -> None:
        """Note that the beat offered in this cycle was accepted."""
        self.remaining -= 1
        self._offered = False


class Sink:
    """A stream that takes a beat in every cycle in which its stall pattern lets it."""

    def __init__(self, stalls: Sequence[int] = ()) -> None:
        self._stalls = stalls

    def ready(self, cycle: int) -> bool:
        """Tell whether ready is high in this cycle."""
        return not (cycle < len(self._stalls) and self._stalls[cycle])


def check_stalls(stalls: Stalls | None, streams: Iterable[str]) -> dict[str, list[int]]:
    """Return the pattern as lists of 0 and 1.

    Raises
    ------
    InputError : a stream that the kernel does not have, or flags that are not a sequence of 0 and 1

    >>> check_stalls({"y": (True, False)}, ["x", "y"])
    {'y': [1, 0]}
    """
    names = list(streams)
    found: dict[str, list[int]] = {}
    for name, flags in (stalls or {}).items():
        if name not in names:
            raise InputError(f"stalls: no stream '{name}'{did_you_mean(name, names)}; streams: {', '.join(names)}")
        listed = list(flags) if isinstance(flags, Iterable) and not isinstance(flags, str) else [flags]
        wrong = next((flag for flag in listed if flag not in (0, 1)), None)
        if wrong is not None or not isinstance(flags, Iterable):
            raise InputError(f"stalls: '{name}' holds {wrong or flags!r}; it must be a list of 0 and 1, one a cycle")
        found[name] = [int(flag) for flag in listed]
    return found


def rigid_pipeline_cycles(
    completes: Sequence[bool],
    latency: int,
    stalls: Stalls | None = None,
    inputs: Sequence[str] = ("operand",),
    output: str = "result",
) -> int:
    """Cycles of a pipeline that freezes as a whole while its result is not taken.

    Parameters
    ----------
    completes : for every input beat, whether it completes a result (one result beat each)
    latency : clock edges from the acceptance of a completing beat until its result is offered, >= 1
    stalls : stall pattern by stream
    inputs : names of the input streams, all of which move together, one beat each
    output : name of the result stream

    Without stalls this is ``len(completes) + latency`` where the last beat completes a result.

    >>> rigid_pipeline_cycles([False, False, True], latency=1)
    4
    >>> rigid_pipeline_cycles([False, False, True], latency=1, stalls={"result": [1, 1, 1, 1, 1]})
    6
    """
    pattern = check_stalls(stalls, [*inputs, output])
    sources = [Source(len(completes), pattern.get(name, ())) for name in inputs]
    sink = Sink(pattern.get(output, ()))
    stages = [False] * latency
    accepted, results, cycle, first = 0, sum(map(bool, completes)), 0, -1
    while results:
        offered = [source.offers(cycle) for source in sources]
        taken = stages[-1] and sink.ready(cycle)
        if taken:
            results -= 1
        if taken or not stages[-1]:
            moves = all(offered)
            if moves:
                first = cycle if first < 0 else first
                for source in sources:
                    source.take()
            stages = [moves and bool(completes[accepted]), *stages[:-1]]
            accepted += moves
        cycle += 1
    return cycle - first
