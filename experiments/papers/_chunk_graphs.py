"""A prefill in chunks on a phone, as mllm-NPU cuts it: the operators of an ordinary run, grouped into sub-graphs.

Integer linears and the activation between them are the NPU's, what stays in floating point (norms, rotary embedding,
attention, outliers) is the CPU's, in fp32 and with attention in its three parts, as the authors' published code has it.
Each run of operators of one processor is a sub-graph; one on the NPU is one call of it. Every operator costs what
`unit_cost` of the phone's unit says, as in ``hwsim run``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from math import ceil
from typing import NamedTuple

import hwsim
from hwsim.experiments.papers._unit_schedule import UnitSchedule, UnitTask, in_program_order, run_schedule
from hwsim.models.soc.cost import cpu_unit, npu_unit, unit_cost
from hwsim.models.soc.record import Unit
from hwsim.operators import Attention, Elementwise, Matmul, Operator, Softmax
from hwsim.rows import lower

CHUNK = 256
OUTLIER_SHARE = 0.003  # of the channels; the upper end of 0.1 to 0.3 %
KEPT_SHARE = 0.15  # of the layers: outliers of the 85 % least important ones are pruned
SHAPE_GAIN, SHAPE_ROWS, SHAPE_WIDTH = 1.62, 1024, 2048  # (32, 32) rows over (1, 1024) of a linear, section 4
BESIDE = ".outliers"


class SubGraph(NamedTuple):
    """Operators of a layer that one processor runs in one go."""

    unit: str
    operators: tuple[Operator, ...]

    @property
    def dynamic(self) -> bool:
        """Whether its shapes change with the chunk, so that no other chunk can share it."""
        return any(isinstance(operator, Softmax) for operator in self.operators)


class Phone(NamedTuple):
    """The two processors that work, and what the phone takes besides (W)."""

    cpu: Unit
    npu: Unit
    idle_w: float


def phone_of(name: str, *, folded: bool) -> Phone:
    """A phone of the catalog; ``folded``: linears run in the equivalent shape that is the fastest.

    The published gain is that of a whole call, whose fixed part no shape changes, so that it is more on the rest.
    """
    record = hwsim.device(name).record
    npu = npu_unit(record)
    if folded:
        linear = Matmul(name="linear", m=SHAPE_ROWS, n=SHAPE_WIDTH, k=SHAPE_WIDTH, dtype="int8")
        plain = unit_cost(npu, lower(linear)).latency_s
        npu = npu._replace(rate_int8=npu.rate_int8 * (plain - npu.call_s) / (plain / SHAPE_GAIN - npu.call_s))
    return Phone(cpu=cpu_unit(record), npu=npu, idle_w=record.idle_power_w)


@cache
def layers_of(network: str) -> int:
    """Layers of a dense network."""
    return int(hwsim.network(network).graph(phase="prefill", prompt=1).node("attention").count)


@cache
def subgraphs(network: str, rows: int, keys: int) -> tuple[SubGraph, ...]:
    """A layer of ``rows`` tokens that attend to ``keys``, cut where the processor changes."""
    graphs = [
        hwsim.network(network).graph(
            phase="prefill", batch=1, prompt=rows, weights="int8", activations=activations, kv="fp16"
        )
        for activations in ("int8", "fp32")
    ]
    found: list[tuple[str, list[Operator]]] = []
    for integer, floating in zip(*graphs, strict=True):
        if integer.block is None:
            continue
        on_npu = isinstance(integer.operator, Matmul) or integer.operator.name == "activation"
        unit = "npu" if on_npu else "cpu"
        if not found or found[-1][0] != unit:
            found.append((unit, []))
        found[-1][1].extend([integer.operator] if on_npu else _unfused(floating.operator, keys))
    cut = []
    for (unit, operators), (_, following) in zip(found, [*found[1:], found[0]], strict=True):
        first = following[0]
        if unit == "cpu" and isinstance(first, Matmul):
            operators.append(
                Elementwise(name="quantise", elements=rows * first.k, reads=1.0, writes=0.25, dtype="fp32")
            )
        cut.append(SubGraph(unit, tuple(operators)))
    return tuple(cut)


def _unfused(operator: Operator, keys: int) -> list[Operator]:
    """The operator, or the parts of attention: a chunk's scores are a whole rectangle, masked and written out."""
    if not isinstance(operator, Attention):
        return [operator]
    scores, values = (
        Matmul(
            name=name, dtype=operator.dtype, weight_dtype=operator.kv_dtype, batch=operator.batch * operator.heads,
            m=operator.query_length, n=n, k=k, weight=False,
        )
        for name, n, k in (("scores", keys, operator.head_dim), ("values", operator.value_head_dim, keys))
    )  # fmt: skip
    rows = operator.batch * operator.heads * operator.query_length
    return [scores, Softmax(name="softmax", dtype=operator.dtype, rows=rows, columns=keys), values]


def _task(phone: Phone, name: str, unit: str, operators: tuple[Operator, ...], after: tuple[str, ...]) -> UnitTask:
    """One sub-graph as a task; on the NPU its operators share one call, which a core of its own makes beforehand."""
    record, lead_s = (phone.npu._replace(call_s=0.0), phone.npu.call_s) if unit == "npu" else (phone.cpu, 0.0)
    costs = [unit_cost(record, lower(operator)) for operator in operators]
    return UnitTask(
        name=name, unit=unit, after=after, lead_s=lead_s, seconds=sum(cost.latency_s for cost in costs),
        joules=sum(cost.energy_j for cost in costs),
    )  # fmt: skip


def kept_layers(layers: int, share: float) -> frozenset[int]:
    """Layers whose outliers stay: those next to the input and the output, which matter most."""
    kept = round(share * layers)
    return frozenset([*range(ceil(kept / 2)), *range(layers - kept // 2, layers)])


def _linears(graph: SubGraph) -> Iterator[tuple[Operator, ...]]:
    """An NPU sub-graph cut behind each linear, where the sum over the outliers comes in."""
    part: list[Operator] = []
    for operator in graph.operators:
        part.append(operator)
        if isinstance(operator, Matmul):
            yield tuple(part)
            part = []


def layer_tasks(phone: Phone, network: str, rows: int, chunk: int, layer: int, shadow: bool) -> list[UnitTask]:
    """Tasks of one layer for one chunk; with ``shadow`` every linear's outliers run beside it and are added after."""
    graphs, tag = subgraphs(network, rows, (chunk + 1) * rows), f"{chunk}.{layer}"
    after: tuple[str, ...] = (f"{chunk}.{layer - 1}.end",) if layer else ()
    tasks: list[UnitTask] = []
    for index, graph in enumerate(graphs):
        name = f"{tag}.end" if index == len(graphs) - 1 else f"{tag}.{index}"
        if graph.dynamic:  # keys and values of the chunks before come from their sub-graph before this one
            after += tuple(f"{past}.{layer}.{index - 1}" for past in range(chunk))
        if graph.unit == "cpu" or not shadow:
            tasks.append(_task(phone, name, graph.unit, graph.operators, after))
            after = (name,)
            continue
        parts = list(_linears(graph))
        for number, part in enumerate(parts):
            linear = part[-1]
            assert isinstance(linear, Matmul)
            summed = name if number == len(parts) - 1 else f"{name}.{number}"
            channels = max(1, round(OUTLIER_SHARE * linear.k))
            product = Matmul(name="outliers", m=rows, n=linear.n, k=channels, dtype="fp32")
            total = Elementwise(name="sum", elements=rows * linear.n, reads=2.0, writes=1.0, dtype="fp32")
            tasks.append(_task(phone, f"{summed}.linear", "npu", part, after))
            tasks.append(_task(phone, f"{summed}{BESIDE}", "cpu", (product,), after))
            tasks.append(_task(phone, summed, "cpu", (total,), (f"{summed}.linear", f"{summed}{BESIDE}")))
            after = (summed,)
    return tasks


def prefill(
    phone: Phone, network: str, tokens: int, *, in_order: bool, chunk: int = CHUNK, kept: float = KEPT_SHARE
) -> UnitSchedule:
    """Schedule of a prefill, padded to whole chunks.

    In order, each sub-graph waits for the one before, outliers alone running beside; out of order, any that is ready
    may go. ``kept`` is the share of the layers whose outliers are not pruned.
    """
    layers = layers_of(network)
    shadowed = kept_layers(layers, kept)
    tasks = [
        task
        for index in range(ceil(tokens / chunk))
        for layer in range(layers)
        for task in layer_tasks(phone, network, chunk, index, layer, layer in shadowed)
    ]
    schedule = run_schedule(in_program_order(tasks, BESIDE) if in_order else tasks)
    return replace(schedule, energy_j=schedule.energy_j + phone.idle_w * schedule.latency_s)


def on_cpu(phone: Phone, network: str, tokens: int) -> UnitSchedule:
    """The same operators one after the other on the CPU alone, the prompt in one piece."""
    costs = [
        unit_cost(phone.cpu, lower(operator))
        for graph in subgraphs(network, tokens, tokens)
        for operator in graph.operators
    ]
    layers = layers_of(network)
    seconds = layers * sum(cost.latency_s for cost in costs)
    joules = layers * sum(cost.energy_j for cost in costs) + phone.idle_w * seconds
    return UnitSchedule(latency_s=seconds, busy_s={"cpu": seconds}, energy_j=joules)
