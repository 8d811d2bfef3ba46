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
        columns: Columns = {}
        for (name, values), position in zip(self.plan.device_axes.items(), positions, strict=True):
            columns[name] = np.repeat(values[position], cases)
        for index, name in enumerate(self.plan.case_axes):
            columns[name] = np.tile(np.array([case.names[index] for case in self.plan.cases]), count)
        columns |= self._metrics(records)
        columns["fits"] = self._fits(records, columns["peak_memory_bytes"])
        columns["feasible"] = self._feasible(columns)
        return columns

    def _metrics(self, records: Floats) -> Columns:
        """What `hwsim.explore.spec.metrics` names, one value a point."""
        lowered, count = self.lowered, len(records)
        part_s, part_j = self._times(records)
        latency = np.add.reduceat(part_s, lowered.case_first, axis=1).ravel()
        energy = np.add.reduceat(part_j, lowered.case_first, axis=1).ravel()
        found: Columns = {
            "latency_s": latency, "energy_j": energy, "power_w": energy / latency,
            "peak_memory_bytes": np.tile(lowered.peak_memory_bytes, count),
        }  # fmt: skip
        each = "sample" if self.plan.spec.phase == "forward" else "token"
        tokens = np.tile(lowered.tokens, count)
        found |= {f"{each}s_per_s": tokens / latency, f"energy_per_{each}_j": energy / tokens}
        if self.plan.spec.phase == "generate":
            first_s = part_s[:, lowered.case_first].ravel()
            later = np.tile(lowered.later_tokens, count)
            found["time_to_first_token_s"] = first_s
            with np.errstate(invalid="ignore"):  # one token has no time between tokens: not a number
                found["time_per_output_token_s"] = np.where(later > 0.0, latency - first_s, np.nan) / later
        return found

    def _times(self, records: Floats) -> tuple[Floats, Floats]:
        """(device points, parts of workloads) seconds and joules."""
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
        latency_s, energy_j = np.empty((2, count, len(lowered.sums.steps)))
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
    """(points, objectives) values of which each is to be small; what does not apply to a point is endless."""
    signs = {"min": 1.0, "max": -1.0}
    values = [signs[way] * np.asarray(columns[name], dtype=np.float64) for name, way in plan.spec.objectives.items()]
    return np.nan_to_num(np.stack(values, axis=1), nan=np.inf, posinf=np.inf, neginf=-np.inf)


def evaluate_all(plan: Plan) -> Iterator[Columns]:
    """Evaluate a whole plan in memory, chunk by chunk."""
    evaluator = Evaluator(plan)
    for chunk in chunks(plan):
        yield evaluator.columns(chunk)
