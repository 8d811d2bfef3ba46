"""The schedule: every operator of a graph with its cost on the system, in the order of the graph.

Both engines read it. The analytic one adds the tasks up by count; the event one unfolds and replays them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hwsim.cost import cost_function
from hwsim.engine.unfused import launched_operators
from hwsim.errors import UnsupportedError
from hwsim.graph import OperatorGraph
from hwsim.hardware import Device, System
from hwsim.operators import HostStep, Operator
from hwsim.rows import COLLECTIVE, LAUNCH, OperatorCost, OperatorRow, Runtime, lower


def runtime_on(device: Device, runtime: Runtime) -> Runtime:
    """The profile that a device runs under: none at all where it follows an instruction stream of its own."""
    return runtime if device.launches else Runtime(0.0, 0.0, 0.0)


@cost_function
def launched_latency_s(kernel_s: float, runtime: Runtime) -> float:
    """Seconds from one kernel's start to the next one's: the device's time and gap, or the host's if that is longer."""
    return max(kernel_s + runtime.gap_s, runtime.host_s)


def layer_floor_s(runtime: Runtime, collectives: int) -> float:
    """Seconds of the host for a layer with so many collectives: the layer never takes less."""
    return runtime.layer_s + collectives * runtime.collective_s if runtime.layer_s > 0.0 else 0.0


@cost_function
def layer_stretch(block_s: float, layer_s: float) -> float:
    """By how much a layer of ``block_s`` seconds stretches where the host needs ``layer_s`` seconds for it."""
    return layer_s / block_s if layer_s > block_s else 1.0


@cost_function
def consumed_energy_j(kernel_j: float, kernel_s: float, latency_s: float, idle_power_w: float) -> float:
    """Joules of kernels and of the device idling for the rest of ``latency_s``."""
    return kernel_j + idle_power_w * (latency_s - kernel_s)


@dataclass(frozen=True, kw_only=True)
class Task:
    """One operator of the schedule. ``latency_s`` is of one call, host and gap included; resources it holds by name."""

    operator: Operator
    cost: OperatorCost
    count: int
    block: str | None
    latency_s: float
    after: tuple[str, ...]

    @property
    def resources(self) -> tuple[str, ...]:
        """What the task occupies while it runs."""
        return ("link",) if self.operator.kind == "collective" else ("compute", "memory")


class Costing:
    """Costs of rows on one system under one runtime; equal rows are computed once."""

    def __init__(self, system: System, runtime: Runtime) -> None:
        self.system, self.runtime = system, runtime_on(system.device, runtime)
        self._known: dict[OperatorRow, OperatorCost] = {}

    def cost(self, operator: Operator) -> OperatorCost:
        """Cost of one call, without the runtime's share."""
        row = lower(operator)
        if row not in self._known:
            self._known[row] = self._compute(operator, row)
        return self._known[row]

    def _compute(self, operator: Operator, row: OperatorRow) -> OperatorCost:
        device = self.system.device
        if operator.kind in device.cannot_run:
            raise UnsupportedError(
                f"operator '{operator.name}' is of kind {operator.kind}, "
                f"which '{device.name}' (family {device.family}) cannot run"
            )
        if device.check is not None:
            device.check(device.record, row)
        if row.kind != COLLECTIVE:
            return self.system.device.cost(self.system.device.record, row)
        if self.system.link is None:
            raise UnsupportedError(
                f"operator '{operator.name}' moves data between devices, but '{self.system.name}' names no link; "
                f'write "{self.system.count} x {self.system.device.name} over LINK"'
            )
        return self.system.collective_cost(self.system.link, row)

    def latency_s(self, operator: Operator) -> float:
        """Latency of one call under the runtime."""
        return launched_latency_s(self.cost(operator).latency_s, self.runtime)


def build_schedule(graph: OperatorGraph, costing: Costing) -> list[Task]:
    """Cost every operator of a graph, in topological order; a layer never takes less than the runtime's ``layer_s``."""
    tasks: list[Task] = []
    last_part: dict[str, str] = {}  # of an operator that a runtime launches in parts
    nodes = list(graph)
    for node in nodes:
        after = tuple(last_part.get(name, name) for name in graph.predecessors(node.operator.name))
        for operator in launched_operators(node.operator, costing.runtime, last=node is nodes[-1]):
            latency_s = costing.latency_s(operator)
            tasks.append(
                Task(
                    operator=operator, cost=costing.cost(operator), count=node.count, block=node.block,
                    latency_s=latency_s, after=after,
                )
            )  # fmt: skip
            after = (operator.name,)
        last_part[node.operator.name] = after[0]
    return [*_with_layer_floor(tasks, costing.runtime), *_host_step(tasks, costing.runtime.step_s)]


def _host_step(tasks: list[Task], step_s: float) -> list[Task]:
    """What the host adds to a step after its last operator, if anything."""
    if step_s <= 0.0 or not tasks:
        return []
    nothing = OperatorCost(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, LAUNCH)
    last = (tasks[-1].operator.name,)
    return [Task(operator=HostStep(name="host_step"), cost=nothing, count=1, block=None, latency_s=step_s, after=last)]


def _with_layer_floor(tasks: list[Task], runtime: Runtime) -> list[Task]:
    """Stretch the tasks of a block to the host's time for a layer, in proportion, where that is longer."""
    if runtime.layer_s <= 0.0:
        return tasks
    totals: dict[str, float] = {}
    collectives: dict[str, int] = {}
    for task in tasks:
        if task.block is not None:
            totals[task.block] = totals.get(task.block, 0.0) + task.latency_s
            collectives[task.block] = collectives.get(task.block, 0) + (task.operator.kind == "collective")
    stretch = {
        block: layer_stretch(total, layer_floor_s(runtime, collectives[block])) for block, total in totals.items()
    }
    return [replace(task, latency_s=task.latency_s * stretch.get(task.block or "", 1.0)) for task in tasks]
