"""PowerInfer-2: sparse networks on a phone, in memory and half offloaded to UFS.

Xue et al., arXiv 2406.06282. Given: the phone and UFS of the catalog (their rates are the paper's measurements), about
3 billion active weights a token, sizes of a neuron bundle, how unevenly neurons fire (from another paper), predictor
bytes of the 47B network, power. Predicted: every speed, from who computes what, the hits of a cache, the flash commands
of a token, and what overlaps.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import hwsim
from hwsim.experiments.reproduction import Row
from hwsim.models.soc.record import Soc
from hwsim.models.storage.cost import BIG, command_rate, core_share, random_rate, sequential_rate
from hwsim.models.storage.family import read_storage
from hwsim.models.storage.record import Storage
from hwsim.operators import Matmul, MixtureOfExperts

TITLE = "PowerInfer-2: sparse networks on a phone (arXiv 2406.06282)"
SOURCE = "arXiv 2406.06282"
BARS = "arXiv 2406.06282, read from bars"
PHONE, STORAGE = "snapdragon-8gen3", "ufs-4.0"
ACTIVE_WEIGHTS = 3.0e9  # a token, attention and head included
SCALED_BYTES = 0.625  # a weight: 2 KB of INT4 and 0.5 KB of scales for 4096
LLAMA_CPP_BYTES = 0.5625  # a weight of a 4-bit block format
BUNDLE_BYTES = 8192.0  # a neuron's three rows, aligned
COMMANDS = 1.8  # a bundle is read as two blocks of 4 KB, the second where its gate is active: 80 %
MISS_P99 = 0.189
PREDICTOR_BYTES = 2.6e9 / 45e9  # a feed-forward weight, of the 47B network
CORES = 6.0  # one big and five middle cores
# The big core, which issues commands fastest, issues the reads: vector pipes times GHz of the middle five over all six.
LEFT_FOR_COMPUTE = 5 * 2 * 3.1 / (5 * 2 * 3.1 + 1 * 4 * 3.3)
SEQUENTIAL_OVER_RANDOM = 3.0  # rate of whole layers over small random reads
CLUSTERS = 8.0  # of a layer, through which reads and compute pass in turn (assumption)
SKEW = 0.30  # Beta's a for which 26 % of the neurons fire 80 % of the time (PowerInfer, arXiv 2312.12456, recalled)
STEPS = 4000  # of the sum over firing rates
MIXTRAL_FIXED = 1.0e9 + 2.6e9 + 2.7e9 + 0.3e9  # bytes of what is not feed-forward neurons
MIXTRAL_FEED_FORWARD = 0.4e9 / 0.018  # bytes without scales: 0.4 GB are 1.8 %
# Peaks. The two last as printed would put llama.cpp's mean (0.672 J x 8.9 token/s) above its peak by half; exchanged,
# every mean lies within a fifth of its peak.
POWER_W = {"powerinfer-2": 5.095, "qnn": 4.065, "llama.cpp": 5.133}


class Weights(NamedTuple):
    """Weights of a network: feed-forward (all experts), the rest that a token reads, and a neuron's row length."""

    feed_forward: float
    rest: float
    hidden: float
    layers: float
    routed: float = 1.0  # share of the experts that a token takes

    @property
    def neurons(self) -> float:
        """Neurons of all layers: each has three rows."""
        return self.feed_forward / (3.0 * self.hidden)


def weights_of(network: str) -> Weights:
    """Weights of a network of the catalog."""
    read = hwsim.network(network)
    graph = read.graph(phase="decode", batch=1, prompt=1, context=128, weights="int8", activations="int8", kv="fp16",
                       tensor_parallel=1, expert_parallel=1)  # fmt: skip
    forward, rest, routed = 0.0, 0.0, 1.0
    for node in graph:
        operator = node.operator
        if isinstance(operator, MixtureOfExperts) or operator.name in ("gate_up", "up", "down"):
            forward += operator.parameters * node.count
            if isinstance(operator, MixtureOfExperts):
                routed = operator.top_k / operator.experts
        elif isinstance(operator, Matmul):
            rest += operator.parameters * node.count
    return Weights(forward, rest, read.hidden, read.layers, routed)


def phone() -> Soc:
    """The phone's record."""
    record: Soc = hwsim.device(PHONE).record
    return record


class Parts(NamedTuple):
    """Seconds a token: predictors, attention and head, active feed-forward neurons."""

    predictors: float
    attention: float
    feed_forward: float

    @property
    def total(self) -> float:
        """All, one after the other."""
        return self.predictors + self.attention + self.feed_forward


def compute(weights: Weights, npu: bool) -> Parts:
    """Compute of a token with everything in memory; the NPU, where used, takes attention and head.

    The CPU does two operations a weight at its rate, or reads the weights, whichever is longer.
    """
    soc = phone()

    def cpu_s(count: float, bytes_each: float) -> float:
        return max(2.0 * count / soc.cpu_rate_int4, count * bytes_each / soc.cpu_bandwidth_bytes_per_s)

    active = ACTIVE_WEIGHTS - weights.rest
    on_npu = weights.rest * LLAMA_CPP_BYTES / soc.npu_bandwidth_bytes_per_s
    return Parts(
        predictors=weights.feed_forward * weights.routed * PREDICTOR_BYTES / soc.cpu_bandwidth_bytes_per_s,
        attention=on_npu if npu else cpu_s(weights.rest, LLAMA_CPP_BYTES),
        feed_forward=cpu_s(active, SCALED_BYTES),
    )


def reads_s(storage: Storage, commands: float, weights: Weights, contending: float = 1.0) -> float:
    """Seconds of small random reads: those of a layer lie within that layer's neurons."""
    span = weights.neurons / weights.layers * BUNDLE_BYTES
    return commands / (command_rate(storage, span) * core_share(storage, BIG, contending))


def active_neurons(weights: Weights) -> float:
    """Neurons that a token needs."""
    return (ACTIVE_WEIGHTS - weights.rest) / (3.0 * weights.hidden)


def offloaded_s(weights: Weights) -> dict[str, float]:
    """Seconds a token of the ablation, half of the feed-forward weights in flash.

    Faults come from all cores at once and contend for the one queue. Without a cache every active neuron is read, in
    bulk. With one, but without the pipeline, a missed neuron is read when its turn comes: one command at a time.
    """
    storage, cpu, both = read_storage(STORAGE), compute(weights, npu=False), compute(weights, npu=True)
    dense = 0.5 * weights.feed_forward * LLAMA_CPP_BYTES / storage.small_bytes
    needed = active_neurons(weights)
    lost = needed * missed_share(weights, 0.5) * COMMANDS
    missed = reads_s(storage, lost, weights)
    return {
        "base: pages as they fault": reads_s(storage, dense, weights, CORES) + dense_s(weights, "llama.cpp"),
        "+ bundles": reads_s(storage, needed * COMMANDS, weights) + cpu.total,
        "+ cache": alone_s(storage, lost) + cpu.total,
        "+ pipeline": overlapped(missed, cpu),
        "+ NPU beside CPU": overlapped(missed, both),
    }


def alone_s(storage: Storage, commands: float) -> float:
    """Seconds of small reads issued one after the other, each when the one before has come."""
    return commands * storage.small_bytes / sequential_rate(storage, storage.small_bytes)


def overlapped(reading: float, parts: Parts) -> float:
    """Reads beside the feed-forward part in a pipeline of clusters: the longer, and one cluster's fill.

    What to read is known after attention and predictor, so these come first; the big core is kept for reads.
    """
    busy = parts.feed_forward / LEFT_FOR_COMPUTE
    before = parts.attention + parts.predictors / LEFT_FOR_COMPUTE
    return before + max(reading, busy) + min(reading, busy) / CLUSTERS


def dense_s(weights: Weights, system: str) -> float:
    """Seconds a token of a dense network in memory: llama.cpp on the CPU, QNN on the NPU.

    QNN has one kernel for prefill and decode: the matrix unit takes one row for the time of the curve's full rows.
    """
    soc, count = phone(), weights.feed_forward + weights.rest
    if system == "qnn":
        padded = 2.0 * soc.npu_full_rows * count / soc.npu_rate_int4
        return max(padded, count * 0.5 / soc.npu_bandwidth_bytes_per_s)
    return max(2.0 * count / soc.cpu_rate_int4, count * LLAMA_CPP_BYTES / soc.cpu_bandwidth_bytes_per_s)


@cache
def cached_hit(share: float, mean: float) -> float:
    """Hit rate of a cache of the most frequent neurons that holds a share of them.

    Neurons fire at rates that are Beta(SKEW, b) with the given mean, as in LLM in a flash: the share of firings that
    the highest rates make. Summed over rates x = t^(1 / SKEW), t equally spaced, from the highest down.
    """
    other = SKEW * (1.0 - mean) / mean
    neurons = firings = held = caught = 0.0
    for step in range(STEPS, 0, -1):
        rate = ((step - 0.5) / STEPS) ** (1.0 / SKEW)
        density = (1.0 - rate) ** (other - 1.0)
        neurons, firings = neurons + density, firings + density * rate
    for step in range(STEPS, 0, -1):
        rate = ((step - 0.5) / STEPS) ** (1.0 / SKEW)
        density = (1.0 - rate) ** (other - 1.0)
        if held + density > share * neurons:
            density = share * neurons - held
            return float((caught + density * rate) / firings)
        held, caught = held + density, caught + density * rate
    return 1.0


def missed_share(weights: Weights, share: float) -> float:
    """Share of the active neurons that a cache of a share of all neurons does not hold."""
    return 1.0 - cached_hit(share, active_neurons(weights) / weights.neurons)


def mixtral_s(memory_bytes: float) -> float:
    """Seconds a token of the 47B network in so much memory."""
    weights, storage = weights_of("turbosparse-mixtral-47b"), read_storage(STORAGE)
    share = max(0.0, memory_bytes - MIXTRAL_FIXED) / MIXTRAL_FEED_FORWARD
    missed = active_neurons(weights) * missed_share(weights, share) * COMMANDS
    return overlapped(reads_s(storage, missed, weights), compute(weights, npu=True))


def prefill_s(tokens: int, weights: Weights, offloaded: bool) -> float:
    """Seconds of a prefill on the NPU while the next layers stream in.

    The neurons in memory lie scattered over a layer, so a layer is read whole, in order, three times as fast as rows.
    """
    storage, soc = read_storage(STORAGE), phone()
    busy = 2.0 * tokens * (weights.feed_forward + weights.rest) / soc.npu_rate_int4
    layer = weights.feed_forward * SCALED_BYTES / weights.layers
    rate = SEQUENTIAL_OVER_RANDOM * random_rate(storage, storage.small_bytes, storage.small_range_bytes, BIG, 1.0)
    return max(busy, weights.layers * layer / rate) + layer / rate if offloaded else busy


ABLATION = ("0.40", "1.09", "4.18", "9.60", "11.07")


def rows() -> list[Row]:
    """Ablation, speeds in memory, prefill, memory sweep, energy, tail latency."""
    bamboo, storage = weights_of("bamboo-7b"), read_storage(STORAGE)
    given: dict[str, Any] = {"phone": PHONE, "storage": STORAGE, "active_weights": ACTIVE_WEIGHTS}

    def row(case: str, metric: str, unit: str, predicted: float, published: str, **more: Any) -> Row:
        base = {"given": given, "source": SOURCE, "judged": True, **more}
        return Row(
            system="powerinfer-2", case=case, metric=metric, unit=unit, predicted=predicted, published=published, **base
        )

    rate, half = "decode rate", {**given, "skew": SKEW, "clusters": CLUSTERS}
    found = [
        row(
            "bamboo-7b, half offloaded", "cache hits", "%", 100.0 * (1.0 - missed_share(bamboo, 0.5)), "95", given=half
        ),
    ]
    found += [
        row(f"bamboo-7b, half offloaded, {case}", rate, "token/s", 1.0 / seconds, published, given=half)
        for (case, seconds), published in zip(offloaded_s(bamboo).items(), ABLATION, strict=True)
    ]
    in_memory = {
        "powerinfer-2": (compute(bamboo, npu=True).total, "20", "0.257"),
        "llama.cpp": (dense_s(bamboo, "llama.cpp"), "8.9", "0.672"),
        "qnn": (dense_s(bamboo, "qnn"), "10.8", "0.373"),
    }
    for system, (seconds, speed, joules) in in_memory.items():
        note = "about 20 token/s, and the published ratios to it"
        found.append(row(f"bamboo-7b in memory, {system}", rate, "token/s", 1.0 / seconds, speed, note=note))
        power = {**given, "power_w": POWER_W[system]}
        energy = POWER_W[system] * seconds
        exchanged = system != "powerinfer-2"
        note = "context: the printed peaks of the two others are read as exchanged" if exchanged else ""
        found.append(
            row(f"bamboo-7b in memory, {system}", "energy a token", "J", energy, joules, given=power,
                judged=not exchanged, note=note)
        )  # fmt: skip
    for case, offloaded, published in (("in memory", False, "721"), ("half offloaded", True, "404.6")):
        found.append(
            row(f"bamboo-7b {case}, 512 tokens", "prefill rate", "token/s", 512 / prefill_s(512, bamboo, offloaded),
                published)
        )  # fmt: skip
    for memory, published in ((7e9, "2.13"), (19e9, "11.68")):
        found.append(
            row(f"turbosparse-mixtral-47b, {memory / 1e9:.0f} GB", rate, "token/s", 1.0 / mixtral_s(memory), published,
                given={**given, "memory": memory, "skew": SKEW})
        )  # fmt: skip
    for memory in (10e9, 13e9, 16e9):
        found.append(
            row(f"turbosparse-mixtral-47b, {memory / 1e9:.0f} GB", rate, "token/s", 1.0 / mixtral_s(memory), "",
                given={**given, "memory": memory, "skew": SKEW}, judged=False, source="prediction",
                note="published as linear between 7 and 19 GB")
        )  # fmt: skip
    saved = 0.5 * bamboo.feed_forward * 0.5
    found.append(row("bamboo-7b, half offloaded", "memory saved", "GB", saved / 1e9, "1.5"))
    share = 100 * saved / (0.5 * (bamboo.feed_forward + bamboo.rest))
    found.append(row("bamboo-7b, half offloaded", "memory saved", "%", share, "40"))
    for network, published in (("turbosparse-mixtral-47b", "99.76"), ("bamboo-7b", "90.32")):
        weights = weights_of(network)
        reading = reads_s(storage, active_neurons(weights) * missed_share(weights, 0.5) * COMMANDS, weights)
        seconds = overlapped(reading, compute(weights, npu=True))
        found.append(
            row(f"{network}, half offloaded", "mean token latency", "ms", seconds * 1e3, published,
                given=half)
        )  # fmt: skip
    missed = active_neurons(bamboo) * MISS_P99 * COMMANDS
    tail = overlapped(reads_s(storage, missed, bamboo), compute(bamboo, npu=True))
    found.append(
        row("bamboo-7b, half offloaded, 99th percentile", "token latency", "ms", tail * 1e3, "162.02",
            given={**half, "miss": MISS_P99})
    )  # fmt: skip
    for network, published in (("llama-13b", "0.2"), ("qwen2-7b", "0.4")):
        weights = weights_of(network)
        commands = 0.5 * weights.feed_forward * LLAMA_CPP_BYTES / storage.small_bytes
        seconds = reads_s(storage, commands, weights, CORES) + dense_s(weights, "llama.cpp")
        found.append(
            row(f"{network}, half offloaded, llama.cpp", rate, "token/s", 1.0 / seconds, published, source=BARS,
                judged=False, note="label of a bar, assigned with care")
        )  # fmt: skip
    return found
