"""Elaborated hierarchy of a kernel by pyverilog, in a process of its own, as a networkx graph."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import networkx

    from hwsim.rtl.record import Kernel

_WRAPPER = "hwsim_hierarchy"
_SCRIPT = """
import json, sys
from pyverilog.dataflow.modulevisitor import ModuleVisitor
from pyverilog.dataflow.signalvisitor import SignalVisitor
from pyverilog.vparser.parser import VerilogCodeParser
top, report, *files = sys.argv[1:]
visitor = ModuleVisitor()
visitor.visit(VerilogCodeParser(files, preprocess_define=['SYNTHESIS']).parse())
modules = visitor.get_moduleinfotable()
signals = SignalVisitor(modules, top)
signals.start_visit()
frames = [(str(name), frame.modulename) for name, frame in signals.getFrameTable().dict.items()
          if frame.frametype == 'none' and frame.modulename]
ports = {name: [[port.first.__class__.__name__.lower(), port.first.name] for port in module.definition.portlist.ports]
         for name, module in modules.dict.items()}
json.dump({'frames': frames, 'ports': ports}, open(report, 'w'))
"""


def hierarchy(kernel: Kernel, parameters: Mapping[str, int]) -> networkx.DiGraph[str]:
    """Every instance of the kernel at these parameters, the top module first.

    Returns
    -------
    networkx.DiGraph : a node is an instance's path with ``module`` and ``ports`` ((direction, name) of the module), an
        edge leads from an instance to one inside it
    """
    import networkx

    found = _elaborated(kernel, kernel.values(parameters))
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    for long_path, module in found["frames"]:
        if module == _WRAPPER:
            continue
        path = long_path.removeprefix(f"{_WRAPPER}.")
        ports = tuple((direction, name) for direction, name in found["ports"].get(module, []))
        graph.add_node(path, module=module, ports=ports)
        parent = path.rpartition(".")[0]
        while parent and parent not in graph:  # the levels between are generate blocks
            parent = parent.rpartition(".")[0]
        if parent:
            graph.add_edge(parent, path)
    return graph


def tree(graph: networkx.DiGraph[str]) -> list[tuple[int, str, int]]:
    """Module tree in reading order: depth, module, and how many of it there are at that place of the tree."""
    rows: list[tuple[int, str, int]] = []

    def visit(instances: list[str], depth: int) -> None:
        by_module: dict[str, list[str]] = {}
        for instance in instances:
            by_module.setdefault(graph.nodes[instance]["module"], []).append(instance)
        for module, places in by_module.items():
            rows.append((depth, module, len(places)))
            visit([inner for place in places for inner in graph.successors(place)], depth + 1)

    visit([node for node in graph if graph.in_degree(node) == 0], 0)
    return rows


def _elaborated(kernel: Kernel, values: Mapping[str, int]) -> dict[str, Any]:
    if importlib.util.find_spec("pyverilog") is None:
        raise MissingExtraError("pyverilog is not installed; pip install 'hwsim[rtl]'")
    settings = ", ".join(f".{name}({value})" for name, value in values.items())
    with tempfile.TemporaryDirectory(prefix="hwsim-pyverilog-") as folder:
        wrapper = Path(folder) / f"{_WRAPPER}.v"
        wrapper.write_text(f"module {_WRAPPER};\n    {kernel.name} #({settings}) {kernel.name} ();\nendmodule\n")
        report = Path(folder) / "hierarchy.json"
        command = [sys.executable, "-W", "ignore", "-c", _SCRIPT, _WRAPPER, str(report)]
        finished = subprocess.run(
            [*command, *map(str, kernel.files), str(wrapper)], cwd=folder, capture_output=True, text=True, check=False
        )
        if finished.returncode or not report.exists():
            lines = [line for line in (finished.stdout + finished.stderr).splitlines() if line.strip()]
            raise InputError(f"kernel {kernel.name}: pyverilog failed: {(lines or ['no message'])[-1].strip()}")
        document: dict[str, Any] = json.loads(report.read_text())
        return document
