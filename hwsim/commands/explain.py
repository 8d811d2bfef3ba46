"""`hwsim run --explain OPERATOR`: the numbers, the constants with their sources, and the formula of one operator."""

from __future__ import annotations

import inspect
from typing import Any

from hwsim.cost import formula_sources
from hwsim.engine.simulate import schedule_of
from hwsim.engine.workload import Workload
from hwsim.errors import unknown_name
from hwsim.hardware import System
from hwsim.rows import BOUND_NAMES, COLLECTIVE, Runtime, lower


def explain_operator(network: Any, system: System, workload: Workload, runtime: Runtime, name: str) -> None:
    """Print how one operator's cost comes about on a system."""
    phase = workload.with_(phase="decode", context=workload.prompt) if workload.phase == "generate" else workload
    tasks = {task.operator.name: task for task in schedule_of(network, system, phase, runtime)}
    if name not in tasks:
        raise unknown_name("operator", name, tasks)
    task = tasks[name]
    row = lower(task.operator)
    part = system.link if row.kind == COLLECTIVE and system.link is not None else system.device
    print(f"{name} ({task.operator.kind}) on {part.name}, {task.count} calls")
    print("\nThe call")
    for field, value in row._asdict().items():
        if value:
            print(f"  {field:<18} {value:.6g}")
    print("\nIts cost")
    for field, value in task.cost._asdict().items():
        print(f"  {field:<18} {BOUND_NAMES[int(value)] if field == 'bound' else f'{value:.6g}'}")
    print(f"  with the runtime   {task.latency_s:.6g} s a call, {task.latency_s * task.count:.6g} s in all")
    print("\nConstants of the device, with their sources")
    fields = {field: path for path, field in getattr(part, "record_paths", {}).items()}
    for field, value in part.record._asdict().items():
        path = fields.get(field, field)
        print(f"  {path:<42} {value:<12.6g} {part.sources.get(path, '')}")
    print("\nThe formula (" + inspect.getsourcefile(part.cost).rpartition("/")[2] + " and what it calls)")  # type: ignore[union-attr]
    wanted = formula_sources(part.cost)
    relevant = [text for text in wanted if task.operator.kind in text.split("(")[0]] or wanted[:1]
    print("\n\n".join(relevant))
