"""Break a kernel on purpose, one fault at a time: a bench that does not notice a fault is not a bench."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from hwsim.errors import InputError
from hwsim.rtl.record import COMMON, Kernel, Mutant
from hwsim.rtl.simulation import verify
from hwsim.rtl.toolchain import RtlError


@dataclass(frozen=True, kw_only=True)
class MutantResult:
    """Whether a mutant was caught, and by what."""

    kernel: str
    mutant: str
    caught: bool
    reason: str
    seconds: float


def run_mutants(kernel: Kernel, *, simulator: str = "icarus", seed: int = 1) -> list[MutantResult]:
    """Run the bench against every mutant of a kernel, under the mutant's parameters or the first set."""
    return [run_mutant(kernel, mutant, simulator=simulator, seed=seed) for mutant in kernel.mutants]


def run_mutant(kernel: Kernel, mutant: Mutant, *, simulator: str = "icarus", seed: int = 1) -> MutantResult:
    """Put one fault into a copy of the Verilog and run the bench until its first failure."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="hwsim_mutant_") as folder:
        sources = mutated_sources(kernel, mutant, Path(folder))
        parameters = kernel.parameter_sets[0] if mutant.parameters is None else mutant.parameters
        try:
            found = verify(
                kernel, parameters, simulator=simulator, seed=seed, sources=sources, stop_at_first=True
            )  # fmt: skip
            reason = found.failures[0] if found.failures else ""
        except RtlError as error:
            raise RtlError(f"mutant '{mutant.name}' of {kernel.name} does not build: {error}") from error
    return MutantResult(
        kernel=kernel.name, mutant=mutant.name, caught=bool(reason), reason=reason,
        seconds=time.perf_counter() - started,
    )  # fmt: skip


def mutated_sources(kernel: Kernel, mutant: Mutant, folder: Path) -> list[Path]:
    """Copy the sources into a folder with the fault put in; raises where the text to change is not there once."""
    sources = []
    changed = False
    for file in kernel.files:
        text = file.read_text()
        if file.name == mutant.file:
            if text.count(mutant.old) != 1:
                raise InputError(
                    f"mutant '{mutant.name}' of {kernel.name}: its text stands {text.count(mutant.old)} times "
                    f"in {file.name}, it must stand once: {mutant.old!r}"
                )
            text, changed = text.replace(mutant.old, mutant.new), True
        target = folder / (f"common_{file.name}" if file.parent == COMMON else file.name)
        target.write_text(text)
        sources.append(target)
    if not changed:
        raise InputError(f"mutant '{mutant.name}' of {kernel.name}: no source {mutant.file}")
    return sources
