"""Resource counts of a kernel by Yosys, in a process of its own: Xilinx UltraScale+ (``xcup``), and generic cells."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from hwsim.errors import InputError, MissingExtraError
from hwsim.rtl.resource_fit import ResourceFit, ResourceSweep, fit_counts

if TYPE_CHECKING:
    from hwsim.rtl.record import Kernel

STEPS = "synth_xilinx -family xcup -noiopad -flatten"
# `synth`, but a memory stays one cell.
GENERIC_STEPS = "synth -flatten -run begin:fine; opt -fast -full; opt_clean; techmap; opt -fast; abc; opt -fast"
_SCRIPT = """
import sys
from pyosys import libyosys as ys
top, settings, report, steps, *files = sys.argv[1:]
design = ys.Design()
ys.run_pass('read_verilog -DSYNTHESIS ' + ' '.join(files), design)
ys.run_pass(f'hierarchy -check -top {top} {settings}', design)
for step in steps.split(';'):
    ys.run_pass(step, design)
ys.run_pass(f'tee -q -o {report} stat -json', design)
"""
# Area of a generic cell over that of a two-input NAND [2]: NanGate 45 nm open cell library, cells of drive strength 1
# (NAND2 0.798 um2, D flip-flop 4.522 um2); a reset is an AND before the flip-flop, an enable a multiplexer.
_GATES = {
    "NOT": 0.67, "BUF": 1.0, "NAND": 1.0, "NOR": 1.0, "AND": 1.33, "OR": 1.33, "ANDNOT": 1.33, "ORNOT": 1.33,
    "XOR": 2.0, "XNOR": 2.0, "MUX": 2.33, "NMUX": 2.0, "AOI3": 1.33, "OAI3": 1.33, "AOI4": 1.67, "OAI4": 1.67,
    "DFF": 5.67, "DFFE": 8.0, "SDFF": 7.0, "SDFFE": 9.33, "SDFFCE": 9.33,
}  # fmt: skip
# LUTs that a memory or shift-register cell takes [1]: AMD UG974, UltraScale libraries guide, RAM and SRL primitives
_MEMORY_LUTS = {
    "RAM32X1S": 1, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4,
    "RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8, "SRL16E": 1, "SRLC32E": 1,
}  # fmt: skip


def tool(*, generic: bool = False) -> str:
    """The synthesiser, its version and its steps, to be written beside what it counted."""
    from importlib.metadata import version

    return f"pyosys {version('pyosys')}, {STEPS}" + (f"; cells and gates: {GENERIC_STEPS}" if generic else "")


def xilinx_counts(kernel: Kernel, parameters: Mapping[str, int]) -> dict[str, float]:
    """Synthesise for Xilinx UltraScale+ at these parameters and count.

    Returns
    -------
    dict : ``lut`` (with those used as memory or shift register), ``ff``, ``dsp``, ``bram`` (36 Kbit; 18 Kbit is 0.5)
    """
    return counts_of_cells(_cells(kernel, parameters, STEPS))


def generic_counts(kernel: Kernel, parameters: Mapping[str, int]) -> dict[str, float]:
    """Synthesise to generic cells at these parameters and count; a memory is one cell and no gates.

    Returns
    -------
    dict : ``cells``, and ``gates``, the same as two-input NANDs by area
    """
    return counts_of_generic_cells(_cells(kernel, parameters, GENERIC_STEPS))


def _cells(kernel: Kernel, parameters: Mapping[str, int], steps: str) -> dict[str, int]:
    """Cells by type after these steps."""
    if importlib.util.find_spec("pyosys") is None:
        raise MissingExtraError("pyosys is not installed; pip install 'hwsim[rtl]'")
    settings = " ".join(f"-chparam {name} {value}" for name, value in kernel.values(parameters).items())
    with tempfile.TemporaryDirectory(prefix="hwsim-yosys-") as folder:
        report = Path(folder) / "stat.json"
        command = [sys.executable, "-c", _SCRIPT, kernel.name, settings, str(report), steps, *map(str, kernel.files)]
        finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if finished.returncode or not report.exists():
            errors = [line for line in (finished.stdout + finished.stderr).splitlines() if "ERROR" in line]
            raise InputError(f"kernel {kernel.name}: Yosys failed: {(errors or ['no message'])[-1].strip()}")
        text = report.read_text()
    cells: dict[str, int] = json.loads(text[text.index("{") :])["design"]["num_cells_by_type"]
    return cells


def counts_of_cells(cells: Mapping[str, int]) -> dict[str, float]:
    """Sum Xilinx cells by kind of resource.

    >>> counts_of_cells({"LUT6": 3, "RAM32M": 1, "FDRE": 5, "DSP48E2": 2, "RAMB18E2": 1, "CARRY4": 8})
    {'lut': 7.0, 'ff': 5.0, 'dsp': 2.0, 'bram': 0.5}
    """
    counts = dict.fromkeys(("lut", "ff", "dsp", "bram"), 0.0)
    for cell, number in cells.items():
        if re.fullmatch(r"LUT[1-6]|INV", cell):
            counts["lut"] += number
        elif cell in _MEMORY_LUTS:
            counts["lut"] += number * _MEMORY_LUTS[cell]
        elif re.fullmatch(r"FD[RSCP]E(_1)?", cell):
            counts["ff"] += number
        elif cell.startswith("DSP48"):
            counts["dsp"] += number
        elif cell.startswith("RAMB"):
            counts["bram"] += number * (0.5 if cell.startswith("RAMB18") else 1.0)
    return counts


def counts_of_generic_cells(cells: Mapping[str, int]) -> dict[str, float]:
    """Count Yosys's generic cells, and weigh them as two-input NANDs.

    >>> counts_of_generic_cells({"$_NAND_": 3, "$_DFFE_PP_": 2, "$scopeinfo": 1, "$mem_v2": 1})
    {'cells': 6.0, 'gates': 19.0}
    """
    counts = {"cells": 0.0, "gates": 0.0}
    for cell, number in cells.items():
        if cell == "$scopeinfo":
            continue
        counts["cells"] += number
        found = re.fullmatch(r"\$_([A-Z]+[34]?)(_[A-Z0-9]+)?_", cell)
        if found:
            counts["gates"] += number * _GATES[found[1]]
    return counts


def characterised(kernel: Kernel) -> list[ResourceFit]:
    """Synthesise the kernel's declared sweeps and fit each."""
    fits = []
    with ThreadPoolExecutor(max_workers=_processors()) as processes:
        for sweep in kernel.resource_sweeps:
            every = [kernel.values(point) for point in (*sweep.points, *sweep.held_out)]
            counts = list(processes.map(lambda point: xilinx_counts(kernel, point), every))
            if "cells" in sweep.complete_terms:
                generic = processes.map(lambda point: generic_counts(kernel, point), every)
                counts = [{**one, **other} for one, other in zip(counts, generic, strict=True)]
            fits.append(fitted(sweep, every, counts))
    return fits


def fitted(
    sweep: ResourceSweep, every: Sequence[Mapping[str, int]], counts: Sequence[Mapping[str, float]]
) -> ResourceFit:
    """Fit a sweep's counts: those of its points, then those of its held-out points."""
    size = len(sweep.points)
    return fit_counts(
        sweep.complete_terms, every[:size], counts[:size],
        derived=sweep.derived, held_out=every[size:], held_out_counts=counts[size:],
    )  # fmt: skip


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
