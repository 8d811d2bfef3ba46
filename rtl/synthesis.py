"""Xilinx UltraScale+ resource counts of a kernel: Yosys ``synth_xilinx -family xcup``, in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from hwsim.errors import InputError, MissingExtraError
from hwsim.rtl.resource_fit import ResourceFit, fit_counts

if TYPE_CHECKING:
    from hwsim.rtl.record import Kernel

STEPS = "synth_xilinx -family xcup -noiopad -flatten"
_SCRIPT = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
top, settings, steps, report, *files = sys.argv[1:]
ys.run_pass('read_verilog -DSYNTHESIS ' + ' '.join(files), design)
ys.run_pass(f'hierarchy -check -top {top} {settings}', design)
ys.run_pass(steps, design)
ys.run_pass(f'tee -q -o {report} stat -json', design)
"""
# LUTs that a memory or shift-register cell takes [1]: AMD UG974, UltraScale libraries guide, RAM and SRL primitives
_MEMORY_LUTS = {
    "RAM32X1S": 1, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4,
    "RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8, "SRL16E": 1, "SRLC32E": 1,
}  # fmt: skip


def tool() -> str:
    """The synthesiser, its version and its steps, to be written beside what it counted."""
    from importlib.metadata import version

    return f"pyosys {version('pyosys')}, {STEPS}"


def xilinx_counts(kernel: Kernel, parameters: Mapping[str, int]) -> dict[str, float]:
    """Synthesise at these parameters and count.

    Returns
    -------
    dict : ``lut`` (with those used as memory or shift register), ``ff``, ``dsp``, ``bram`` (36 Kbit; 18 Kbit is 0.5)
    """
    if importlib.util.find_spec("pyosys") is None:
        raise MissingExtraError("pyosys is not installed; pip install 'hwsim[rtl]'")
    settings = " ".join(f"-chparam {name} {value}" for name, value in kernel.values(parameters).items())
    with tempfile.TemporaryDirectory(prefix="hwsim-yosys-") as folder:
        report = Path(folder) / "stat.json"
        command = [sys.executable, "-c", _SCRIPT, kernel.name, settings, STEPS, str(report), *map(str, kernel.files)]
        finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if finished.returncode or not report.exists():
            errors = [line for line in (finished.stdout + finished.stderr).splitlines() if "ERROR" in line]
            raise InputError(f"kernel {kernel.name}: Yosys failed: {(errors or ['no message'])[-1].strip()}")
        text = report.read_text()
    return counts_of_cells(json.loads(text[text.index("{") :])["design"]["num_cells_by_type"])


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


def characterised(kernel: Kernel) -> list[ResourceFit]:
    """Synthesise the kernel's declared sweeps and fit each."""
    fits = []
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as processes:
        for sweep in kernel.resource_sweeps:
            points = [kernel.values(point) for point in sweep.points]
            counts = list(processes.map(lambda point: xilinx_counts(kernel, point), points))
            fits.append(fit_counts(sweep.terms, points, counts))
    return fits
