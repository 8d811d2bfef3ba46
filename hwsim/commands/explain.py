"""`hwsim run --explain OPERATOR`: the numbers, the constants with their sources, and the formula of one operator."""

from __future__ import annotations

import inspect
import types
from pathlib import Path
from typing import Any

from hwsim.cost import traced
from hwsim.engine.simulate import schedule_of
from hwsim.engine.workload import Workload
from hwsim.errors import unknown_name
from hwsim.hardware import System
from hwsim.report.quantities import quantity
from hwsim.rows import ARITHMETIC_CODES, BOUND_NAMES, COLLECTIVE, OperatorRow, Runtime, lower


def explain_operator(network: Any, system: System, workload: Workload, runtime: Runtime, name: str) -> dict[str, Any]:
    """How one operator's cost comes about on a system: its call, its cost, each constant with its source, the formula.

    A generation is explained by its first decode step.
    """
    from hwsim.models.catalog import field_units

    phase = workload.with_(phase="decode", context=workload.prompt) if workload.phase == "generate" else workload
    tasks = {task.operator.name: task for task in schedule_of(network, system, phase, runtime)}
    if name not in tasks:
        raise unknown_name("operator", name, tasks)
    task = tasks[name]
    row = lower(task.operator)
    part = system.link if row.kind == COLLECTIVE and system.link is not None else system.device
    paths = {field: path for path, field in part.record_paths.items()}
    read, formulas = traced(part.cost, part.record, row)
    constants = {paths.get(field, field): getattr(part.record, field) for field in part.record._fields if field in read}
    units = field_units(getattr(part, "family", "link"))
    cost = {**task.cost._asdict(), "bound": BOUND_NAMES[int(task.cost.bound)]}
    return {
        "schema_version": 1, "operator": name, "kind": task.operator.kind, "device": part.name,
        "phase": phase.phase, "count": task.count,
        "of": "the first decode step of the generation" if workload.phase == "generate" else phase.phase,
        "call": _call(row), "cost": cost,
        "latency_s_a_call": task.latency_s, "latency_s": task.latency_s * task.count,
        "constants": {
            path: {"value": value, "unit": units.get(path, ""), "source": part.sources.get(path, "")}
            for path, value in constants.items()
        },
        "formula": [_formula(each) for each in formulas],
    }  # fmt: skip


def print_explanation(document: dict[str, Any]) -> None:
    """Print what `explain_operator` found."""
    print(
        f"{document['operator']} ({document['kind']}) on {document['device']}: {document['of']}, "
        f"{document['count']:,} calls"
    )
    print("\nThe call")
    for field, value in document["call"].items():
        print(f"  {field:<18} {value if isinstance(value, str) else f'{value:.6g}'}")
    print("\nIts cost")
    for field, value in document["cost"].items():
        print(f"  {field:<18} {value if isinstance(value, str) else f'{value:.6g}'}")
    print(f"  with the runtime   {document['latency_s_a_call']:.6g} s a call, {document['latency_s']:.6g} s in all")
    print(f"\nConstants of {document['device']} that the formula reads, with their sources")
    for path, constant in document["constants"].items():
        value = quantity(constant["value"], constant["unit"]) if constant["unit"] else f"{constant['value']:.6g}"
        print(f"  {path:<36} {value:<12} {constant['source']}".rstrip())
    dispatch, *rest = document["formula"]
    main = rest[0] if rest else dispatch
    print(f"\nThe formula ({main['file']})")
    print(main["text"])
    if rest[1:]:
        print("What it calls (--json prints them whole)")
    for each in rest[1:]:
        print(f"  {each['name']:<22} {each['file']:<28} {each['purpose']}")


def _call(row: OperatorRow) -> dict[str, float | str]:
    """What the row states, with the name of its arithmetic in place of the code."""
    names = {code: name for name, code in ARITHMETIC_CODES.items()}
    stated: dict[str, float | str] = {field: value for field, value in row._asdict().items() if value}
    stated.pop("kind", None)
    if row.kind != COLLECTIVE:
        stated = {"arithmetic": names[row.arithmetic], **{k: v for k, v in stated.items() if k != "arithmetic"}}
    return stated


def _formula(function: types.FunctionType) -> dict[str, str]:
    file = Path(inspect.getsourcefile(function) or "")
    return {
        "name": function.__name__, "file": "/".join(file.parts[-3:]), "text": inspect.getsource(function),
        "purpose": (inspect.getdoc(function) or "").partition("\n")[0],
    }  # fmt: skip
