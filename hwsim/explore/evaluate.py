"""Evaluate stretches of a plan's grid with the compiled cost functions, as a table of columns."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from hwsim.explore.kernel import Kernels, build_kernels
from hwsim.explore.lowering import Floats, Lowered, lower_cases
from hwsim.explore.plan import Plan

POINTS_A_CHUNK = 131_072
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Chunk:
    """Device points ``start`` to ``stop`` with all their workloads."""

    number: int
    start: int
    stop: int


def chunks(plan: Plan) -> list[Chunk]:
    """Cut the grid into chunks of about ``POINTS_A_CHUNK`` points; a chunk takes all workloads of its device points."""
    size = max(1, POINTS_A_CHUNK // len(plan.cases))
    starts = range(0, plan.device_points, size)
    return [Chunk(number, start, min(start + size, plan.device_points)) for number, start in enumerate(starts)]


class Evaluator:
    """A plan with its compiled kernels and flat workloads."""

    def __init__(self, plan: Plan, workers: int | None = None) -> None:
        """Compile and lower; ``workers`` limits the threads."""
        if workers is not None:
            numba.set_num_threads(min(workers, int(os.cpu_count() or 1)))
        self.plan = plan
        self.kernels: Kernels = build_kernels(plan.system.device)
        self.lowered: Lowered = lower_cases(plan.network, plan.cases)

    def columns(self, chunk: Chunk) -> Columns:
        """Evaluate a chunk: a column for each axis and metric, ``fits`` and ``feasible``, one value a point."""
        count, cases = chunk.stop - chunk.start, len(self.plan.cases)
        positions = self.plan.positions(chunk.start, chunk.stop)
        records = self.plan.records(positions, count)
        latency_s, energy_j = self._times(records)
        columns: Columns = {}
        for (name, values), position in zip(self.plan.device_axes.items(), positions, strict=True):
            columns[name] = np.repeat(values[position], cases)
        for index, name in enumerate(self.plan.case_axes):
            columns[name] = np.tile(np.array([case.names[index] for case in self.plan.cases]), count)
        tokens = np.tile(self.lowered.tokens, count)
        peak = np.tile(self.lowered.peak_memory_bytes, count)
        latency, energy = latency_s.ravel(), energy_j.ravel()
        columns |= {
            "latency_s": latency, "energy_j": energy, "tokens_per_s": tokens / latency,
            "energy_per_token_j": energy / tokens, "power_w": energy / latency, "peak_memory_bytes": peak,
        }  # fmt: skip
        columns["fits"] = self._fits(records, peak)
        columns["feasible"] = self._feasible(columns)
        return columns

    def _times(self, records: Floats) -> tuple[Floats, Floats]:
        """(device points, workloads) seconds and joules."""
        lowered, count = self.lowered, len(records)
        device_rows, link_rows = len(lowered.rows), len(lowered.link_s)
        kernel_s, kernel_j = np.empty((2, count, device_rows + link_rows))
        groups = max(1, min(device_rows, math.ceil(4 * numba.get_num_threads() / count)))
        self.kernels.costs(records, lowered.rows, groups, kernel_s, kernel_j)
        idle = self.plan.field("power.idle")
        device = self.plan.system.device
        idle_w = np.full(count, device.idle_power_w) if idle is None else records[:, idle].copy()
        kernel_s[:, device_rows:] = lowered.link_s
        kernel_j[:, device_rows:] = lowered.link_j
        if device.collective_power is not None:  # the joules of collectives hold the device's own, see `Costing`
            more_w = device.collective_w(type(device.record)(*records.T)) - device.collective_w(device.record)
            kernel_j[:, device_rows:] += more_w[:, np.newaxis] * lowered.link_s
        else:
            kernel_j[:, device_rows:] += (idle_w - device.idle_power_w)[:, np.newaxis] * lowered.link_s
        latency_s, energy_j = np.empty((2, count, len(self.plan.cases)))
        self.kernels.reduce(lowered.sums, kernel_s, kernel_j, idle_w, latency_s, energy_j)
        return latency_s, energy_j

    def _fits(self, records: Floats, peak: Floats) -> NDArray[np.bool_]:
        """What fits, a device point and a case at a time; weights may have a memory of their own."""
        device, cases = self.plan.system.device, len(self.plan.cases)
        capacity = np.repeat(self._capacity(records), cases)
        if device.weight_capacity is None:
            fits: NDArray[np.bool_] = peak <= capacity
            return fits
        own = np.repeat(np.asarray(device.weight_capacity(type(device.record)(*records.T))), cases)
        weights = np.tile(self.lowered.weight_bytes, len(records))
        fits = (weights <= own) & (peak - weights <= capacity)
        return fits

    def _capacity(self, records: Floats) -> Floats:
        field = self.plan.field("memory.capacity")
        return np.full(len(records), self.plan.system.device.memory_bytes) if field is None else records[:, field]

    def _feasible(self, columns: Columns) -> NDArray[np.bool_]:
        feasible: NDArray[np.bool_] = columns["fits"].copy()
        for limit in self.plan.spec.constraints:
            values = columns[limit.metric]
            feasible &= (values >= limit.minimum) & (values <= limit.maximum)
        return feasible


def objective_values(plan: Plan, columns: Columns) -> Floats:
    """(points, objectives) values of which each is to be small."""
    signs = {"min": 1.0, "max": -1.0}
    return np.stack(
        [signs[way] * np.asarray(columns[name], dtype=np.float64) for name, way in plan.spec.objectives.items()], axis=1
    )


def evaluate_all(plan: Plan) -> Iterator[Columns]:
    """Evaluate a whole plan in memory, chunk by chunk."""
    evaluator = Evaluator(plan)
    for chunk in chunks(plan):
        yield evaluator.columns(chunk)
