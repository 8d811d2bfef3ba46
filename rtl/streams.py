"""What the bench.py of a streaming kernel is written in: scenarios and mutants; and the Verilog files of a kernel.

`hwsim.rtl.stream_adapter` makes cases of the scenarios, which `hwsim.rtl.standard_bench` runs under every stall.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from hwsim.errors import InputError
from hwsim.models.npu.stream_timing import Pattern, Timing, always
from hwsim.rtl.record import Mutant

__all__ = ["FOLDER", "Mutant", "Patterns", "Scenario", "sink_of", "sources"]
FOLDER = Path(__file__).resolve().parent
Patterns = Mapping[str, Pattern]


class Scenario(NamedTuple):
    """Input words by stream, the results expected on ``y``, and their timing under given patterns (sink as ``y``)."""

    inputs: Mapping[str, Sequence[int]]
    expected: Sequence[int]
    timing: Callable[[Patterns], Timing]
    bins: frozenset[str]


def sources(kernel: str) -> list[Path]:
    """Verilog files of a kernel: the common library's and its own."""
    own = sorted((FOLDER / kernel).glob("*.v"))
    if not own:
        raise InputError(f"kernel '{kernel}' has no Verilog in {FOLDER / kernel}")
    return [*sorted((FOLDER / "common").glob("*.v")), *own]


def sink_of(patterns: Patterns) -> Pattern:
    """The sink's pattern among a scenario's."""
    return patterns.get("y", always)
