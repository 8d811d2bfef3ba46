"""Plays words into a kernel's valid/ready streams in a Verilog simulator, and compares with golden words and cycles.

A kernel's ``bench.py`` gives `Scenario` s: what to send, what must come back, and when under any stalls. `verify` plays
each without stalls, with gaps, with back-pressure and with both, and after a run that a reset cut short.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hwsim.errors import InputError
from hwsim.models.npu.stream_timing import Pattern, Timing, always
from hwsim.rtl.verilator_setup import verilator

FOLDER = Path(__file__).resolve().parent
Patterns = Mapping[str, Pattern]


class Scenario(NamedTuple):
    """Input words by stream, the results expected on ``y``, and their timing under given patterns (sink as ``y``)."""

    inputs: Mapping[str, Sequence[int]]
    expected: Sequence[int]
    timing: Callable[[Patterns], Timing]
    bins: frozenset[str]


class Mutant(NamedTuple):
    """One deliberate mistake: in a file of the kernel (or of common) the first ``old`` becomes ``new``."""

    name: str
    file: str
    old: str
    new: str


class Played(NamedTuple):
    """What a simulation showed: cycles accepted by stream, (cycle, word) results, broken stream rules."""

    accepted: dict[str, list[int]]
    results: list[tuple[int, int]]
    violations: list[str]


class Report(NamedTuple):
    """Outcome of `verify`: mistakes found, functional bins hit, scenarios played, cycles predicted and measured."""

    failures: list[str]
    bins: frozenset[str]
    played: int
    predicted_cycles: int
    measured_cycles: int


STALLS = {"no_stall": (1.0, 1.0), "gaps": (0.5, 1.0), "back_pressure": (1.0, 0.5), "gaps_and_back_pressure": (0.6, 0.6)}
STALL_BINS = frozenset([*STALLS, "reset_in_the_middle"])


def repeating(bits: Sequence[int]) -> Pattern:
    """Pattern that repeats a list of 0 and 1."""
    return lambda cycle: bool(bits[cycle % len(bits)])


def sources(kernel: str) -> list[Path]:
    """Verilog files of a kernel: the common library's and its own."""
    own = sorted((FOLDER / kernel).glob("*.v"))
    if not own:
        raise InputError(f"kernel '{kernel}' has no Verilog in {FOLDER / kernel}")
    return [*sorted((FOLDER / "common").glob("*.v")), *own]


def _mutated(files: Sequence[Path], mutant: Mutant, folder: Path) -> list[Path]:
    chosen = []
    for file in files:
        if file.name == mutant.file:
            text = file.read_text()
            if mutant.old not in text:
                raise InputError(f"mutant '{mutant.name}': {mutant.file} holds no '{mutant.old}'")
            file = folder / file.name
            file.write_text(text.replace(mutant.old, mutant.new, 1))
        chosen.append(file)
    return chosen


def simulate(
    kernel: str,
    parameters: Mapping[str, int],
    cases: Sequence[Mapping[str, Any]],
    *,
    mutant: Mutant | None = None,
    simulator: str = "icarus",
) -> list[Played]:
    """Play cases one after the other, a reset before each; see ``stream_bench.py`` for a case's fields."""
    os.environ["COCOTB_REWRITE_ASSERTION_FILES"] = ""
    from cocotb_tools.runner import get_runner

    with tempfile.TemporaryDirectory(prefix="hwsim-rtl-") as name:
        folder = Path(name)
        files = _mutated(sources(kernel), mutant, folder) if mutant else sources(kernel)
        job = folder / "job.json"
        job.write_text(json.dumps(cases))
        with verilator() if simulator == "verilator" else contextlib.nullcontext():
            runner = get_runner(simulator)
            runner.build(
                sources=files,
                hdl_toplevel=kernel,
                parameters=dict(parameters),
                build_dir=folder / "build",
                timescale=("1ns", "1ns"),
                log_file=folder / "build.log",
            )
            with contextlib.suppress(SystemExit):  # a failed test: the missing answer says so
                runner.test(
                    hdl_toplevel=kernel,
                    test_module="hwsim.rtl.stream_bench",
                    build_dir=folder / "build",
                    test_dir=folder,
                    extra_env={"HWSIM_STREAM_JOB": str(job)},
                    log_file=folder / "run.log",
                )
        answer = folder / "job.json.out"
        if not answer.exists():
            lines = [
                line for line in (folder / "run.log").read_text().splitlines() if "Error" in line or "ERROR" in line
            ]
            raise InputError(f"kernel '{kernel}': the simulation failed: {(lines or ['no message'])[-1].strip()}")
        return [
            Played(entry["accepted"], [(cycle, word) for cycle, word in entry["results"]], entry["violations"])
            for entry in json.loads(answer.read_text())
        ]


def _case(scenario: Scenario, stalls: Mapping[str, list[int]], limit: int) -> dict[str, Any]:
    return {
        "inputs": {stream: list(words) for stream, words in scenario.inputs.items()},
        "results": len(scenario.expected),
        "stalls": stalls,
        "limit": limit,
    }


def _stalls(scenario: Scenario, offered: float, taken: float, rng: random.Random) -> dict[str, list[int]]:
    chances = {**dict.fromkeys(scenario.inputs, offered), "y": taken}
    stalls = {}
    for stream, chance in chances.items():
        bits = [int(rng.random() < chance) for _ in range(rng.randint(23, 61))]
        stalls[stream] = bits if any(bits) else [1]
    return stalls


def verify(
    kernel: str,
    parameters: Mapping[str, int],
    scenarios: Iterable[Scenario],
    *,
    seed: int,
    mutant: Mutant | None = None,
    simulator: str = "icarus",
) -> Report:
    """Play every scenario under every kind of stall; words and cycles must be equal."""
    rng = random.Random(seed)
    cases: list[dict[str, Any]] = []
    wanted: list[tuple[str, Scenario, Timing] | None] = []
    bins: set[str] = set()
    for scenario in scenarios:
        bins |= scenario.bins
        for kind, (offered, taken) in STALLS.items():
            stalls = _stalls(scenario, offered, taken, rng)
            timing = scenario.timing({stream: repeating(bits) for stream, bits in stalls.items()})
            last = timing.results[-1]
            if kind == "gaps_and_back_pressure":
                cases.append({**_case(scenario, stalls, rng.randint(1, last)), "results": len(scenario.expected) + 1})
                wanted.append(None)
                bins.add("reset_in_the_middle")
            cases.append(_case(scenario, stalls, last + 50))
            wanted.append((kind, scenario, timing))
            bins.add(kind)
    failures: list[str] = []
    predicted = measured = 0
    for played, want in zip(
        simulate(kernel, parameters, cases, mutant=mutant, simulator=simulator), wanted, strict=True
    ):
        failures += played.violations
        if want is None:
            continue
        kind, scenario, timing = want
        failures += [f"{kind}: {failure}" for failure in _differences(played, scenario, timing)]
        predicted += timing.results[-1] + 1
        measured += played.results[-1][0] + 1 if played.results else 0
    return Report(failures, frozenset(bins), len(cases), predicted, measured)


def _differences(played: Played, scenario: Scenario, timing: Timing) -> list[str]:
    words = [word for _, word in played.results]
    found = []
    if words != list(scenario.expected):
        at = next((i for i, pair in enumerate(zip(words, scenario.expected, strict=False)) if pair[0] != pair[1]), None)
        detail = f"{len(words)} results of {len(scenario.expected)}"
        if at is not None:
            detail = f"result {at} is {words[at]:#x}, golden {scenario.expected[at]:#x}"
        found.append(detail)
    cycles = [cycle for cycle, _ in played.results]
    if cycles != timing.results:
        found.append(f"results came in cycles {cycles[:4]}..., predicted {timing.results[:4]}...")
    first = next(iter(scenario.inputs))
    if played.accepted[first] != timing.accepted:
        found.append(f"'{first}' was accepted in {played.accepted[first][:4]}..., predicted {timing.accepted[:4]}...")
    return found


def sink_of(patterns: Patterns) -> Pattern:
    """The sink's pattern among a scenario's."""
    return patterns.get("y", always)
