"""A `StreamKernel` with its bench as a `Kernel`: inputs and outputs are words by stream, packed as its README says."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from hwsim.models.npu.stream_timing import CYCLE_LIMIT, Pattern, Timing, always
from hwsim.models.numerics.handshake import Stalls
from hwsim.rtl.record import COMMON, Beats, Case, Kernel, Stream
from hwsim.rtl.stream_kernel import StreamKernel
from hwsim.rtl.stream_packing import patterns_of


def adapted(kernel: StreamKernel, bench: ModuleType, widths: Mapping[str, str]) -> Kernel:
    """Return the kernel as the frame knows it.

    ``widths`` are those of the streams as expressions of the parameters; without one, the width at the defaults. The
    bench gives PARAMETER_SETS, MUTANTS, ``scenarios(parameters, random)`` and BINS, or FRAME_BINS where not every set
    reaches every bin; LOADED_STREAMS are taken before the timing's first, LOADS_AFTER_RESET is a `Kernel`'s.
    """
    folder = Path(bench.__file__ or "").resolve().parent
    timed = _Timed(kernel, tuple(getattr(bench, "LOADED_STREAMS", ())))

    def cases(generator: random.Random, **values: int) -> list[Case]:
        return [
            Case(f"scenario {index}", scenario.inputs, {"timing": scenario.timing}, tuple(sorted(scenario.bins)))
            for index, scenario in enumerate(bench.scenarios(values, generator))
        ]

    def check(**values: int) -> None:
        kernel.values(**values)

    return Kernel(
        name=kernel.name,
        description=kernel.summary,
        system=getattr(bench, "SYSTEM", ""),
        folder=folder,
        sources=tuple(sorted(file.name for file in folder.glob("*.v"))),
        common=tuple(sorted(file.name for file in COMMON.glob("*.v"))),
        parameters=kernel.parameters,
        streams=tuple(
            Stream(name, "output" if name == "y" else "input", widths.get(name, str(bits)), "see README.md")
            for name, bits in kernel.streams(kernel.values()).items()
        ),
        golden_model=lambda inputs, **values: kernel.golden(inputs, **values),
        cycle_model=timed.cycles,
        schedule=timed.schedule,
        pack=lambda inputs, **_: _beats(inputs),
        pack_results=lambda _, outputs, **__: _beats(outputs),
        cases=cases,
        parameter_sets=tuple(bench.PARAMETER_SETS),
        coverage_bins=tuple(getattr(bench, "FRAME_BINS", sorted(bench.BINS))),
        mutants=tuple(bench.MUTANTS),
        check=check,
        loads_after_reset=getattr(bench, "LOADS_AFTER_RESET", ""),
    )


class _Timed:
    """Cycles of a kernel's shapes; the shape of a bench's case is ``{"timing": function of patterns}``."""

    def __init__(self, kernel: StreamKernel, loaded_streams: tuple[str, ...]) -> None:
        self._kernel, self._loaded_streams = kernel, loaded_streams

    def cycles(self, shape: Mapping[str, Any], stalls: Stalls | None, **values: int) -> int:
        """Cycles of a shape, or of a case from its first beat on any stream."""
        return (
            self.schedule(shape, stalls)[-1] + 1 if "timing" in shape else self._kernel.cycles(shape, stalls, **values)
        )

    def schedule(self, shape: Mapping[str, Any], stalls: Stalls | None, **_: int) -> list[int]:
        """Cycles of the results of a case after its first beat on any stream."""
        patterns = patterns_of(stalls, list(self._kernel.streams(self._kernel.values())))
        found: Timing = shape["timing"](patterns)
        loads = [_first(patterns.get(name, always)) for name in self._loaded_streams]
        first = min([found.accepted[0], *loads])
        return [cycle - first for cycle in found.results]


def _beats(words: Mapping[str, Any]) -> Beats:
    return {name: list(beats) for name, beats in words.items()}


def _first(pattern: Pattern) -> int:
    """First cycle in which a stream that is always taken offers."""
    return next(cycle for cycle in range(CYCLE_LIMIT) if pattern(cycle))
