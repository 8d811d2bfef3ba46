"""A schedule of tasks on processors, replayed on SimPy: each unit takes the ready task of the lowest rank."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import simpy

PICOSECONDS = 10**12


@dataclass(frozen=True, kw_only=True)
class UnitTask:
    """A task of ``seconds`` on a unit after others; among ready ones the lower rank goes first."""

    name: str
    unit: str
    seconds: float
    after: tuple[str, ...] = ()
    rank: int = 0


@dataclass(frozen=True, kw_only=True)
class UnitSchedule:
    """End of the last task (s) and the seconds for which each unit was busy."""

    latency_s: float
    busy_s: dict[str, float]

    def idle_share(self, unit: str) -> float:
        """Share of the schedule in which a unit does nothing."""
        return 1.0 - self.busy_s[unit] / self.latency_s


def run_schedule(tasks: Sequence[UnitTask]) -> UnitSchedule:
    """Replay tasks on their units, one task a unit at a time."""
    environment = simpy.Environment()
    units = {name: simpy.PriorityResource(environment, 1) for name in dict.fromkeys(task.unit for task in tasks)}
    ended = {task.name: environment.event() for task in tasks}
    busy = dict.fromkeys(units, 0.0)

    def run(task: UnitTask) -> Generator[simpy.Event, object, None]:
        yield environment.all_of([ended[name] for name in task.after])
        with units[task.unit].request(priority=task.rank) as turn:
            yield turn
            yield environment.timeout(round(task.seconds * PICOSECONDS))
        busy[task.unit] += task.seconds
        ended[task.name].succeed()

    for task in tasks:
        environment.process(run(task))
    environment.run()
    return UnitSchedule(latency_s=environment.now / PICOSECONDS, busy_s=busy)
