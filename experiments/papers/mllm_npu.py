"""mllm-NPU: prefill of Qwen1.5-1.8B on a phone's NPU, the ablation from the CPU to out-of-order blocks.

Xu et al., ASPLOS 2025, arXiv 2407.05858. Given: the phone of the catalog, whose NPU curve, time of a call and CPU rate
are the paper's six products (table 3); its times to build, optimise and free this network's graph (figure 2); the
factor by which group-wise scales slow a prefill (section 2.3, up to 10.7); the gain of a linear's equivalent shape
(section 4, 1.62). Predicted, from one schedule of an ordinary run's operators (`_chunk_graphs`): everything else.

No one time a chunk meets all published figures: 512 tokens at 569 token/s leave the NPU 0.45 s a chunk, section 3.4
has 0.315 s at 256 tokens, 1024 tokens at more than 1000 token/s less than 0.256 s. The products of table 3 as they are
give 0.37 s, in the equivalent shape 0.23 s. The paper does not say which figures were measured with that optimisation,
so every figure that depends on it is judged twice, in the plain shape and in the equivalent one: none is chosen by how
well it fits.
"""

from __future__ import annotations

from collections.abc import Callable
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
GROUPED_FACTOR = 10.7  # a prefill with group-wise scales on the NPU over one with a scale a tensor; also 395 over 37
DECODE_S = 0.24  # of the few tokens of LongBench-2wiki's answer, by the CPU in mllm-NPU and taken for llama.cpp too
WIKI_TOKENS = 1490
RATE = "prefill rate"
SHAPES = {"plain shape": False, "equivalent shape": True}


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


def grouped_s(tokens: int, chunk: int, folded: bool) -> float:
    """Seconds in order with group-wise scales on the NPU, which need no outliers."""
    return GROUPED_FACTOR * schedule(tokens, in_order=True, chunk=chunk, kept=0.0, folded=folded).latency_s


def _row(case: str, metric: str, unit: str, predicted: float, published: str, **more: Any) -> Row:
    base = {"given": {"network": NETWORK, "phone": PHONE, "chunk": CHUNK}, "source": THIRD_PARTY, "judged": True}
    return Row(
        system="mllm-npu", case=case, metric=metric, unit=unit, predicted=predicted, published=published,
        **{**base, **more},
    )  # fmt: skip


def _both(case: str, metric: str, unit: str, value: Callable[[bool], float], published: str, **more: Any) -> list[Row]:
    """The figure with linears in the plain shape and in the equivalent one; the paper does not say which it is of."""
    base = {"network": NETWORK, "phone": PHONE, "chunk": CHUNK, **more.pop("given", {})}
    return [
        _row(f"{case}, {shape}", metric, unit, value(folded), published,
             given={**base, **({"shape_gain": SHAPE_GAIN} if folded else {})}, **more)
        for shape, folded in SHAPES.items()
    ]  # fmt: skip


def ladder_rows() -> list[Row]:
    """The ablation at 512 tokens: speeds and idle shares of the NPU."""
    group = {"grouped_factor": GROUPED_FACTOR}

    def as_it_is(folded: bool) -> float:
        return 512 / (grouped_s(512, 512, folded) + PREPARATION_S)

    def idle(folded: bool, in_order: bool) -> float:
        return 100 * schedule(512, in_order=in_order, folded=folded).idle_share("npu")

    return [
        _row("512 tokens, CPU", RATE, "token/s", 512 / cpu_schedule(512).latency_s, "65"),
        *_both("512 tokens, NPU as it is", RATE, "token/s", as_it_is, "25",
               given={**group, "chunk": 512, "preparation_s": PREPARATION_S}),
        *_both("512 tokens, + chunk graphs", RATE, "token/s", lambda f: 512 / grouped_s(512, CHUNK, f), "37",
               given=group, judged=False,
               note="given: 10.7 is the ratio of this figure and the next, so that the row repeats the next one"),
        *_both("512 tokens, + shadow outliers", RATE, "token/s",
               lambda f: 512 / schedule(512, in_order=True, folded=f).latency_s, "395"),
        *_both("512 tokens, + out-of-order blocks", RATE, "token/s",
               lambda f: 512 / schedule(512, folded=f).latency_s, "569", note="the page names no phone"),
        *_both("512 tokens, in order", "NPU idle", "%", lambda f: idle(f, True), "37"),
        *_both("512 tokens, out of order", "NPU idle", "%", lambda f: idle(f, False), "0.7",
               note="a norm waits while the CPU is at another chunk's attention, and the last attention has no cover"),
    ]  # fmt: skip


def section_3_rows() -> list[Row]:
    """A chunk by itself, outliers and sub-graphs."""

    def busy(folded: bool, unit: str) -> float:
        return schedule(256, in_order=True, folded=folded).busy_s[unit]

    def for_outliers(folded: bool) -> float:
        unpruned, without = (schedule(256, in_order=True, kept=kept, folded=folded).latency_s for kept in (1.0, 0.0))
        return 100 * (1 - without / unpruned)

    return [
        *_both("256 tokens", "NPU busy", "ms", lambda f: 1e3 * busy(f, "npu"), "315", source=f"{SOURCE}, section 3.4"),
        *_both("256 tokens", "NPU busy over CPU busy", "x", lambda f: busy(f, "npu") / busy(f, "cpu"), "2",
               source=f"{SOURCE}, section 3.4", note="'about twice'; the CPU's fp32 rate is an assumption"),
        *_both("256 tokens, no outliers pruned", "latency for outliers", "%", for_outliers, "29.7",
               source=f"{SOURCE}, section 3.3", note="of which prompt and schedule it does not say"),
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

    def long_s(folded: bool) -> float:
        return schedule(1024, folded=folded).latency_s

    def energy_ratio(folded: bool) -> float:
        metered = schedule(1024, folded=folded, device=METERED)
        return cpu_schedule(1024, device=METERED).energy_j / metered.energy_j

    return [
        *_both("1024 tokens", RATE, "token/s", lambda f: 1024 / long_s(f), ">1000", source=f"{SOURCE}, abstract",
               note="569 at 512 tokens (0.45 s a chunk) and this (0.256 s) exclude one time a chunk"),
        *_both("LongBench-2wiki, 1490 tokens", "prefill", "s",
               lambda f: schedule(WIKI_TOKENS, folded=f).latency_s, "1.49"),
        _row("LongBench-2wiki, 1490 tokens, llama.cpp on CPU", "prefill and decode", "s",
             cpu_schedule(WIKI_TOKENS).latency_s + DECODE_S, "26.7",
             given={"network": NETWORK, "phone": PHONE, "decode_s": DECODE_S}),
        *_both("1024 tokens", "speed over llama.cpp on CPU", "x",
               lambda f: cpu_schedule(1024).latency_s / long_s(f), "18.2-38.4",
               note="range over five networks and two phones"),
        *_both("1024 tokens", "energy of llama.cpp on CPU over it", "x", energy_ratio, "35.6-59.5",
               given={"phone": METERED},
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
    """The ladder and section 3, the whole system, other prompts and networks."""
    return [*ladder_rows(), *section_3_rows(), *whole_rows(), *other_rows()]
