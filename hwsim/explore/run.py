"""Run a sweep: evaluate chunk by chunk, keep each at once, carry the Pareto front along."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from hwsim.explore.evaluate import Chunk, Evaluator, chunks, objective_values
from hwsim.explore.fingerprint import formula_fingerprint
from hwsim.explore.interrupts import held_interrupts
from hwsim.explore.pareto import pareto_front
from hwsim.explore.plan import Plan, make_plan
from hwsim.explore.spec import SweepSpec
from hwsim.explore.store import Store, open_store

SAMPLE_POINTS = 4000  # points that stand for all of them in a figure

Progress = Callable[[str, int, int], None]  # what is being done, points done, points in all


@dataclass(kw_only=True)
class Outcome:
    """What a sweep found. ``done`` is below ``points`` when it was interrupted."""

    plan: Plan
    folder: Path
    points: int
    done: int = 0
    fitting: int = 0
    feasible: int = 0
    seconds: float = 0.0
    evaluated: int = 0  # points evaluated in this run: not those that were there already
    interrupted: bool = False
    front: pa.Table | None = None
    sample: list[pa.Table] = field(default_factory=list)

    @property
    def points_per_s(self) -> float:
        """Points evaluated, written and compared a second, compilation and set-up aside."""
        return self.evaluated / self.seconds if self.seconds > 0.0 else 0.0


def run_sweep(
    spec: SweepSpec, folder: Path, resume: bool = False, workers: int | None = None, progress: Progress | None = None
) -> Outcome:
    """Evaluate every point of a sweep into a folder.

    A keyboard interrupt ends it after the chunk in hand with everything kept; `Outcome.interrupted` says so.

    Raises
    ------
    HwsimError : a sweep that cannot be planned, a folder that cannot be used
    """
    tell = progress or (lambda what, done, points: None)
    plan = make_plan(spec)
    store = open_store(folder, spec.path, plan_fingerprint(plan), resume)
    outcome = Outcome(plan=plan, folder=folder, points=plan.points)
    try:
        tell("compiling", 0, plan.points)
        evaluator = Evaluator(plan, workers)
        _run_chunks(outcome, store, evaluator, tell)
    except KeyboardInterrupt:
        outcome.interrupted = True
    if outcome.front is not None:
        store.write_front(outcome.front)
    store.write_state(
        finished=not outcome.interrupted, points=outcome.points, done=outcome.done, fitting=outcome.fitting,
        feasible=outcome.feasible,
    )  # fmt: skip
    return outcome


def plan_fingerprint(plan: Plan) -> str:
    """Hash of what the numbers depend on beside the sweep's file: formulas, device, network, profiles."""
    parts = [formula_fingerprint([plan.system.device.cost]), repr(plan.system.device.record), repr(plan.network)]
    parts += sorted({f"{case.runtime}{case.system.link and case.system.link.record}" for case in plan.cases})
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _run_chunks(outcome: Outcome, store: Store, evaluator: Evaluator, tell: Progress) -> None:
    listed = chunks(outcome.plan)
    share = max(1, SAMPLE_POINTS // len(listed))
    for chunk in listed:
        size = (chunk.stop - chunk.start) * len(outcome.plan.cases)
        started = time.perf_counter()
        kept = store.has(chunk.number)
        table = store.read(chunk.number) if kept else _evaluated(evaluator, chunk)
        with held_interrupts():  # what is on disk and what is counted stay the same
            if not kept:
                store.write(chunk.number, table)
                outcome.evaluated += size
            _take(outcome, table, size, share)
        outcome.seconds += time.perf_counter() - started
        tell("evaluating", outcome.done, outcome.points)


def _evaluated(evaluator: Evaluator, chunk: Chunk) -> pa.Table:
    columns = evaluator.columns(chunk)
    table = pa.table(columns)
    return table if evaluator.plan.spec.keep == "all" else table.filter(pa.array(columns["feasible"]))


def _take(outcome: Outcome, table: pa.Table, size: int, share: int) -> None:
    """Count a chunk, put its best points on the front, keep a few for the figure."""
    feasible = table.filter(table["feasible"])
    front = feasible if outcome.front is None else pa.concat_tables([outcome.front, _thinned(outcome.plan, feasible)])
    outcome.front = _thinned(outcome.plan, front)
    outcome.done += size
    outcome.fitting += int(np.count_nonzero(table["fits"].to_numpy()))
    outcome.feasible += len(feasible)
    if len(table):
        outcome.sample.append(table.take(np.unique(np.linspace(0, len(table) - 1, share).astype(np.int64))))


def _thinned(plan: Plan, table: pa.Table) -> pa.Table:
    columns = {name: table[name].to_numpy() for name in plan.spec.objectives}
    return table.take(pareto_front(objective_values(plan, columns))) if len(table) else table
