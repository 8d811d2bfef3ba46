"""The event engine: the schedule unfolded and replayed on SimPy, with compute, memory and link as resources.

Time is an integer number of picoseconds. A task waits for the tasks it follows, then takes its resources in
alphabetical order (one order for all, so no two tasks wait for each other), holds them for
``round(latency_s * 1e12)`` ps and gives them back. Where nothing overlaps, the end is the analytic sum to 1 ps a task.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import simpy

from hwsim.engine.schedule import Task
from hwsim.errors import InputError

PICOSECONDS_PER_SECOND = 10**12


@dataclass(frozen=True, kw_only=True)
class TaskRecord:
    """When one unfolded task held its resources; times in integer picoseconds from the start."""

    task: Task
    start_ps: int
    end_ps: int

    @property
    def name(self) -> str:
        """Name of the unfolded task, such as ``attention[3]``."""
        return self.task.operator.name

    @property
    def duration_ps(self) -> int:
        """Picoseconds the task held its resources."""
        return self.end_ps - self.start_ps


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The outcome of a replay: the end of the last task (s), and every task's record in order of its end."""

    latency_s: float
    records: tuple[TaskRecord, ...]

    def busy_s(self, resource: str) -> float:
        """Seconds for which a resource was held."""
        return sum(r.duration_ps for r in self.records if resource in r.task.resources) / PICOSECONDS_PER_SECOND


def replay(tasks: Sequence[Task], *, recorder: Callable[[TaskRecord], None] | None = None) -> Replay:
    """Unfold a schedule and replay it, task by task, on its resources.

    Parameters
    ----------
    tasks : folded schedule, as `build_schedule` gives it; ``latency_s`` of each is of one call
    recorder : called with each task's record when the task ends, in order of time

    Returns
    -------
    Replay : latency in seconds, and one record for each unfolded task

    Raises
    ------
    InputError : two tasks of one name, a task that follows one that is not there, tasks that wait for each other
    """
    unfolded = unfold_tasks(tasks)
    environment = simpy.Environment()
    names = sorted({resource for task in unfolded for resource in task.resources})
    resources = {name: simpy.Resource(environment, capacity=1) for name in names}
    ended = {task.operator.name: environment.event() for task in unfolded}
    records: list[TaskRecord] = []

    def record(entry: TaskRecord) -> None:
        records.append(entry)
        if recorder is not None:
            recorder(entry)

    for task in unfolded:
        environment.process(_run(environment, task, resources, ended, record))
    environment.run()
    if len(records) < len(unfolded):
        waiting = [name for name, event in ended.items() if not event.triggered]
        raise InputError(f"schedule: {len(waiting)} tasks wait for each other, '{waiting[0]}' among them")
    end_ps = max((entry.end_ps for entry in records), default=0)
    return Replay(latency_s=end_ps / PICOSECONDS_PER_SECOND, records=tuple(records))


def _run(
    environment: simpy.Environment,
    task: Task,
    resources: Mapping[str, simpy.Resource],
    ended: Mapping[str, simpy.Event],
    record: Callable[[TaskRecord], None],
) -> Generator[simpy.Event, object, None]:
    if task.after:
        yield environment.all_of([ended[name] for name in task.after])
    held = []
    for name in sorted(task.resources):
        request = resources[name].request()
        yield request
        held.append((resources[name], request))
    start_ps = int(environment.now)
    yield environment.timeout(round(task.latency_s * PICOSECONDS_PER_SECOND))
    for resource, request in held:
        resource.release(request)
    record(TaskRecord(task=task, start_ps=start_ps, end_ps=int(environment.now)))
    ended[task.operator.name].succeed()


def unfold_tasks(tasks: Sequence[Task]) -> list[Task]:
    """Write every block of a schedule out, copy after copy; all counts are 1 afterwards and names get ``[i]``.

    Dependencies follow `OperatorGraph.unfolded`: the exits of one copy feed the entries of the next, and what stands
    behind a block follows its last copy. A task with a count but no block is a block of its own.

    Raises
    ------
    InputError : two tasks of one name, a task that follows one that is not there, a block with several counts
    """
    return [copy for block in _blocks(tasks) for copy in block.copies()]


class _Block:
    """Tasks that repeat together; a task that runs once is a block of one with no copies to tell apart."""

    def __init__(self, members: list[Task], owner: Mapping[str, _Block]) -> None:
        self.members, self.count, self.owner = members, members[0].count, owner
        self.folded = self.count > 1 or members[0].block is not None
        self.names = {task.operator.name for task in members}
        self.exits: list[str] = []

    def name(self, member: str, index: int) -> str:
        return f"{member}[{index}]" if self.folded else member

    def copies(self) -> Iterable[Task]:
        for index in range(self.count):
            for task in self.members:
                name = self.name(task.operator.name, index)
                operator = task.operator.with_(name=name) if self.folded else task.operator
                yield replace(task, operator=operator, count=1, block=None, after=self._after(task, index))

    def _after(self, task: Task, index: int) -> tuple[str, ...]:
        inside = [self.name(source, index) for source in task.after if source in self.names]
        outside = [source for source in task.after if source not in self.names]
        if index == 0:
            blocks = [(self.owner[source], source) for source in outside]
            entered = [block.name(source, block.count - 1) for block, source in blocks]
        else:
            entered = [self.name(leaving, index - 1) for leaving in self.exits] if outside or not inside else []
        return tuple(dict.fromkeys([*inside, *entered]))


def _blocks(tasks: Sequence[Task]) -> list[_Block]:
    groups: dict[tuple[str, str], list[Task]] = {}
    names: set[str] = set()
    for task in tasks:
        name = task.operator.name
        if name in names:
            raise InputError(f"schedule: two tasks are named '{name}'")
        names.add(name)
        group = groups.setdefault(("task", name) if task.block is None else ("block", task.block), [])
        group.append(task)
        if task.count != group[0].count or task.count < 1:
            raise InputError(f"schedule: task '{name}' count(={task.count}) differs from its block's {group[0].count}")
    owner: dict[str, _Block] = {}
    blocks = [_Block(members, owner) for members in groups.values()]
    owner.update({name: block for block in blocks for name in block.names})
    _find_exits(tasks, owner)
    return blocks


def _find_exits(tasks: Sequence[Task], owner: Mapping[str, _Block]) -> None:
    """A member that feeds something outside its block leaves it; where none does, a member that feeds nothing."""
    leaving: set[str] = set()
    feeding: set[str] = set()
    for task in tasks:
        for source in task.after:
            if source not in owner:
                raise InputError(f"schedule: task '{task.operator.name}' follows '{source}', which is not in it")
            feeding.add(source)
            if owner[source] is not owner[task.operator.name]:
                leaving.add(source)
    for block in {id(block): block for block in owner.values()}.values():
        members = [task.operator.name for task in block.members]
        block.exits = [name for name in members if name in leaving] or [n for n in members if n not in feeding]
