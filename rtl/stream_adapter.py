"""A `StreamKernel` with its bench as a `Kernel`: inputs and outputs are words by stream, packed as its README says."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from hwsim.models.npu.stream_timing import CYCLE_LIMIT, Pattern, Timing, always
from hwsim.models.numerics.handshake import Stalls, check_stalls
from hwsim.rtl.record import COMMON, Beats, Case, Kernel, Mutant, Parameter, Stream
from hwsim.rtl.stream_kernel import StreamKernel


def unless_stalled(flags: Sequence[int]) -> Pattern:
    """Pattern of a stream that is stalled in the cycles with a flag, and free past their end."""
    return lambda cycle: not (cycle < len(flags) and flags[cycle])


def adapted(kernel: StreamKernel, bench: ModuleType, widths: Mapping[str, str]) -> Kernel:
    """Return the kernel as the frame knows it.

    ``widths`` are those of the streams as expressions of the parameters; without one, the width at the defaults. A
    case counts its cycles from the first beat on any stream, those that the bench lists as LOADED_STREAMS included.
    """
    streams = kernel.streams(kernel.values())
    folder = Path(bench.__file__ or "").resolve().parent

    def cycle_model(shape: Mapping[str, Any], stalls: Stalls | None, **values: int) -> int:
        pattern = check_stalls(stalls, streams)
        timing = shape.get("timing")
        if timing is None and not pattern:
            return round(kernel.closed_form(shape, values))
        patterns = {name: unless_stalled(flags) for name, flags in pattern.items()}
        if timing is None:
            return kernel.timing(shape, patterns, values).cycles
        found: Timing = timing(patterns)
        loads = [_first(patterns.get(name, always)) for name in getattr(bench, "LOADED_STREAMS", ())]
        return found.results[-1] - min([found.accepted[0], *loads]) + 1

    def cases(generator: random.Random, **values: int) -> list[Case]:
        return [
            Case(f"scenario {index}", scenario.inputs, {"timing": scenario.timing}, tuple(sorted(scenario.bins)))
            for index, scenario in enumerate(bench.scenarios(values, generator))
        ]

    def pack(inputs: Mapping[str, Any], **_: int) -> Beats:
        return {name: list(words) for name, words in inputs.items()}

    def pack_results(_inputs: Mapping[str, Any], outputs: Mapping[str, Any], **_: int) -> Beats:
        return {name: list(words) for name, words in outputs.items()}

    def check(**values: int) -> None:
        kernel.values(**values)

    return Kernel(
        name=kernel.name,
        description=kernel.summary,
        system=getattr(bench, "SYSTEM", ""),
        folder=folder,
        sources=tuple(sorted(file.name for file in folder.glob("*.v"))),
        common=tuple(sorted(file.name for file in COMMON.glob("*.v"))),
        parameters=tuple(_parameter(*parameter) for parameter in kernel.parameters),
        streams=tuple(
            Stream(name, "output" if name == "y" else "input", widths.get(name, str(bits)), "see README.md")
            for name, bits in streams.items()
        ),
        golden_model=lambda inputs, **values: kernel.golden(inputs, **values),
        cycle_model=cycle_model,
        pack=pack,
        pack_results=pack_results,
        cases=cases,
        parameter_sets=tuple(bench.PARAMETER_SETS),
        coverage_bins=tuple(getattr(bench, "FRAME_BINS", sorted(bench.BINS))),
        mutants=tuple(Mutant(mutant.name, mutant.file, mutant.old, mutant.new) for mutant in bench.MUTANTS),
        check=check,
        bench=getattr(bench, "FRAME_BENCH", "hwsim.rtl.standard_bench"),
        resource_sweeps=tuple(getattr(bench, "RESOURCE_SWEEPS", ())),
    )


def _first(pattern: Pattern) -> int:
    """First cycle in which a stream that is always taken offers."""
    return next(cycle for cycle in range(CYCLE_LIMIT) if pattern(cycle))


def _parameter(name: str, default: int, allowed: Sequence[int], meaning: str) -> Parameter:
    return Parameter(name, default, allowed if isinstance(allowed, range) else tuple(allowed), meaning)
