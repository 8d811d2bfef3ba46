"""mllm-NPU: prefill of Qwen1.5-1.8B on a phone's NPU, the ablation from the CPU to out-of-order blocks.

Xu et al., ASPLOS 2025, arXiv 2407.05858. Given: the phone of the catalog, whose NPU curve, time of a call and CPU rate
are the paper's six products (table 3); its times to build, optimise and free this network's graph (figure 2); the
factor by which group-wise scales slow a prefill (section 2.3, up to 10.7); the gain of a linear's equivalent shape
(section 4, 1.62). Predicted, from one schedule of an ordinary run's operators (`_chunk_graphs`): everything else.

No one time a chunk meets all published figures: 512 tokens at 569 token/s leave the NPU 0.45 s a chunk, section 3.4
has 0.315 s at 256 tokens, 1024 tokens at more than 1000 token/s less than 0.256 s. The products of table 3 as they are
give 0.37 s, in the equivalent shape 0.23 s. So the ladder and section 3.4 are predicted as measured before that
optimisation, which is none of the ladder's steps, and the headline, the end-to-end rows and the energies with it.
"""

from __future__ import annotations

from functools import cache
from math import ceil
from typing import Any

from hwsim.experiments.papers._chunk_graphs import (
    CHUNK,
    KEPT_SHARE,
    SHAPE_GAIN,
    layers_of,
    on_cpu,
    phone_of,
    prefill,
    subgraphs,
)
from hwsim.experiments.papers._unit_schedule import UnitSchedule
from hwsim.experiments.reproduction import Row

TITLE = "mllm-NPU: chunked INT8 prefill on a phone's NPU (arXiv 2407.05858)"
SOURCE = "arXiv 2407.05858"
THIRD_PARTY = "arXiv 2407.05858, as quoted by a third party"
PHONE, METERED = "snapdragon-8gen3", "snapdragon-8gen2"
NETWORK = "qwen1.5-1.8b"
OTHERS = ("phi-2", "llama-2-7b", "mistral-7b")
PREPARATION_S = 0.45 + 3.30 + 0.149  # build, optimise and free the graph of Qwen1.5-1.8B
GROUPED_FACTOR = 10.7  # a prefill with group-wise scales on the NPU over one with a scale a tensor
DECODE_S = 0.24  # of the few tokens of LongBench-2wiki's answer, by the CPU in mllm-NPU and taken for llama.cpp too
WIKI_TOKENS = 1490
RATE = "prefill rate"


@cache
def schedule(
    tokens: int,
    *,
    in_order: bool = False,
    folded: bool = False,
    chunk: int = CHUNK,
    kept: float = KEPT_SHARE,
    network: str = NETWORK,
    device: str = PHONE,
) -> UnitSchedule:
    """A prefill on a phone; ``folded``: linears in the equivalent shape."""
    return prefill(phone_of(device, folded=folded), network, tokens, in_order=in_order, chunk=chunk, kept=kept)


@cache
def cpu_schedule(tokens: int, network: str = NETWORK, device: str = PHONE) -> UnitSchedule:
    """The same prefill on the CPU alone."""
    return on_cpu(phone_of(device, folded=False), network, tokens)


def grouped_s(tokens: int, chunk: int) -> float:
    """Seconds in order with group-wise scales on the NPU, which need no outliers."""
    return GROUPED_FACTOR * schedule(tokens, in_order=True, chunk=chunk, kept=0.0).latency_s


def _row(case: str, metric: str, unit: str, predicted: float, published: str, **more: Any) -> Row:
    base = {"given": {"network": NETWORK, "phone": PHONE, "chunk": CHUNK}, "source": THIRD_PARTY, "judged": True}
    return Row(
        system="mllm-npu", case=case, metric=metric, unit=unit, predicted=predicted, published=published,
        **{**base, **more},
    )  # fmt: skip


def ladder_rows() -> list[Row]:
    """The ablation at 512 tokens and the times of section 3.4, linears in the shape that they come in."""
    in_order, out_of_order, one = schedule(512, in_order=True), schedule(512), schedule(256, in_order=True)
    base: dict[str, Any] = {"network": NETWORK, "phone": PHONE, "chunk": CHUNK}
    group = {**base, "grouped_factor": GROUPED_FACTOR}
    naive = {**group, "chunk": 512, "preparation_s": PREPARATION_S}
    unpruned, without = (schedule(256, in_order=True, kept=kept).latency_s for kept in (1.0, 0.0))
    cpu_share = one.busy_s["npu"] / one.busy_s["cpu"]
    return [
        _row("512 tokens, CPU", RATE, "token/s", 512 / cpu_schedule(512).latency_s, "65"),
        _row("512 tokens, NPU as it is", RATE, "token/s", 512 / (grouped_s(512, 512) + PREPARATION_S), "25",
             given=naive),
        _row("512 tokens, + chunk graphs", RATE, "token/s", 512 / grouped_s(512, CHUNK), "37", given=group),
        _row("512 tokens, + shadow outliers", RATE, "token/s", 512 / in_order.latency_s, "395"),
        _row("512 tokens, + out-of-order blocks", RATE, "token/s", 512 / out_of_order.latency_s, "569",
             note=f"in the equivalent shape {512 / schedule(512, folded=True).latency_s:.0f}; the page names no phone"),
        _row("512 tokens, in order", "NPU idle", "%", 100 * in_order.idle_share("npu"), "37"),
        _row("512 tokens, out of order", "NPU idle", "%", 100 * out_of_order.idle_share("npu"), "0.7", judged=False,
             note="a norm waits while the CPU is at another chunk's attention, and the last attention has no cover"),
        _row("256 tokens", "NPU busy", "ms", 1e3 * one.busy_s["npu"], "315", source=f"{SOURCE}, section 3.4"),
        _row("256 tokens", "NPU busy over CPU busy", "x", cpu_share, "2", judged=False,
             source=f"{SOURCE}, section 3.4", note="'about twice'; the CPU's fp32 rate is an assumption"),
        _row("256 tokens, no outliers pruned", "latency for outliers", "%", 100 * (1 - without / unpruned), "29.7",
             judged=False, source=f"{SOURCE}, section 3.3", note="of which prompt and schedule it does not say"),
        _row("1024 tokens", "graph memory saved by sharing", "%", 100 * (1 - 1 / ceil(1024 / CHUNK)), "75",
             note="all sub-graphs with weights are shared by the chunks; attention, a sixth of them, has none"),
        _row(NETWORK, "sub-graphs shared by chunks", "", shared_subgraphs()[0], "120", judged=False,
             source=f"{SOURCE}, section 3.2", note="the cut is the paper's"),
    ]  # fmt: skip


def shared_subgraphs() -> tuple[int, int]:
    """Sub-graphs of a chunk that all chunks share, and all of them."""
    graphs, layers = subgraphs(NETWORK, CHUNK, CHUNK), layers_of(NETWORK)
    return layers * sum(not graph.dynamic for graph in graphs), layers * len(graphs)


def whole_rows() -> list[Row]:
    """The whole system: headline, end to end, and ratios to llama.cpp on the CPU."""
    given = {"network": NETWORK, "phone": PHONE, "chunk": CHUNK, "shape_gain": SHAPE_GAIN}
    long, wiki = schedule(1024, folded=True), schedule(WIKI_TOKENS, folded=True)
    metered = schedule(1024, folded=True, device=METERED)
    as_it_is = 1024 / schedule(1024).latency_s
    alone = cpu_schedule(1024)
    return [
        _row("1024 tokens", RATE, "token/s", 1024 / long.latency_s, ">1000", given=given, source=f"{SOURCE}, abstract",
             note=f"{as_it_is:.0f} in the plain shape; 569 at 512 tokens (0.45 s a chunk) and this (0.256 s) exclude "
             "one time a chunk"),
        _row("LongBench-2wiki, 1490 tokens", "prefill", "s", wiki.latency_s, "1.49", given=given),
        _row("LongBench-2wiki, 1490 tokens, llama.cpp on CPU", "prefill and decode", "s",
             cpu_schedule(WIKI_TOKENS).latency_s + DECODE_S, "26.7",
             given={"network": NETWORK, "phone": PHONE, "decode_s": DECODE_S}),
        _row("1024 tokens", "speed over llama.cpp on CPU", "x", alone.latency_s / long.latency_s, "18.2-38.4",
             given=given, note="range over five networks and two phones"),
        _row("1024 tokens", "energy of llama.cpp on CPU over it", "x",
             cpu_schedule(1024, device=METERED).energy_j / metered.energy_j, "35.6-59.5",
             given={**given, "phone": METERED},
             note="range over networks; the speed-up times the ratio of two powers that published ones leave near 1"),
    ]  # fmt: skip


def other_rows() -> list[Row]:
    """The whole system on other prompts and networks: predictions without a published figure at hand."""
    cases = [(NETWORK, 64), (NETWORK, 256), (NETWORK, 512), *((name, 1024) for name in OTHERS)]
    return [
        _row(f"{name}, {tokens} tokens, whole system", RATE, "token/s",
             tokens / schedule(tokens, folded=True, network=name).latency_s, "", judged=False, source="prediction",
             given={"network": name, "phone": PHONE, "chunk": CHUNK, "shape_gain": SHAPE_GAIN},
             note="a prompt is padded to whole chunks")
        for name, tokens in cases
    ]  # fmt: skip


def rows() -> list[Row]:
    """The ladder and section 3.4, the whole system, other prompts and networks."""
    return [*ladder_rows(), *whole_rows(), *other_rows()]
