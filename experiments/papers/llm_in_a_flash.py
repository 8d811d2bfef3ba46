"""LLM in a flash: bytes and time a token when half of a network stays in flash.

Alizadeh et al., arXiv 2312.11514. Bytes are derived, not read off the table: sparsity and the predictor's two error
rates give the neurons a token asks for; how unevenly neurons fire gives what a window of tokens already holds. Given:
the sparsity, the predictor's false negatives and positives (recalled), the skew of neurons (recalled, of another
paper), the storage of the catalog, the dense compute time (recalled).

The recalled compute times of OPT-6.7B (986, 193 and 22 ms) are its published totals less the published 2196 ms of
reads, so the rows of those totals hold by construction: they are context.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import hwsim
from hwsim.experiments.papers._neuron_cache import SKEW, new_share, resident_share
from hwsim.experiments.reproduction import Row
from hwsim.models.storage.cost import BIG, random_rate
from hwsim.models.storage.family import read_storage
from hwsim.operators import Matmul

TITLE = "LLM in a flash: half of the network in flash (arXiv 2312.11514)"
SOURCE = "arXiv 2312.11514, table 2, as quoted by a third party"
TOTALS = "arXiv 2312.11514, table 3, as quoted by a third party"
SPARSITY = 0.97  # of OPT-6.7B's feed-forward neurons
FALSE_NEGATIVE, FALSE_POSITIVE = 0.05, 0.07  # of the predictor, recalled
WINDOW = 5  # tokens whose neurons stay in memory
DENSE_COMPUTE_S = 0.986  # OPT-6.7B on the M1 Max's CPU in fp32, recalled
STORAGE = "apple-ssd-1tb"
GIVEN = "given: its compute time is this published total less the published time of reads"


class Sizes(NamedTuple):
    """Bytes of a network in 16 bit: all, feed-forward, one neuron's row; and the rows of a neuron."""

    total: float
    feed_forward: float
    row: float
    rows: float


def sizes(network: str) -> Sizes:
    """Sizes of a network of the catalog; of the feed-forward only matrices count."""
    read = hwsim.network(network)
    graph = read.graph(phase="decode", batch=1, prompt=1, context=128, weights="fp16", activations="fp16", kv="fp16",
                       tensor_parallel=1, expert_parallel=1)  # fmt: skip
    feed_forward = sum(
        node.operator.n * node.operator.k * 2.0 * node.count
        for node in graph
        if isinstance(node.operator, Matmul) and node.operator.name in ("up", "gate_up", "down")
    )
    gated = any(node.operator.name == "gate_up" for node in graph)
    return Sizes(read.weight_bytes("fp16", "fp16", 1, 1), feed_forward, 2.0 * read.hidden, 3.0 if gated else 2.0)


def asked_share(sparsity: float) -> float:
    """Share of the neurons that the predictor asks for: found ones and false alarms."""
    return (1.0 - sparsity) * (1.0 - FALSE_NEGATIVE) + sparsity * FALSE_POSITIVE


class Step(NamedTuple):
    """A step of table 2: bytes and seconds of flash reads a token."""

    read_bytes: float
    read_s: float


def steps(network: str = "opt-6.7b", sparsity: float = SPARSITY) -> dict[str, Step]:
    """The ladder of table 2 for a network of the catalog."""
    size, storage = sizes(network), read_storage(STORAGE)
    stream = storage.stream_bytes_per_s
    row_rate = random_rate(storage, size.row, size.feed_forward, BIG, 1.0)
    bundle_rate = random_rate(storage, size.rows * size.row, size.feed_forward, BIG, 1.0)
    asked = size.feed_forward * asked_share(sparsity)
    new = size.feed_forward * new_share(asked_share(sparsity), WINDOW)
    return {
        "naive": Step(size.total, size.total / stream),
        "half in memory": Step(0.5 * size.total, 0.5 * size.total / stream),
        "+ predictor": Step(asked, asked / row_rate),
        "+ window": Step(new, new / row_rate),
        "+ bundles": Step(new, new / bundle_rate),
    }


# Table 2: GB and ms a token.
PUBLISHED = {
    "naive": ("13.4", "2196"), "half in memory": ("6.7", "1090"), "+ predictor": ("0.9", "738"),
    "+ window": ("0.2", "164"), "+ bundles": ("0.2", "87"),
}  # fmt: skip
# Table 3 on the CPU: share of the bytes read, ms a token without sparsity.
DENSE = [
    ("opt-6.7b", "naive", 1.0, "3182"), ("falcon-7b", "naive", 1.0, "3095"),
    ("falcon-7b", "half in memory", 0.5, "1947"),
    ("phi-2", "naive", 1.0, "1287"), ("phi-2", "65 % in memory", 0.35, "711"), ("llama-2-7b", "naive", 1.0, "3095"),
    ("llama-2-7b", "half in memory", 0.5, "1903"),
]  # fmt: skip
# Dense compute of OPT-6.7B (ms, recalled) and the published naive total of table 3 on other processors.
OTHER_PROCESSORS = [("M1 Max GPU (Metal)", 193.0, "2389"), ("RTX 4090", 22.0, "2218")]
# Sparsity and the total of all techniques on the CPU, table 3.
ALL = [("opt-6.7b", SPARSITY, "CPU", "669"), ("opt-6.7b", SPARSITY, "GPU (Metal)", "565"),
       ("falcon-7b", 0.95, "CPU", "706"), ("llama-2-7b", 0.90, "CPU", "994")]  # fmt: skip
ALL_MEMORY_MS = {"CPU": 58.0, "GPU (Metal)": 35.0}  # of OPT-6.7B with all techniques, recalled
DENSE_MS = {"CPU": 1e3 * DENSE_COMPUTE_S, "GPU (Metal)": 193.0}  # of OPT-6.7B, recalled


def multiplied_share(network: str, sparsity: float) -> float:
    """Share of a network's weights that a token multiplies: all but the feed-forward neurons that are not in memory.

    The neurons of the window lie together in memory, and the product takes them all, asked for or not.
    """
    size = sizes(network)
    return 1.0 - size.feed_forward / size.total * (1.0 - resident_share(asked_share(sparsity), WINDOW))


def all_techniques_ms(network: str, sparsity: float, processor: str) -> float:
    """Milliseconds a token: reads, memory management as OPT's in proportion to new bytes, products."""
    step, opt = steps(network, sparsity)["+ bundles"], steps()["+ bundles"]
    compute_ms = DENSE_MS[processor] * sizes(network).total / sizes("opt-6.7b").total
    managing_ms = ALL_MEMORY_MS[processor] * step.read_bytes / opt.read_bytes
    return step.read_s * 1e3 + managing_ms + compute_ms * multiplied_share(network, sparsity)


def other_rows() -> list[Row]:
    """Table 3 beyond the CPU's dense rows: other processors, and all techniques on other networks."""
    found = []
    for processor, compute_ms, published in OTHER_PROCESSORS:
        found.append(
            Row(
                system="llm-in-a-flash", case="opt-6.7b, naive", metric=f"time a token, {processor}", unit="ms",
                given={"compute_ms": compute_ms}, predicted=steps()["naive"].read_s * 1e3 + compute_ms,
                published=published, source=TOTALS, judged=False, note=GIVEN,
            )
        )  # fmt: skip
    for network, sparsity, processor, published in ALL:
        found.append(
            Row(
                system="llm-in-a-flash", case=f"{network}, all techniques", metric=f"time a token, M1 Max {processor}",
                unit="ms", predicted=all_techniques_ms(network, sparsity, processor), published=published,
                given={"sparsity": sparsity, "memory_ms_of_opt": ALL_MEMORY_MS[processor],
                       "dense_compute_ms_of_opt": DENSE_MS[processor]},
                source=TOTALS, note="memory management and dense compute of OPT are recalled parts",
            )
        )  # fmt: skip
    return found


def rows() -> list[Row]:
    """Table 2 step by step, then the dense rows of table 3."""
    given: dict[str, Any] = {
        "sparsity": SPARSITY, "window": WINDOW, "storage": STORAGE, "false_negative": FALSE_NEGATIVE,
        "false_positive": FALSE_POSITIVE, "skew": SKEW,
    }  # fmt: skip
    found = []
    for case, step in steps().items():
        gigabytes, milliseconds = PUBLISHED[case]
        for metric, unit, predicted, published in (
            ("flash reads a token", "GB", step.read_bytes / 1e9, gigabytes),
            ("read time a token", "ms", step.read_s * 1e3, milliseconds),
        ):
            found.append(
                Row(
                    system="llm-in-a-flash", case=f"opt-6.7b, {case}", metric=metric, unit=unit, given=given,
                    predicted=predicted, published=published, source=SOURCE,
                )
            )  # fmt: skip
    opt, stream = sizes("opt-6.7b").total, read_storage(STORAGE).stream_bytes_per_s
    for network, case, share, published in DENSE:
        total = sizes(network).total
        predicted = share * total / stream + DENSE_COMPUTE_S * total / opt
        found.append(
            Row(
                system="llm-in-a-flash", case=f"{network}, {case}", metric="time a token, M1 Max CPU", unit="ms",
                given={"dense_compute_s_of_opt": DENSE_COMPUTE_S, "storage": STORAGE}, predicted=predicted * 1e3,
                published=published, source=TOTALS, judged=network != "opt-6.7b",
                note=GIVEN if network == "opt-6.7b" else "compute in proportion to the weights",
            )
        )  # fmt: skip
    return [*found, *other_rows()]
