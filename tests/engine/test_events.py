"""The event engine: equal to the analytic sum where nothing overlaps, and right where tasks share a resource."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.engine.events import TaskRecord, replay, unfold_tasks
from hwsim.engine.schedule import Task
from hwsim.errors import InputError
from hwsim.graph import OperatorGraph
from hwsim.operators import Collective, Elementwise, Operator
from hwsim.rows import MEMORY, OperatorCost


def task(
    name: str, latency_s: float, *, after: tuple[str, ...] = (), count: int = 1, block: str | None = None,
    link: bool = False,
) -> Task:  # fmt: skip
    operator: Operator = Elementwise(name=name, elements=8)
    if link:
        operator = Collective(name=name, operation="all_reduce", ranks=2, elements=32)
    cost = OperatorCost(latency_s, 0.0, 0.0, latency_s, 0.0, 0.0, 0.0, MEMORY)
    return Task(operator=operator, cost=cost, count=count, block=block, latency_s=latency_s, after=after)


def layers(latencies_s: list[float], count: int, link: bool = False) -> list[Task]:
    """A chain: one task before a block, the block's tasks, one task behind it."""
    tasks = [task("before", latencies_s[0])]
    for index, latency_s in enumerate(latencies_s[1:-1]):
        tasks.append(
            task(f"step{index}", latency_s, after=(tasks[-1].operator.name,), count=count, block="layer",
                 link=link and index % 2 == 1)
        )  # fmt: skip
    return [*tasks, task("behind", latencies_s[-1], after=(tasks[-1].operator.name,))]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0.0, 1e-2), min_size=3, max_size=9), st.integers(1, 40), st.booleans())
def test_a_chain_replays_to_the_sum_of_its_rounded_tasks_exactly(
    latencies_s: list[float], count: int, link: bool
) -> None:
    tasks = layers(latencies_s, count, link)
    rounded_ps = sum(round(t.latency_s * 1e12) * t.count for t in tasks)
    assert replay(tasks).latency_s == rounded_ps / 10**12


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0.0, 1e-2), min_size=3, max_size=9), st.integers(1, 40), st.booleans())
def test_a_chain_replays_to_the_analytic_sum_within_a_picosecond_a_task(
    latencies_s: list[float], count: int, link: bool
) -> None:
    tasks = layers(latencies_s, count, link)
    analytic_s = sum(Fraction(t.latency_s) * t.count for t in tasks)
    assert abs(analytic_s - Fraction(replay(tasks).latency_s)) <= Fraction(1, 10**12) * sum(t.count for t in tasks)


def test_branches_that_need_the_same_resource_run_one_after_the_other() -> None:
    fork = [task("root", 1e-6), task("left", 2e-6, after=("root",)), task("right", 3e-6, after=("root",))]
    done = replay([*fork, task("join", 1e-6, after=("left", "right"))])
    assert done.latency_s == 7e-6
    assert [record.name for record in done.records] == ["root", "left", "right", "join"]
    assert [record.start_ps for record in done.records] == [0, 1_000_000, 3_000_000, 6_000_000]


def test_compute_and_link_overlap_on_branches() -> None:
    fork = [task("root", 1e-6), task("left", 2e-6, after=("root",)), task("right", 3e-6, after=("root",), link=True)]
    done = replay([*fork, task("join", 1e-6, after=("left", "right"))])
    assert done.latency_s == 5e-6
    assert (done.busy_s("compute"), done.busy_s("memory"), done.busy_s("link")) == (4e-6, 4e-6, 3e-6)


def test_two_link_branches_contend_for_the_link() -> None:
    tasks = [task("left", 2e-6, link=True), task("right", 3e-6, link=True), task("alone", 1e-6)]
    assert replay(tasks).latency_s == 5e-6


def test_a_recorder_sees_every_task_in_order_of_its_end() -> None:
    seen: list[TaskRecord] = []
    done = replay(layers([1e-6, 2e-6, 3e-6, 4e-6], 3), recorder=seen.append)
    assert tuple(seen) == done.records
    assert [record.end_ps for record in seen] == sorted(record.end_ps for record in seen)
    assert seen[1].name == "step0[0]" and seen[-1].name == "behind"


def forked_graph(count: int) -> OperatorGraph:
    """A block with two entries, a branch inside, a residual edge from outside and two exits."""
    graph = OperatorGraph("forked")
    graph.add(Elementwise(name="embed", elements=8))
    block = graph.add_block("layer", count)
    graph.add(Elementwise(name="query", elements=8), after=["embed"], block=block)
    graph.add(Elementwise(name="key", elements=8), after=["embed"], block=block)
    graph.add(Elementwise(name="mix", elements=8), after=["query", "key"], block=block)
    graph.add(Elementwise(name="residual", elements=8), after=["mix", "embed"], block=block)
    tail = graph.add_block("tail", 2)
    graph.add(Elementwise(name="last", elements=8), after=["residual", "mix"], block=tail)
    graph.add(Elementwise(name="head", elements=8), after=["last"])
    return graph


@pytest.mark.parametrize("count", [1, 2, 5])
def test_unfolded_tasks_depend_on_each_other_as_the_unfolded_graph_does(count: int) -> None:
    graph = forked_graph(count)
    folded = [
        task(n.operator.name, 1e-6, after=tuple(graph.predecessors(n.operator.name)), count=n.count, block=n.block)
        for n in graph
    ]
    whole = graph.unfolded()
    unfolded = unfold_tasks(folded)
    assert [t.operator.name for t in unfolded] == [node.operator.name for node in whole]
    assert all(set(t.after) == set(whole.predecessors(t.operator.name)) for t in unfolded)
    assert all(t.count == 1 and t.block is None for t in unfolded)


def test_a_block_that_nothing_feeds_still_runs_copy_after_copy() -> None:
    tasks = [task("send", 1e-6, count=3, block="b", link=True), task("use", 1e-6, after=("send",), count=3, block="b")]
    assert unfold_tasks(tasks)[2].after == ("use[0]",)
    assert replay(tasks).latency_s == 6e-6


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([task("a", 1.0), task("a", 1.0)], "two tasks are named 'a'"),
        ([task("a", 1.0, after=("b",))], "'a' follows 'b', which is not in it"),
        ([task("a", 1.0, count=2, block="x"), task("b", 1.0, count=3, block="x")], r"count\(=3\) differs"),
        ([task("a", 1.0, after=("b",)), task("b", 1.0, after=("a",))], "2 tasks wait for each other, 'a' among them"),
    ],
)
def test_an_impossible_schedule_is_refused_by_name(tasks: list[Task], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replay(tasks)


def test_an_empty_schedule_takes_no_time() -> None:
    assert replay([]).latency_s == 0.0
