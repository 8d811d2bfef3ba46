"""mllm-NPU: prefill of Qwen1.5-1.8B on a phone's NPU, the ablation from the CPU to out-of-order blocks.

Xu et al., ASPLOS 2025, arXiv 2407.05858. Given: the phone of the catalog, whose NPU curve and call time come from the
paper's micro-benchmark of one product (recalled), the same benchmark of the CPU, the preparation of a graph for a 2B
model, the factor by which group-wise scales slow the NPU, and what folding the rows of a linear into an equivalent
shape gains (recalled). Predicted: the ladder, on a real schedule. Linears run on the NPU, seven a layer as the
configuration states them, floating-point work (attention, norms, outliers) on the CPU.

The ladder and the headline cannot hold with one chunk time: 569 token/s is 0.90 s for two chunks, more than 1000 is
less than 1.02 s for four. The ladder agrees with the micro-benchmark as it is. The headline and the end-to-end rows are
those of the whole system, whose linears run in the equivalent shape; that the ladder lacks this step is our reading.
"""

from __future__ import annotations

from functools import cache
from math import ceil
from typing import Any, NamedTuple

import hwsim
from hwsim.experiments.papers._unit_schedule import UnitSchedule, UnitTask, run_schedule
from hwsim.experiments.reproduction import Row
from hwsim.models.soc.cost import cpu_unit, npu_unit, unit_cost
from hwsim.operators import Attention, Elementwise, Matmul, Norm, Operator
from hwsim.rows import lower

TITLE = "mllm-NPU: chunked INT8 prefill on a phone's NPU (arXiv 2407.05858)"
SOURCE = "arXiv 2407.05858, as quoted by a third party"
PHONE = "snapdragon-8gen3"
NETWORK = "qwen1.5-1.8b"
OTHERS = ("phi-2", "llama-2-7b", "mistral-7b")
CHUNK = 256
# Recalled micro-benchmark of the CPU: 64 x 2048 x 2048 in 4.2 ms, 64 x 2048 x 11008 in 11.6 ms; time follows rows.
CPU_ROWS = 64.0
CPU_SECONDS = (4.2e-3, 11.6e-3)
CPU_OPERATIONS = (2 * 64 * 2048 * 2048, 2 * 64 * 2048 * 11008)
PREPARATION_S = 11.54  # of the graph of a model of two billion parameters
PREPARED_PARAMETERS = 2.0e9
GROUPED_FACTOR = 10.7  # group-wise scales on the NPU over one scale a tensor
SHAPE_GAIN = 1.62  # latency of a linear of (1, rows) over that of the same rows folded to (32, rows / 32), recalled
OUTLIER_SHARE = 0.003  # of the channels; the upper end of 0.1 to 0.3 %
# Out of order, what leads to the CPU's attention soonest goes first; the feed-forward linears fill the NPU's gaps.
FILLER = dict.fromkeys(("gate", "up", "down"), 10**6)
KEPT_SHARE = 0.15  # layers whose outliers are not pruned


class Shape(NamedTuple):
    """Sizes of the decoder that the schedule needs."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    gated: bool

    def linears(self) -> dict[str, tuple[int, int]]:
        """(k, n) of each linear of a layer."""
        query, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        gate = {"gate": (self.hidden, self.intermediate)} if self.gated else {}
        return {
            "q": (self.hidden, query), "k": (self.hidden, kv), "v": (self.hidden, kv), "o": (query, self.hidden),
            **gate, "up": (self.hidden, self.intermediate), "down": (self.intermediate, self.hidden),
        }  # fmt: skip

    @property
    def parameters(self) -> float:
        """Weights of all layers' linears."""
        return float(self.layers * sum(k * n for k, n in self.linears().values()))


@cache
def shape_of(network: str) -> Shape:
    """Sizes of a dense network of the catalog."""
    graph = hwsim.network(network).graph(
        phase="prefill", batch=1, prompt=CHUNK, context=0, weights="int8", activations="int8", kv="fp16",
        tensor_parallel=1, expert_parallel=1,
    )  # fmt: skip
    attention, down = graph.node("attention").operator, graph.node("down").operator
    assert isinstance(attention, Attention)
    assert isinstance(down, Matmul)
    gated = any(node.operator.name == "gate_up" for node in graph)
    return Shape(
        graph.node("down").count, int(down.n), int(down.k), int(attention.heads), int(attention.kv_heads),
        int(attention.head_dim), gated,
    )  # fmt: skip


@cache
def _units() -> tuple[Any, Any]:
    record = hwsim.device(PHONE).record
    return cpu_unit(record), npu_unit(record)


def npu_s(rows: int, k: int, n: int, folded: bool = False) -> float:
    """Seconds of one INT8 linear on the NPU, its rows folded into the equivalent shape or not."""
    seconds: float = unit_cost(_units()[1], lower(Matmul(name="linear", m=rows, n=n, k=k, dtype="int8"))).latency_s
    return seconds / SHAPE_GAIN if folded else seconds


def cpu_s(operator: Operator) -> float:
    """Seconds of one operator in floating point on the CPU."""
    return unit_cost(_units()[0], lower(operator)).latency_s


def cpu_linear_s(rows: int, k: int, n: int) -> float:
    """Seconds of one INT8 linear on the CPU: the benchmark's line at 64 rows, in proportion to the rows."""
    slope = (CPU_SECONDS[1] - CPU_SECONDS[0]) / (CPU_OPERATIONS[1] - CPU_OPERATIONS[0])
    at_64 = CPU_SECONDS[0] + slope * (2 * CPU_ROWS * k * n - CPU_OPERATIONS[0])
    return at_64 * rows / CPU_ROWS


def attention_s(shape: Shape, rows: int, keys: int) -> float:
    """Seconds of floating-point attention of a chunk on the CPU; a chunk's scores are a whole rectangle."""
    return cpu_s(
        Attention(
            name="attention", batch=1, query_length=rows, kv_length=keys, heads=shape.heads, kv_heads=shape.kv_heads,
            head_dim=shape.head_dim, dtype="fp16", causal=False,
        )
    )  # fmt: skip


def block_tasks(shape: Shape, chunk: int, layer: int, rows: int, shadow: bool, folded: bool) -> list[UnitTask]:
    """Tasks of one layer for one chunk: blocks alternate between CPU and NPU, outliers run beside the linears."""
    tag, before = f"{chunk}.{layer}.", f"{chunk}.{layer - 1}.add"
    entry = (before,) if layer else ()
    linears = shape.linears()
    norm = cpu_s(Norm(name="norm", rows=rows, columns=shape.hidden, dtype="fp16"))
    quantise = cpu_s(Elementwise(name="quantise", elements=rows * shape.hidden, reads=1, writes=1, dtype="fp16"))
    earlier = [f"{past}.{layer}.{name}" for past in range(chunk) for name in ("k", "v")]
    steps: list[tuple[str, str, float, list[str]]] = [("norm", "cpu", norm + quantise, [])]
    steps += [(name, "npu", npu_s(rows, *linears[name], folded), ["norm"]) for name in ("q", "k", "v")]
    steps.append(("attention", "cpu", attention_s(shape, rows, (chunk + 1) * rows) + quantise, ["q", "k", "v"]))
    steps.append(("o", "npu", npu_s(rows, *linears["o"], folded), ["attention"]))
    steps.append(("norm2", "cpu", norm + 2 * quantise, ["o"]))
    inner: list[str] = [name for name in ("gate", "up") if name in linears]
    steps += [(name, "npu", npu_s(rows, *linears[name], folded), ["norm2"]) for name in inner]
    steps.append(("down", "npu", npu_s(rows, *linears["down"], folded), inner))
    steps.append(("add", "cpu", quantise, ["down"]))
    if shadow and layer < round(KEPT_SHARE * shape.layers):
        steps += _shadows(linears, rows, steps)
    base = 1000 * layer + 100 * chunk  # chunks advance together, so that each fills the others' gaps
    tasks = []
    for position, (name, unit, seconds, after) in enumerate(steps):
        needed = [tag + other for other in after] + (earlier if name == "attention" else [])
        tasks.append(
            UnitTask(
                name=tag + name, unit=unit, seconds=seconds, rank=base + position + FILLER.get(name, 0),
                after=tuple(needed) if after else entry,
            )
        )  # fmt: skip
    return tasks


def _shadows(
    linears: dict[str, tuple[int, int]], rows: int, steps: list[tuple[str, str, float, list[str]]]
) -> list[tuple[str, str, float, list[str]]]:
    """Outlier channels of each linear on the CPU, from the linear's own input; the next step waits for the sum."""
    found = []
    for name, (k, n) in linears.items():
        product = cpu_s(Matmul(name="outliers", m=rows, n=n, k=max(1, round(OUTLIER_SHARE * k)), dtype="fp16"))
        added = cpu_s(Elementwise(name="sum", elements=rows * n, reads=2, writes=1, dtype="fp16"))
        after = next(step[3] for step in steps if step[0] == name)
        found.append((f"{name}_outliers", "cpu", product + added, after))
    for index, (name, unit, seconds, after) in enumerate(steps):
        shadowed = [f"{other}_outliers" for other in after if other in linears]
        steps[index] = (name, unit, seconds, after + shadowed)
    return found


def prefill(
    tokens: int,
    *,
    in_order: bool,
    chunk: int = CHUNK,
    shadow: bool = True,
    folded: bool = False,
    network: str = NETWORK,
) -> UnitSchedule:
    """Schedule of a prefill: in order, each block waits for the one before; out of order, chunks fill the gaps."""
    shape = shape_of(network)
    tasks: list[UnitTask] = []
    for index in range(ceil(tokens / chunk)):
        for layer in range(shape.layers):
            tasks += block_tasks(shape, index, layer, chunk, shadow, folded)
    if in_order:
        chained, last = [], ""
        for task in tasks:
            beside = task.name.endswith("_outliers")
            after = task.after if beside or not last else (*task.after, last)
            chained.append(UnitTask(name=task.name, unit=task.unit, seconds=task.seconds, after=after, rank=task.rank))
            last = last if beside else task.name
        tasks = chained
    return run_schedule(tasks)


def cpu_prefill_s(tokens: int) -> float:
    """Seconds of a prefill on the CPU alone."""
    shape = shape_of(NETWORK)
    linears = sum(cpu_linear_s(tokens, k, n) for k, n in shape.linears().values())
    return shape.layers * (linears + attention_s(shape, tokens, tokens))


def grouped_s(tokens: int, chunk: int) -> float:
    """Seconds in order with group-wise scales on the NPU."""
    return GROUPED_FACTOR * prefill(tokens, in_order=True, chunk=chunk, shadow=False).latency_s


def preparation_s() -> float:
    """Seconds to build and optimise the graph anew, in proportion to the parameters of the layers."""
    return PREPARATION_S * shape_of(NETWORK).parameters / PREPARED_PARAMETERS


def moved_bytes(tokens: int, chunk: int) -> float:
    """Bytes of the linears of a prefill: weights once a chunk, INT8 inputs and outputs."""
    shape = shape_of(NETWORK)
    maps = sum(k + n for k, n in shape.linears().values())
    return ceil(tokens / chunk) * (shape.parameters + shape.layers * chunk * maps)


def energy_ratio(tokens: int, folded: bool) -> float:
    """Energy of a prefill on the CPU over that of the schedule: units while busy, DRAM by bytes, idle throughout."""
    soc = hwsim.device(PHONE).record
    schedule, alone_s = prefill(tokens, in_order=False, folded=folded), cpu_prefill_s(tokens)
    busy = schedule.busy_s
    used = soc.npu_power_w * busy["npu"] + soc.cpu_power_w * busy["cpu"] + soc.idle_power_w * schedule.latency_s
    used += moved_bytes(tokens, CHUNK) * soc.memory_energy_byte_j
    alone = (soc.cpu_power_w + soc.idle_power_w) * alone_s + moved_bytes(tokens, tokens) * soc.memory_energy_byte_j
    return float(alone / used)


def other_rows() -> list[Row]:
    """The whole system on other prompts and networks: predictions without a published figure at hand."""
    found = []
    cases = [(NETWORK, 64), (NETWORK, 256), (NETWORK, 512), *((name, 1024) for name in OTHERS)]
    for name, tokens in cases:
        schedule = prefill(tokens, in_order=False, folded=True, network=name)
        given = {"network": name, "phone": PHONE, "chunk": CHUNK, "shape_gain": SHAPE_GAIN}
        found.append(
            Row(
                system="mllm-npu", case=f"{name}, {tokens} tokens, whole system", metric="prefill rate",
                unit="token/s", given=given, predicted=tokens / schedule.latency_s, published="", judged=False,
                source="prediction", note="a prompt is padded to whole chunks",
            )
        )  # fmt: skip
    return found


def rows() -> list[Row]:
    """The ladder at 512 tokens, the idle share of the NPU, longer prompts, the ratio to a CPU."""
    in_order, out_of_order = prefill(512, in_order=True), prefill(512, in_order=False)
    given: dict[str, Any] = {"network": NETWORK, "phone": PHONE, "chunk": CHUNK}
    group = {**given, "grouped_factor": GROUPED_FACTOR}

    def row(case: str, metric: str, unit: str, predicted: float, published: str, **more: Any) -> Row:
        base = {"given": given, "source": SOURCE, "judged": True, **more}
        return Row(
            system="mllm-npu", case=case, metric=metric, unit=unit, predicted=predicted, published=published, **base
        )

    def whole(folded: bool) -> list[Row]:
        """Rows of the whole system; folded they rest on a recalled gain, so that they are context."""
        long, wiki = (prefill(tokens, in_order=False, folded=folded) for tokens in (1024, 1490))
        more: dict[str, Any] = {"judged": not folded, "given": {**given, "shape_gain": SHAPE_GAIN} if folded else given}
        mark, reason = (", rows folded", "the gain of folding is recalled; ") if folded else ("", "")
        return [
            row(f"1024 tokens{mark}", rate, "token/s", 1024 / long.latency_s, ">1000", **more,
                source="arXiv 2407.05858, abstract",
                note=f"{reason}two chunks in 0.90 s (ladder) and four in 1.02 s exclude one time a chunk"),
            row(f"LongBench-2wiki, 1490 tokens{mark}", "prefill", "s", wiki.latency_s, "1.49", **more),
            row(f"1024 tokens{mark}", "speed over llama.cpp on CPU", "x", cpu_prefill_s(1024) / long.latency_s,
                "18.2-38.4", **more, note="range over five networks and two phones"),
            row(f"1024 tokens{mark}", "energy of llama.cpp on CPU over it", "x", energy_ratio(1024, folded),
                "35.6-59.5", **more,
                note="range over networks, on a Snapdragon 8 Gen 2; the CPU's power is that of a memory-bound decode"),
        ]  # fmt: skip

    rate = "prefill rate"
    return [
        row("512 tokens, CPU", rate, "token/s", 512 / cpu_prefill_s(512), "65"),
        row("512 tokens, NPU as it is", rate, "token/s", 512 / (grouped_s(512, 512) + preparation_s()), "25",
            given={**group, "preparation_s_of_2B": PREPARATION_S}),
        row("512 tokens, + chunk graphs", rate, "token/s", 512 / grouped_s(512, CHUNK), "37", given=group),
        row("512 tokens, + shadow outliers", rate, "token/s", 512 / in_order.latency_s, "395"),
        row("512 tokens, + out-of-order blocks", rate, "token/s", 512 / out_of_order.latency_s, "569"),
        row("512 tokens, in order", "NPU idle", "%", 100 * in_order.idle_share("npu"), "37"),
        row("512 tokens, out of order", "NPU idle", "%", 100 * out_of_order.idle_share("npu"), "0.7", judged=False,
            note="the first attention of the first chunk and the last of the last one have nothing to hide behind"),
        *whole(folded=False),
        *whole(folded=True),
        row("1024 tokens", "graph memory saved by sharing", "%", 100 * (1 - 1 / ceil(1024 / CHUNK)), "75",
            note="all subgraphs with weights are shared by the chunks; attention, a sixth of them, has none"),
        *other_rows(),
    ]  # fmt: skip
