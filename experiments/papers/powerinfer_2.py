"""PowerInfer-2: sparse networks on a phone, in memory and half offloaded to UFS.

Xue et al., arXiv 2406.06282. Given: the phone and UFS of the catalog (their rates are the paper's measurements), about
3 billion active weights a token, sizes of a neuron bundle, how unevenly neurons fire (from another paper), predictor
bytes of the 47B network, power. Predicted: every speed, from who computes what, the hits of a cache, the flash commands
of a token, and what overlaps.
"""

from __future__ import annotations

from statistics import fmean
from typing import Any, NamedTuple

import hwsim
from hwsim.experiments.papers._neuron_cache import SKEW, missed, missed_of_recent, over_tokens
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
UNSCALED_BYTES = 0.5  # of the 47B network in flash: its scales stay in memory (2.7 GB of the 7)
LLAMA_CPP_BYTES = 0.5625  # a weight of a 4-bit block format
BUNDLE_BYTES = 8192.0  # a neuron's three rows, aligned
COMMANDS = 1.8  # a bundle is read as two blocks of 4 KB, the second where its gate is active: 80 %
PREDICTOR_BYTES = 2.6e9 / 45e9  # a feed-forward weight, of the 47B network
CORES = 6.0  # one big and five middle cores
# The big core, which issues commands fastest, issues the reads: vector pipes times GHz of the middle five over all six.
LEFT_FOR_COMPUTE = 5 * 2 * 3.1 / (5 * 2 * 3.1 + 1 * 4 * 3.3)
SEQUENTIAL_OVER_RANDOM = 3.0  # rate of whole layers over small random reads
CLUSTERS = 8.0  # of a layer, through which reads and compute pass in turn (assumption)
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
    flash_bytes: float = SCALED_BYTES  # a feed-forward weight in flash

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
    stored = UNSCALED_BYTES if network == "turbosparse-mixtral-47b" else SCALED_BYTES
    return Weights(forward, rest, read.hidden, read.layers, routed, stored)


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


def compute(weights: Weights, npu: bool, offloaded: bool = True) -> Parts:
    """Compute of a token; the NPU, where used, takes attention and head.

    The CPU does two operations a weight at its rate, or reads the weights, whichever is longer. Where the big core is
    kept for reads, the middle ones take as much longer as they are slower.
    """
    soc, left = phone(), LEFT_FOR_COMPUTE if offloaded else 1.0

    def cpu_s(count: float, bytes_each: float) -> float:
        return max(2.0 * count / soc.cpu_rate_int4, count * bytes_each / soc.cpu_bandwidth_bytes_per_s) / left

    on_npu = weights.rest * LLAMA_CPP_BYTES / soc.npu_bandwidth_bytes_per_s
    predictors = weights.feed_forward * weights.routed * PREDICTOR_BYTES
    return Parts(
        predictors=predictors / soc.cpu_bandwidth_bytes_per_s / left,
        attention=on_npu if npu else cpu_s(weights.rest, LLAMA_CPP_BYTES),
        feed_forward=cpu_s(ACTIVE_WEIGHTS - weights.rest, SCALED_BYTES),
    )


def active_neurons(weights: Weights) -> float:
    """Neurons that a token needs."""
    return (ACTIVE_WEIGHTS - weights.rest) / (3.0 * weights.hidden)


def active_share(weights: Weights) -> float:
    """Mean share of the tokens given to an expert (or the network) for which one of its neurons fires."""
    return active_neurons(weights) / (weights.neurons * weights.routed)


def reads_s(storage: Storage, commands: float, weights: Weights, contending: float = 1.0) -> float:
    """Seconds of small random reads: those of a layer lie within the neurons of the experts that the token takes."""
    span = weights.neurons * weights.routed / weights.layers * BUNDLE_BYTES
    return commands / (command_rate(storage, span) * core_share(storage, BIG, contending))


def alone_s(storage: Storage, commands: float) -> float:
    """Seconds of small random reads issued one after the other, each when the one before has come."""
    return commands * storage.small_bytes / (sequential_rate(storage, storage.small_bytes) * storage.random_share)


def dense_s(weights: Weights, system: str) -> float:
    """Seconds a token of a dense network in memory: llama.cpp on the CPU, QNN on the NPU.

    QNN has one kernel for prefill and decode: the matrix unit takes one row for the time of the curve's full rows.
    """
    soc, count = phone(), weights.feed_forward * weights.routed + weights.rest
    if system == "qnn":
        padded = 2.0 * soc.npu_full_rows * count / soc.npu_rate_int4
        return max(padded, count * 0.5 / soc.npu_bandwidth_bytes_per_s)
    return max(2.0 * count / soc.cpu_rate_int4, count * LLAMA_CPP_BYTES / soc.cpu_bandwidth_bytes_per_s)


def faulting_s(weights: Weights) -> float:
    """Seconds a token of llama.cpp with half of the feed-forward weights in flash.

    Pages fault on all cores at once, which contend for the one queue, and every weight is needed.
    """
    storage = read_storage(STORAGE)
    commands = 0.5 * weights.feed_forward * weights.routed * LLAMA_CPP_BYTES / storage.small_bytes
    return reads_s(storage, commands, weights, CORES) + dense_s(weights, "llama.cpp")


class Misses(NamedTuple):
    """A token's reads: active neurons one by one, as a share of the active and in commands if all were, and in bulk."""

    share: float
    all_commands: float
    bulk_s: float


def misses(weights: Weights, held: float) -> Misses:
    """Reads of a token when a share ``held`` of all neurons, the most frequent, is in memory.

    Hot neurons lie together in flash. A neuron that fires so often that its share of a long read takes less time than
    its commands when it fires is read in bulk with its like, for each expert that the token takes.
    """
    storage = read_storage(STORAGE)
    asked = weights.neurons * weights.routed
    neuron = 3.0 * weights.hidden * weights.flash_bytes
    bulk_s = neuron / random_rate(storage, asked / weights.layers * neuron, storage.capacity_bytes, BIG, 1.0)
    reads = missed(held, active_share(weights), bulk_above=min(1.0, bulk_s / reads_s(storage, COMMANDS, weights)))
    return Misses(reads.single, active_neurons(weights) * COMMANDS, asked * reads.bulk * bulk_s)


def pipelined_s(weights: Weights, held: float, npu: bool = True) -> list[float]:
    """Seconds of equally likely tokens, ascending, with reads and compute in a pipeline."""
    storage, parts, found = read_storage(STORAGE), compute(weights, npu), misses(weights, held)
    every = reads_s(storage, found.all_commands, weights)
    return [overlapped(share * every + found.bulk_s, parts) for share in over_tokens(found.share)]


def overlapped(reading: float, parts: Parts) -> float:
    """Reads beside the feed-forward part in a pipeline of clusters: the longer, and one cluster's fill.

    What to read is known after attention and predictor, so these come first.
    """
    longer, shorter = max(reading, parts.feed_forward), min(reading, parts.feed_forward)
    return parts.predictors + parts.attention + longer + shorter / CLUSTERS


def offloaded_s(weights: Weights) -> dict[str, float]:
    """Mean seconds a token of the ablation, half of the feed-forward weights in flash.

    Without a cache every active neuron is read, many at once. With one, but without the pipeline, a missed neuron is
    read when its turn comes: one command at a time.
    """
    storage, cpu, found = read_storage(STORAGE), compute(weights, npu=False), misses(weights, 0.5)
    return {
        "base: pages as they fault": faulting_s(weights),
        "+ bundles": reads_s(storage, found.all_commands, weights) + cpu.total,
        "+ cache": alone_s(storage, found.share * found.all_commands) + found.bulk_s + cpu.total,
        "+ pipeline": fmean(pipelined_s(weights, 0.5, npu=False)),
        "+ NPU beside CPU": fmean(pipelined_s(weights, 0.5)),
    }


def flash_window_s(weights: Weights, held: float) -> tuple[float, float]:
    """Seconds a token of reads and of compute of LLM in a flash: the last tokens' neurons in memory, no pipeline."""
    lost = active_neurons(weights) * missed_of_recent(held, active_share(weights), weights.routed)
    return alone_s(read_storage(STORAGE), lost * COMMANDS), compute(weights, npu=False).total


def mixtral_s(memory_bytes: float) -> float:
    """Mean seconds a token of the 47B network in so much memory: what is left for neurons is their cache."""
    held = max(0.0, memory_bytes - MIXTRAL_FIXED) / MIXTRAL_FEED_FORWARD
    return fmean(pipelined_s(weights_of("turbosparse-mixtral-47b"), min(1.0, held)))


def prefill_s(tokens: int, weights: Weights, offloaded: bool) -> float:
    """Seconds of a prefill on the NPU while the next layers stream in.

    The neurons in memory lie scattered over a layer, so a layer is read whole, in order, three times as fast as rows.
    """
    storage, soc = read_storage(STORAGE), phone()
    busy = 2.0 * tokens * (weights.feed_forward * weights.routed + weights.rest) / soc.npu_rate_int4
    layer = weights.feed_forward * weights.flash_bytes / weights.layers
    rate = SEQUENTIAL_OVER_RANDOM * random_rate(storage, storage.small_bytes, storage.small_range_bytes, BIG, 1.0)
    return max(busy, weights.layers * layer / rate) + layer / rate if offloaded else busy


ABLATION = ("0.40", "1.09", "4.18", "9.60", "11.07")
GIVEN: dict[str, Any] = {"phone": PHONE, "storage": STORAGE, "active_weights": ACTIVE_WEIGHTS}
HALF: dict[str, Any] = {**GIVEN, "skew": SKEW, "clusters": CLUSTERS}
RATE, LATENCY = "decode rate", "token latency"


def row(case: str, metric: str, unit: str, predicted: float, published: str, **more: Any) -> Row:
    """A row of this system, judged unless it says otherwise."""
    fields: dict[str, Any] = {"given": GIVEN, "source": SOURCE, "judged": True, **more}
    return Row(
        system="powerinfer-2", case=case, metric=metric, unit=unit, predicted=predicted, published=published, **fields
    )


def ablation_rows(bamboo: Weights) -> list[Row]:
    """Bamboo-7B, half offloaded: hits of the cache, step by step, memory saved."""
    found = [row("bamboo-7b, half offloaded", "cache hits", "%", 100.0 - 100.0 * misses(bamboo, 0.5).share, "95",
                 given=HALF)]  # fmt: skip
    for (case, seconds), published in zip(offloaded_s(bamboo).items(), ABLATION, strict=True):
        found.append(row(f"bamboo-7b, half offloaded, {case}", RATE, "token/s", 1.0 / seconds, published, given=HALF))
    saved = 0.5 * bamboo.feed_forward * 0.5
    share = 100.0 * saved / (0.5 * (bamboo.feed_forward + bamboo.rest))
    found.append(row("bamboo-7b, half offloaded", "memory saved", "GB", saved / 1e9, "1.5"))
    found.append(row("bamboo-7b, half offloaded", "memory saved, share", "%", share, "40"))
    return found


def in_memory_rows(bamboo: Weights) -> list[Row]:
    """Bamboo-7B in memory: speed and energy of three systems."""
    found = []
    for system, seconds, speed, joules in (
        ("powerinfer-2", compute(bamboo, npu=True, offloaded=False).total, "20", "0.257"),
        ("llama.cpp", dense_s(bamboo, "llama.cpp"), "8.9", "0.672"),
        ("qnn", dense_s(bamboo, "qnn"), "10.8", "0.373"),
    ):
        case, power = f"bamboo-7b in memory, {system}", POWER_W[system]
        note = "about 20 token/s, and the published ratios to it"
        found.append(row(case, RATE, "token/s", 1.0 / seconds, speed, note=note))
        exchanged = system != "powerinfer-2"
        note = "context: the printed peaks of the two others are read as exchanged" if exchanged else ""
        found.append(
            row(case, "energy a token", "J", power * seconds, joules, given={**GIVEN, "power_w": power},
                judged=not exchanged, note=note)
        )  # fmt: skip
    return found


def prefill_rows(bamboo: Weights, mixtral: Weights) -> list[Row]:
    """Prompts of 512 tokens."""
    return [
        row(f"{case}, 512 tokens", "prefill rate", "token/s", 512 / prefill_s(512, weights, offloaded), published)
        for case, weights, offloaded, published in (
            ("bamboo-7b in memory", bamboo, False, "721"),
            ("bamboo-7b half offloaded", bamboo, True, "404.6"),
            ("turbosparse-mixtral-47b half offloaded", mixtral, True, "79"),
        )
    ]


def memory_rows() -> list[Row]:
    """The 47B network from 7 to 19 GB; between them only a line is published."""
    found = []
    for memory, published in ((7e9, "2.13"), (10e9, ""), (13e9, ""), (16e9, ""), (19e9, "11.68")):
        more: dict[str, Any] = {"given": {**HALF, "memory": memory}}
        if not published:
            note = "published as linear between 7 and 19 GB"
            more |= {"judged": False, "source": "prediction", "note": note}
        case = f"turbosparse-mixtral-47b, {memory / 1e9:.0f} GB"
        found.append(row(case, RATE, "token/s", 1.0 / mixtral_s(memory), published, **more))
    return found


def token_rows(networks: dict[str, Weights]) -> list[Row]:
    """Half offloaded: mean and 99th percentile over tokens."""
    found = []
    shares = over_tokens(misses(networks["bamboo-7b"], 0.5).share)
    case = "bamboo-7b, half offloaded, 99th percentile"
    found.append(row(case, "missed share", "%", 100.0 * shares[int(0.99 * len(shares))], "18.9", given=HALF))
    for (network, weights), mean, tail in zip(networks.items(), ("90.32", "99.76"), ("162.02", "140.56"), strict=True):
        tokens, case = pipelined_s(weights, 0.5), f"{network}, half offloaded"
        found.append(row(case, f"mean {LATENCY}", "ms", fmean(tokens) * 1e3, mean, given=HALF))
        worst = tokens[int(0.99 * len(tokens))]  # of the tokens, 1 % lie above
        found.append(row(f"{case}, 99th percentile", LATENCY, "ms", worst * 1e3, tail, given=HALF))
    return found


def share_rows(bamboo: Weights) -> list[Row]:
    """Half offloaded: share of a token's time in which it computes, the rest waits for reads."""
    reading, computing = flash_window_s(bamboo, 0.5)
    ours = compute(bamboo, npu=True).total / fmean(pipelined_s(bamboo, 0.5))
    return [
        row(f"bamboo-7b, half offloaded, {system}", "share of compute", "%", 100.0 * share, published, given=HALF)
        for system, share, published in (
            ("powerinfer-2", ours, "86.3"),
            ("llm in a flash", computing / (reading + computing), "23.3"),
        )
    ]


def bar_rows() -> list[Row]:
    """Half-offloaded speeds that the page reads from bars."""
    found = []
    for network, ours, flash, llama in (
        ("qwen2-7b", "9.5", "2.4", "0.4"), ("bamboo-7b", "", "2.4", ""),
        ("turbosparse-mixtral-47b", "9.96", "2.8", "0.5"), ("llama-13b", "", "", "0.2"),
    ):  # fmt: skip
        weights = weights_of(network)
        for system, published in (("powerinfer-2", ours), ("llm in a flash", flash), ("llama.cpp", llama)):
            if not published:
                continue
            if system == "llama.cpp":
                seconds = faulting_s(weights)
            else:
                pipelined = system == "powerinfer-2"
                seconds = fmean(pipelined_s(weights, 0.5)) if pipelined else sum(flash_window_s(weights, 0.5))
            more: dict[str, Any] = {"source": BARS, "judged": False, "note": "label of a bar, assigned with care"}
            found.append(row(f"{network}, half offloaded, {system}", RATE, "token/s", 1.0 / seconds, published, **more))
    return found


def rows() -> list[Row]:
    """Ablation, speeds in memory, prefill, memory sweep, latency over tokens, llama.cpp on other networks."""
    networks = {name: weights_of(name) for name in ("bamboo-7b", "turbosparse-mixtral-47b")}
    bamboo = networks["bamboo-7b"]
    found = [*ablation_rows(bamboo), *in_memory_rows(bamboo), *prefill_rows(*networks.values()), *memory_rows()]
    return [*found, *token_rows(networks), *share_rows(bamboo), *bar_rows()]
