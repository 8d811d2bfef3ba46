"""Word-level structure of a kernel by Yosys, in a process of its own: operators, register and memory bits."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hwsim.errors import InputError, MissingExtraError
from hwsim.models.catalog.kernel_fits import Resources, predicted

_SCRIPT = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
top, settings, report, flatten, *files = sys.argv[1:]
ys.run_pass('read_verilog ' + ' '.join(files), design)
ys.run_pass(f'hierarchy -check -top {top} {settings}', design)
for step in ('proc', flatten, 'opt -full', 'wreduce', 'opt_clean', f'write_json {report}'):
    ys.run_pass(step or 'check', design)
"""


def _cells(kernel: str, files: Sequence[Path], parameters: Mapping[str, int], flatten: bool = True) -> dict[str, Any]:
    if importlib.util.find_spec("pyosys") is None:
        raise MissingExtraError("pyosys is not installed; pip install 'hwsim[rtl]'")
    settings = " ".join(f"-chparam {name} {value}" for name, value in parameters.items())
    with tempfile.TemporaryDirectory(prefix="hwsim-yosys-") as folder:
        report = Path(folder) / "stat.json"
        command = [
            sys.executable,
            "-c",
            _SCRIPT,
            kernel,
            settings,
            str(report),
            "flatten" if flatten else "",
            *map(str, files),
        ]
        finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if finished.returncode or not report.exists():
            errors = [line for line in (finished.stdout + finished.stderr).splitlines() if "ERROR" in line]
            raise InputError(f"kernel {kernel}: Yosys failed: {(errors or ['no message'])[-1].strip()}")
        document: dict[str, Any] = json.loads(report.read_text())
        return document


def known_resources(kernel: str, folder: Path, files: Sequence[Path], values: Mapping[str, int]) -> Resources:
    """All that is known of a kernel at these parameters: its structure by Yosys, and the counts that its fits predict.

    Raises
    ------
    MissingExtraError : neither Yosys nor a fit of these parameters
    """
    fitted = predicted(folder, values)
    try:
        return Resources(kernel, {**resources(kernel, files, values), **fitted})
    except MissingExtraError:
        if not fitted:
            raise
        return Resources(kernel, fitted)


def resources(kernel: str, files: Sequence[Path], parameters: Mapping[str, int]) -> dict[str, int]:
    """Count what the kernel is made of at these parameters.

    Returns
    -------
    dict : ``multipliers``, ``adders`` (additions and subtractions), ``comparators``, ``register_bits``, ``memory_bits``
    """
    modules = _cells(kernel, files, parameters)["modules"]
    return _counted(modules[next(iter(modules))])


def by_module(kernel: str, files: Sequence[Path], parameters: Mapping[str, int]) -> list[dict[str, Any]]:
    """Count what each module of the kernel is made of by itself, the modules inside it left out.

    Returns
    -------
    list : the top module first; a dict with ``module``, ``instances`` in the whole kernel, and the counts of
        `resources` in one instance. A module at several parameter sets stands once for each; one of wires and
        gates alone is left out. What several modules share is merged only where they are flattened, so the sum may
        be above that of `resources`.
    """
    modules: dict[str, Any] = _cells(kernel, files, parameters, flatten=False)["modules"]
    tops = [name for name, module in modules.items() if int(module["attributes"].get("top", "0"), 2)]
    instances = dict.fromkeys(tops, 1)
    waiting = list(tops)
    while waiting:  # a module's instances: those in each instance of a module that holds it
        name = waiting.pop()
        for cell in modules[name]["cells"].values():
            if cell["type"] in modules:
                instances[cell["type"]] = instances.get(cell["type"], 0) + 1
                waiting.append(cell["type"])
    rows = [(name, number, _counted(modules[name])) for name, number in instances.items()]
    return [
        {"module": _written(name), "instances": number, **counts}
        for name, number, counts in rows
        if name in tops or any(counts.values())
    ]


def _written(name: str) -> str:
    """The name in the Verilog of a module that Yosys derived for its parameters.

    >>> _written("$paramod$0123abcd\\\\pe"), _written("$paramod\\\\pe\\\\WIDTH=s32'00000000"), _written("pe")
    ('pe', 'pe', 'pe')
    """
    return name.split("\\")[1] if name.startswith("$paramod") else name.lstrip("\\")


def _counted(module: Mapping[str, Any]) -> dict[str, int]:
    counts = dict.fromkeys(("multipliers", "adders", "comparators", "register_bits", "memory_bits"), 0)
    for cell in module["cells"].values():
        kind = cell["type"]
        if kind == "$mul":  # a product with a constant (an index, say) is wiring and additions
            counts["multipliers"] += not any(_constant(cell["connections"][side]) for side in "AB")
        elif kind in ("$add", "$sub", "$neg"):
            counts["adders"] += 1
        elif kind in ("$lt", "$le", "$gt", "$ge"):
            counts["comparators"] += 1
        elif kind in ("$dff", "$dffe", "$sdff", "$sdffe", "$sdffce"):
            counts["register_bits"] += int(cell["parameters"]["WIDTH"], 2)
    for memory in module.get("memories", {}).values():
        counts["memory_bits"] += int(memory["width"]) * int(memory["size"])
    return counts


def _constant(bits: list[Any]) -> bool:
    return all(isinstance(bit, str) for bit in bits)
