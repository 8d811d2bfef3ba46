"""A schedule of sub-graphs on processors, replayed on SimPy with the online rule of arXiv 2407.05858 (section 3.4).

A free unit takes, of the tasks that wait for nothing more, the one that keeps the accelerator busy best: on any other
unit the one whose end lets most seconds of the accelerator's work start, on the accelerator the one whose end lets
fewest seconds of the others' start (equation 5). Equals go in the order of the program.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import simpy

PICOSECONDS = 10**12


@dataclass(frozen=True, kw_only=True)
class UnitTask:
    """A task of ``seconds`` and ``joules`` on a unit, ready ``lead_s`` after the others that it follows have ended."""

    name: str
    unit: str
    seconds: float
    lead_s: float = 0.0
    joules: float = 0.0
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class UnitSchedule:
    """End of the last task (s), the seconds for which each unit was busy, and the tasks' energy (J)."""

    latency_s: float
    busy_s: dict[str, float]
    energy_j: float

    def idle_share(self, unit: str) -> float:
        """Share of the schedule in which a unit does nothing."""
        return 1.0 - self.busy_s[unit] / self.latency_s


def in_program_order(tasks: Sequence[UnitTask], beside: str) -> list[UnitTask]:
    """The same tasks one after the other, but for those whose name ends in ``beside``: these run next to the others."""
    chained: list[UnitTask] = []
    last: tuple[str, ...] = ()
    for task in tasks:
        free = task.name.endswith(beside)
        after = task.after if free else (*task.after, *last)
        chained.append(replace(task, after=after))
        last = last if free else (task.name,)
    return chained


class _Queues:
    """Which tasks are ready on each unit, and what the end of each would let start."""

    def __init__(self, tasks: Sequence[UnitTask], accelerator: str) -> None:
        self.tasks = {task.name: task for task in tasks}
        self.position = {task.name: index for index, task in enumerate(tasks)}
        self.accelerator = accelerator
        self.waiting = {task.name: set(task.after) for task in tasks}
        self.followers: dict[str, list[str]] = {task.name: [] for task in tasks}
        for task in tasks:
            for name in set(task.after):
                self.followers[name].append(task.name)
        self.ready: dict[str, list[str]] = {task.unit: [] for task in tasks}

    def contribution(self, name: str) -> float:
        """Equation 5: seconds of the other units' work that only waits for this task, negative on the accelerator."""
        unit = self.tasks[name].unit
        released = (self.tasks[other] for other in self.followers[name] if len(self.waiting[other]) == 1)
        seconds = sum(task.seconds for task in released if task.unit != unit)
        return -seconds if unit == self.accelerator else seconds

    def take(self, unit: str) -> UnitTask:
        """Remove and return the ready task of the largest contribution."""
        best = max(self.ready[unit], key=lambda name: (self.contribution(name), -self.position[name]))
        self.ready[unit].remove(best)
        return self.tasks[best]

    def end(self, name: str) -> list[UnitTask]:
        """Take note of the end of a task; return those that waited for it only."""
        for other in self.followers[name]:
            self.waiting[other].discard(name)
        return [self.tasks[other] for other in self.followers[name] if not self.waiting[other]]


def run_schedule(tasks: Sequence[UnitTask], accelerator: str = "npu") -> UnitSchedule:
    """Replay tasks on their units, one task a unit at a time."""
    environment = simpy.Environment()
    queues = _Queues(tasks, accelerator)
    bell = {unit: environment.event() for unit in queues.ready}
    busy = dict.fromkeys(queues.ready, 0.0)

    def arrive(task: UnitTask) -> Generator[simpy.Event, object, None]:
        yield environment.timeout(round(task.lead_s * PICOSECONDS))
        queues.ready[task.unit].append(task.name)
        if not bell[task.unit].triggered:
            bell[task.unit].succeed()

    def work(unit: str) -> Generator[simpy.Event, object, None]:
        while True:
            while not queues.ready[unit]:
                bell[unit] = environment.event()
                yield bell[unit]
            task = queues.take(unit)
            yield environment.timeout(round(task.seconds * PICOSECONDS))
            busy[unit] += task.seconds
            for other in queues.end(task.name):
                environment.process(arrive(other))

    for task in tasks:
        if not task.after:
            environment.process(arrive(task))
    for unit in queues.ready:
        environment.process(work(unit))
    environment.run()
    return UnitSchedule(
        latency_s=environment.now / PICOSECONDS, busy_s=busy, energy_j=sum(task.joules for task in tasks)
    )
