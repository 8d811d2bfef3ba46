"""The trace of a replay: what Perfetto needs, and the same times as the replay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwsim.engine.events import replay
from hwsim.engine.schedule import Task
from hwsim.engine.trace import trace_document, write_trace
from hwsim.errors import InputError
from hwsim.operators import Collective, Elementwise, Operator
from hwsim.rows import LINK, MEMORY, OperatorCost


def two_tasks() -> list[Task]:
    add: Operator = Elementwise(name="add", elements=8)
    reduce: Operator = Collective(name="reduce", operation="all_reduce", ranks=2, elements=32)
    costs = [OperatorCost(s, 0.5, 0.0, s, 0.0, 0.0, 0.0, b) for s, b in ((2e-6, MEMORY), (3e-6, LINK))]
    common = {"count": 2, "block": "layer"}
    return [
        Task(operator=add, cost=costs[0], latency_s=2e-6, after=(), **common),  # type: ignore[arg-type]
        Task(operator=reduce, cost=costs[1], latency_s=3e-6, after=("add",), **common),  # type: ignore[arg-type]
    ]


def test_a_trace_has_a_named_row_for_each_resource_and_the_tasks_on_them(tmp_path: Path) -> None:
    write_trace(tmp_path / "trace.json", replay(two_tasks()), name="toy")
    document = json.loads((tmp_path / "trace.json").read_text())
    events = document["traceEvents"]
    rows = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert rows == {0: "compute", 1: "memory", 2: "link"}
    drawn = [(e["name"], rows[e["tid"]], e["ts"], e["dur"]) for e in events if e["ph"] == "X"]
    assert drawn == [
        ("add[0]", "compute", 0.0, 2.0), ("add[0]", "memory", 0.0, 2.0), ("reduce[0]", "link", 2.0, 3.0),
        ("add[1]", "compute", 5.0, 2.0), ("add[1]", "memory", 5.0, 2.0), ("reduce[1]", "link", 7.0, 3.0),
    ]  # fmt: skip


def test_a_trace_carries_what_bounds_each_task_and_what_it_follows() -> None:
    events = trace_document(replay(two_tasks()))["traceEvents"]
    last = [event for event in events if event["name"] == "reduce[1]"][0]
    assert last["cat"] == "collective"
    assert (last["args"]["bound"], last["args"]["after"], last["args"]["duration_ps"]) == (
        "link",
        ["add[1]"],
        3_000_000,
    )


def test_tasks_on_one_row_never_overlap() -> None:
    events = [e for e in trace_document(replay(two_tasks()))["traceEvents"] if e["ph"] == "X"]
    for row in {event["tid"] for event in events}:
        spans = sorted((e["ts"], e["ts"] + e["dur"]) for e in events if e["tid"] == row)
        assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:], strict=False))


def test_a_trace_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written: Is a directory"):
        write_trace(tmp_path, replay(two_tasks()))
