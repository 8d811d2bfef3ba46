"""Score every design of the space with the cost functions of models/npu, and choose one of the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import hwsim
from hwsim.engine.analytic import check_fits, phase_graph
from hwsim.engine.schedule import launched_latency_s
from hwsim.engine.workload import Workload
from hwsim.errors import DoesNotFitError, InputError, UnsupportedError, unknown_name
from hwsim.experiments.codesign.device_file import CLOCK_HZ, device_text, edge_bytes_per_s, read_design
from hwsim.experiments.codesign.space import DATAFLOWS, FORMATS, Candidate, area_share, candidates, read_budget
from hwsim.explore.pareto import pareto_front
from hwsim.hardware import Device, System
from hwsim.models.catalog import read_runtime
from hwsim.models.fpga.parts import Part, read_part
from hwsim.models.npu.cost import operator_cost
from hwsim.models.npu.record import Npu
from hwsim.rows import OperatorRow, Runtime, lower


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is asked: a decode step of a network at a batch and a context, on a share of a part, at a clock.

    ``budget`` names limits over the part's share; a design may be ``slack`` slower than the fastest if it is smaller.
    """

    network: str = "llama-2-7b"
    batch: int = 4
    context: int = 1024
    part: str = "alveo-u280"
    share: float = 0.7
    budget: str = ""
    formats: tuple[str, ...] = tuple(FORMATS)
    dataflows: tuple[str, ...] = DATAFLOWS[:1]
    clock_hz: float = CLOCK_HZ
    slack: float = 0.02

    def __post_init__(self) -> None:
        for what, given, known in (("format", self.formats, FORMATS), ("dataflow", self.dataflows, DATAFLOWS)):
            for name in given:
                if name not in known:
                    raise unknown_name(what, name, known)
        if not 0.0 <= self.slack < 1.0:
            raise InputError(f"slack(={self.slack}) must be at least 0 and below 1")
        if not 1e6 <= self.clock_hz <= 2e9:
            raise InputError(f"clock(={self.clock_hz / 1e6:.6g} MHz) must be between 1 and 2,000 MHz")

    def workload(self, number_format: str) -> Workload:
        """The decode step with everything in one format."""
        return Workload(
            phase="decode", batch=self.batch, context=self.context, weights=number_format, activations=number_format,
            kv=number_format,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Design:
    """A candidate with what the models say: seconds of a decode step, tokens/s, resources, share of the budget."""

    candidate: Candidate
    latency_s: float
    tokens_per_s: float
    resources: dict[str, float]
    area: float

    def document(self) -> dict[str, Any]:
        """The design for JSON."""
        one = self.candidate
        return {
            "format": one.format, "dataflow": one.dataflow, "rows": one.rows, "columns": one.columns,
            "count": one.count, "latency_s": self.latency_s, "tokens_per_s": self.tokens_per_s,
            "resources": self.resources, "budget_share": self.area,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search found: how many designs of each format, the front, the chosen one of all and of each format.

    ``left_out`` says why a format took no part; ``streaming_s`` is the step's time on a memory that alone matters.
    """

    task: Task
    part: Part
    budget: dict[str, float]
    searched: dict[str, int]
    front: list[Design]
    front_of: dict[str, list[Design]]
    fastest: Design
    chosen: Design
    by_format: dict[str, Design]
    streaming_s: dict[str, float]
    left_out: dict[str, str] = field(default_factory=dict)


def search(task: Task) -> Found:
    """Score every design within the budget; choose the smallest within ``slack`` of the fastest.

    Raises
    ------
    DoesNotFitError : no array fits the budget, or in no format the network fits the memory
    InputError, UnknownNameError : an impossible request
    """
    part = read_part(task.part)
    budget = read_budget(task.budget, part, task.share)
    network = hwsim.network(task.network)
    designs: dict[str, list[Design]] = {}
    streaming: dict[str, float] = {}
    left_out: dict[str, str] = {}
    for name in task.formats:
        try:
            evaluator = Evaluator(network, task, part, name)
        except DoesNotFitError as error:
            left_out[name] = str(error)
            continue
        for dataflow in task.dataflows:
            try:
                found = list(candidates(name, dataflow, task.batch, int(part.memory_channels), budget))
            except (DoesNotFitError, UnsupportedError) as error:
                left_out[f"{name}, {dataflow}"] = str(error)
                continue
            designs[name] = designs.get(name, []) + [evaluator.design(one, budget) for one in found]
            streaming[name] = evaluator.streaming_s
    if not designs:
        raise DoesNotFitError("; ".join(dict.fromkeys(left_out.values())))
    every = [one for found_designs in designs.values() for one in found_designs]
    front = pareto(every)
    return Found(
        task=task, part=part, budget=budget, searched={name: len(one) for name, one in designs.items()}, front=front,
        front_of={name: pareto(one) for name, one in designs.items()},
        fastest=front[0], chosen=choose(every, task.slack), streaming_s=streaming, left_out=left_out,
        by_format={name: choose(one, task.slack) for name, one in designs.items()},
    )  # fmt: skip


def pareto(designs: Sequence[Design]) -> list[Design]:
    """The designs that no other beats in both time and area, the fastest first."""
    return [designs[index] for index in pareto_front(np.array([[one.latency_s, one.area] for one in designs]))]


def choose(designs: Sequence[Design], slack: float) -> Design:
    """The design that takes the least of the budget among those within ``slack`` of the fastest."""
    limit = (1.0 + slack) * min(one.latency_s for one in designs)
    near = [one for one in designs if one.latency_s <= limit]
    return min(near, key=lambda one: (one.area, one.resources.get("lut", 0.0), one.latency_s, one.candidate))


class Evaluator:
    """The cost of a decode step in one format on any array: the network is lowered once."""

    def __init__(self, network: Any, task: Task, part: Part, number_format: str) -> None:
        self.task = task
        workload = task.workload(number_format)
        first = Candidate(number_format, task.dataflows[0], 1, 1, 1)
        self.device = read_design(device_text(first, part, share=task.share, clock_hz=task.clock_hz), part.name)
        self.base: Npu = self.device.record
        check_fits(network, workload, System(name=part.name, device=self.device))
        self.runtime: Runtime = read_runtime("graph")
        graph = phase_graph(network, workload, "decode")
        counts: dict[OperatorRow, float] = {}
        for node in graph:
            row = lower(node.operator)
            counts[row] = counts.get(row, 0.0) + node.count
        self.rows = list(counts.items())

    @property
    def streaming_s(self) -> float:
        """Seconds in which the memory alone moves the step's bytes."""
        moved = sum(count * row.bytes for row, count in self.rows)
        return moved / (self.base.memory_bandwidth_bytes_per_s * self.base.memory_achieved)

    def record(self, candidate: Candidate) -> Npu:
        """The NPU's record with the candidate's arrays, as its device file would give it."""
        return self.base._replace(
            array_count=float(candidate.count), array_rows=float(candidate.rows),
            array_columns=float(candidate.columns), dataflow=float(DATAFLOWS.index(candidate.dataflow)),
            sram_bandwidth_bytes_per_s=edge_bytes_per_s(candidate, self.task.clock_hz),
        )  # fmt: skip

    def latency_s(self, candidate: Candidate) -> float:
        """Seconds of the step: the sum over its operators, as `hwsim run` adds them up."""
        npu = self.record(candidate)
        return sum(
            count * launched_latency_s(operator_cost(npu, row).latency_s, self.runtime) for row, count in self.rows
        )

    def design(self, candidate: Candidate, budget: dict[str, float]) -> Design:
        """The candidate with its figures."""
        latency, resources = self.latency_s(candidate), candidate.resources
        return Design(
            candidate=candidate, latency_s=latency, tokens_per_s=self.task.batch / latency, resources=resources,
            area=area_share(resources, budget),
        )  # fmt: skip


def chosen_device(found: Found, design: Design) -> Device:
    """The design as a device, through its file's text."""
    text = device_text(design.candidate, found.part, share=found.task.share, clock_hz=found.task.clock_hz)
    return read_design(text, f"decode-npu-{design.candidate.format}")
