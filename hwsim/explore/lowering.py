"""Workloads as flat arrays: unique operator rows over all of them, and what each workload adds up of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.analytic import decode_graphs, memory_use, phase_graph
from hwsim.engine.schedule import Costing, layer_floor_s
from hwsim.engine.unfused import launched_operators
from hwsim.engine.workload import Workload
from hwsim.errors import InputError
from hwsim.graph import OperatorGraph
from hwsim.hardware import System
from hwsim.rows import COLLECTIVE, OperatorCost, OperatorRow, Runtime, lower

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_Block = tuple[dict[int, int], int, float]  # calls by row, runs, and the host's seconds for a layer


@dataclass(frozen=True, kw_only=True)
class Case:
    """One combination of what varies in the workload, on the system that it is cut over."""

    workload: Workload
    system: System
    runtime: Runtime
    network: Any = None  # with techniques; None: the sweep's own
    names: tuple[Any, ...] = ()  # the values of the workload axes, as the file states them


class Sums(NamedTuple):
    """What each part of a workload adds up, as offsets into flat arrays; the arguments of the reducing kernel.

    A generation has two parts, its prefill and all its decode steps; any other phase is one part of one step.

    Attributes
    ----------
    part_first : (parts + 1,) first block of each part
    block_first : (blocks + 1,) first entry of each block
    block_count : (blocks,) how often a block runs
    block_floor_s : (blocks,) seconds the runtime's host takes for the block; 0 where it is no layer
    entry_row : (entries,) unique row of an entry
    entry_calls : (entries,) calls of that row in one run of the block
    runtime : (parts, fields of Runtime) launch and host seconds
    steps : (parts,) runs of the network
    devices : (parts,) devices that work in step
    """

    part_first: Integers
    block_first: Integers
    block_count: Floats
    block_floor_s: Floats
    entry_row: Integers
    entry_calls: Floats
    runtime: Floats
    steps: Floats
    devices: Floats


@dataclass(frozen=True, kw_only=True)
class Lowered:
    """All workloads of a sweep, flat. Rows of the device come first; those of the links have a fixed cost."""

    rows: Floats  # (device rows, fields of OperatorRow)
    link_s: Floats  # (link rows,) seconds
    link_j: Floats  # (link rows,) joules
    sums: Sums
    case_first: Integers  # (workloads,) first part of each workload
    tokens: Floats  # (workloads,) tokens, or samples, that one run brings
    later_tokens: Floats  # (workloads,) decode steps of a generation, a token of each request
    peak_memory_bytes: Floats  # (workloads,)
    weight_bytes: Floats  # (workloads,) of the peak


def tokens_of(workload: Workload) -> float:
    """Tokens that `Result.tokens_per_s` counts in one run of the phase; samples of a network without a cache."""
    each = {"prefill": workload.prompt, "decode": 1, "generate": workload.output, "forward": 1}
    return float(workload.batch * each[workload.phase])


def lower_cases(network: Any, cases: Sequence[Case]) -> Lowered:
    """Build each workload's folded graphs once and flatten them.

    Raises
    ------
    HwsimError : a workload that the network, or the system it is cut over, cannot serve
    """
    table = _Rows()
    blocks: list[_Block] = []
    owners: list[Case] = []  # of each part
    part_first, case_first, steps = [0], [], []
    for case in cases:
        _check_devices(case)
        case_first.append(len(owners))
        for graphs in _parts(case.network or network, case.workload):
            blocks += _merged(block for graph in graphs for block in _blocks(graph, case, table))
            part_first.append(len(blocks))
            steps.append(float(len(graphs)))
            owners.append(case)
    entries = [pair for members, _, _ in blocks for pair in members.items()]
    order = table.order()
    sums = Sums(
        part_first=np.array(part_first),
        block_first=np.cumsum([0, *(len(members) for members, _, _ in blocks)]),
        block_count=np.array([float(count) for _, count, _ in blocks]),
        block_floor_s=np.array([floor_s for _, _, floor_s in blocks]),
        entry_row=np.array([order[row] for row, _ in entries]),
        entry_calls=np.array([float(calls) for _, calls in entries]),
        runtime=np.array([tuple(case.runtime) for case in owners], dtype=np.float64),
        steps=np.array(steps),
        devices=np.array([float(case.workload.parallel.devices) for case in owners]),
    )
    uses = [memory_use(case.network or network, case.workload) for case in cases]
    return Lowered(
        rows=np.array(table.device_rows, dtype=np.float64).reshape(-1, len(OperatorRow._fields)),
        link_s=np.array([cost.latency_s for cost in table.link_costs], dtype=np.float64),
        link_j=np.array([cost.energy_j for cost in table.link_costs], dtype=np.float64),
        sums=sums,
        case_first=np.array(case_first),
        tokens=np.array([tokens_of(case.workload) for case in cases]),
        later_tokens=np.array([float(case.workload.output - 1) for case in cases]),
        peak_memory_bytes=np.array([use.total for use in uses]),
        weight_bytes=np.array([use.weights for use in uses]),
    )


def _parts(network: Any, workload: Workload) -> list[list[OperatorGraph]]:
    """The graphs of each part: of a generation the prefill's, then one for each later token."""
    if workload.phase != "generate":
        return [[phase_graph(network, workload, workload.phase)]]
    decode = list(decode_graphs(network, workload))
    return [[phase_graph(network, workload, "prefill")], *([decode] if decode else [])]


def _merged(blocks: Iterable[_Block]) -> list[_Block]:
    """Blocks of equal calls as one, which runs as often as they do together."""
    found: dict[tuple[Any, ...], _Block] = {}
    for members, count, floor_s in blocks:
        key = (tuple(sorted(members.items())), floor_s)
        found[key] = (members, count + (found[key][1] if key in found else 0), floor_s)
    return list(found.values())


class _Rows:
    """Unique rows, numbered as they come; a link's row carries its cost, which no device field changes."""

    def __init__(self) -> None:
        self.known: dict[object, int] = {}
        self.device_rows: list[OperatorRow] = []
        self.link_costs: list[OperatorCost] = []
        self._is_link: list[bool] = []

    def number(self, row: OperatorRow, link_cost: OperatorCost | None) -> int:
        key = (row, link_cost)
        if key not in self.known:
            self.known[key] = len(self._is_link)
            self._is_link.append(link_cost is not None)
            if link_cost is None:
                self.device_rows.append(row)
            else:
                self.link_costs.append(link_cost)
        return self.known[key]

    def order(self) -> list[int]:
        """Column of each numbered row: the device's rows first, then the links'."""
        device, link = iter(range(len(self.device_rows))), iter(range(len(self.device_rows), len(self._is_link)))
        return [next(link) if is_link else next(device) for is_link in self._is_link]


def _blocks(graph: OperatorGraph, case: Case, table: _Rows) -> list[_Block]:
    """Calls of each row in each block, how often the block runs, and the host's seconds for it if it is a layer."""
    costing = Costing(case.system, case.runtime)
    calls: dict[str | None, dict[int, int]] = {}
    counts: dict[str | None, int] = {}
    collectives: dict[str | None, int] = {}
    nodes = list(graph)
    for node in nodes:
        counts[node.block] = node.count
        members = calls.setdefault(node.block, {})
        for operator in launched_operators(node.operator, case.runtime, last=node is nodes[-1]):
            row = lower(operator)
            number = table.number(row, costing.cost(operator) if row.kind == COLLECTIVE else None)
            members[number] = members.get(number, 0) + 1
            collectives[node.block] = collectives.get(node.block, 0) + (row.kind == COLLECTIVE)
    return [
        (members, counts[block], 0.0 if block is None else layer_floor_s(case.runtime, collectives[block]))
        for block, members in calls.items()
    ]


def _check_devices(case: Case) -> None:
    needed = case.workload.parallel.devices
    if needed > case.system.count:
        raise InputError(f"parallel needs {needed} devices, but '{case.system.name}' has {case.system.count}")
