"""A replay as a trace that https://ui.perfetto.dev and chrome://tracing open: one row for each resource."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hwsim.engine.events import Replay, TaskRecord
from hwsim.errors import InputError
from hwsim.rows import BOUND_NAMES

PICOSECONDS_PER_MICROSECOND = 10**6
ROW_ORDER = ("compute", "memory", "link")


def trace_document(replay: Replay, name: str = "device") -> dict[str, Any]:
    """Return the JSON document of a replay in the Chrome trace event format.

    A task is one complete event (``ph`` X) on each resource it holds; ``ts`` and ``dur`` are in microseconds.
    """
    found = {resource for record in replay.records for resource in record.task.resources}
    rows = [row for row in ROW_ORDER if row in found] + sorted(found - set(ROW_ORDER))
    events: list[dict[str, Any]] = [{"ph": "M", "name": "process_name", "pid": 0, "tid": 0, "args": {"name": name}}]
    for index, row in enumerate(rows):
        events.append({"ph": "M", "name": "thread_name", "pid": 0, "tid": index, "args": {"name": row}})
        events.append({"ph": "M", "name": "thread_sort_index", "pid": 0, "tid": index, "args": {"sort_index": index}})
    for record in replay.records:
        events += [_complete(record, rows.index(resource)) for resource in record.task.resources]
    return {"traceEvents": events, "displayTimeUnit": "ns", "otherData": {"latency_s": replay.latency_s}}


def _complete(record: TaskRecord, row: int) -> dict[str, Any]:
    operator, cost = record.task.operator, record.task.cost
    return {
        "ph": "X",
        "name": record.name,
        "cat": operator.kind,
        "pid": 0,
        "tid": row,
        "ts": record.start_ps / PICOSECONDS_PER_MICROSECOND,
        "dur": record.duration_ps / PICOSECONDS_PER_MICROSECOND,
        "args": {
            "start_ps": record.start_ps,
            "duration_ps": record.duration_ps,
            "flops": operator.flops,
            "bytes": operator.bytes,
            "energy_j": cost.energy_j,
            "bound": BOUND_NAMES[int(cost.bound)],
            "after": list(record.task.after),
        },
    }


def write_trace(path: str | Path, replay: Replay, name: str = "device") -> None:
    """Write a replay as a trace file (JSON).

    Raises
    ------
    InputError : the file cannot be written
    """
    try:
        Path(path).write_text(json.dumps(trace_document(replay, name), allow_nan=False), encoding="utf-8")
    except OSError as error:
        raise InputError(f"trace '{path}' cannot be written: {error.strerror}") from error
