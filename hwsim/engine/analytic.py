"""The analytic engine: the sum of the schedule, memory, utilisation; exact over a growing KV cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

from hwsim.engine.schedule import Costing, Task, build_schedule, consumed_energy_j
from hwsim.engine.workload import Workload
from hwsim.errors import DoesNotFitError, InputError
from hwsim.formats import number_format
from hwsim.graph import OperatorGraph
from hwsim.hardware import Device, System
from hwsim.operators import Collective
from hwsim.result import MemoryUse, OperatorResult
from hwsim.rows import BOUND_NAMES, LAUNCH

#: Fields of an operator's result that add up over steps.
SUMMED = (
    "latency_s", "energy_j", "flops", "bytes", "compute_s", "memory_s", "cache_s", "link_s", "fixed_s", "runtime_s",
)  # fmt: skip


def phase_graph(network: Any, workload: Workload, phase: str, context: int | None = None) -> OperatorGraph:
    """Build the operator graph of one phase as one device of the system sees it.

    A pipeline adds the hand-over of the residual stream between its stages; one pass goes through all stages in turn,
    so a pipeline saves memory, not latency.
    """
    parallel = workload.parallel
    stated = {"data_parallel": parallel.dp} if parallel.dp else {}  # only networks with experts know it
    graph: OperatorGraph = network.graph(
        phase=phase,
        batch=workload.batch,
        prompt=workload.prompt,
        context=workload.context if context is None else context,
        weights=workload.weights,
        activations=workload.activations,
        kv=workload.kv,
        tensor_parallel=workload.parallel.tp,
        expert_parallel=workload.parallel.ep,
        **stated,
    )
    stages = workload.parallel.pp
    if stages > 1:
        tokens = workload.prompt if phase == "prefill" else 1
        hand_over = Collective(
            name="pipeline_send", operation="send_recv", ranks=2, dtype=workload.activations,
            elements=workload.batch // workload.parallel.groups * tokens * network.hidden,
        )  # fmt: skip
        graph.add(hand_over, block=graph.add_block("pipeline", stages - 1))
    return graph


def stage_share(network: Any, stages: int) -> float:
    """Share of the layers that the fullest pipeline stage holds.

    Raises
    ------
    InputError : more stages than layers
    """
    if stages > network.layers:
        raise InputError(f"parallel pp(={stages}) must be at most the network's {network.layers} layers")
    return float(ceil(network.layers / stages) / network.layers)


def memory_use(network: Any, workload: Workload) -> MemoryUse:
    """Peak bytes on the fullest device: stored weights, KV of the longest sequence, activations of the widest step.

    Under a pipeline the embedding and the head are spread like the layers.
    """
    parallel = workload.parallel
    tokens = 1 if workload.phase == "decode" else workload.prompt
    share = stage_share(network, parallel.pp)
    cut: tuple[int, ...] = (parallel.tp, parallel.ep, *([parallel.dp] if parallel.dp else []))
    weights = network.weight_bytes(workload.weights, workload.activations, *cut)
    kv = network.kv_bytes(workload.longest, ceil(workload.batch / parallel.groups), workload.kv, parallel.tp)
    requests = ceil(workload.batch / parallel.groups) * parallel.groups
    activations = network.activation_bytes(tokens, requests, workload.activations, *cut)
    return MemoryUse(weights=weights * share, kv=kv * share, activations=activations)


def largest_batch(network: Any, workload: Workload, system: System) -> int:
    """The largest batch whose peak memory fits; 0 when not even one request does."""

    unit = workload.with_(batch=workload.parallel.groups)
    one = memory_use(network, unit)

    def fits(batch: int) -> bool:
        # Weights do not depend on the batch; KV and activations grow with it.
        rounds = ceil(batch / workload.parallel.groups)
        return system.device.spare_bytes(one.weights, rounds * (one.kv + one.activations)) >= 0.0

    if not fits(1):
        return 0
    high = 1
    while fits(high * 2) and high < 2**24:
        high *= 2
    low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _spare(use: MemoryUse, system: System) -> float:
    return system.device.spare_bytes(use.weights, use.kv + use.activations)


def _capacity_text(device: Device) -> str:
    if device.weight_memory_bytes:
        own = device.weight_memory_bytes
        return f"{own / 1e9:.1f} GB for weights and {device.memory_bytes / 1e9:.1f} GB for the rest"
    return f"{device.memory_bytes / 1e9:.1f} GB"


def check_fits(network: Any, workload: Workload, system: System) -> MemoryUse:
    """Return the peak memory, or raise `DoesNotFitError` that says by how much and what would fit."""
    use, device = memory_use(network, workload), system.device
    short = -_spare(use, system)
    if short <= 0.0:
        return use
    batch = largest_batch(network, workload, system)
    ways = [f"batch {batch}"] if batch else []
    joined = system.link is not None or device.native_link is not None
    for degree in (2, 4, 8, 16, 32, 64) if joined else ():
        devices = degree * workload.parallel.tp
        try:
            split = workload.with_(parallel=workload.parallel.__class__(tp=devices, pp=workload.parallel.pp))
            if _spare(memory_use(network, split), system) >= 0.0:
                ways.append(f"--parallel tp={devices}")
                break
        except ValueError:
            continue
    for weights in ("fp8_e4m3", "int4:g128"):
        smaller = workload.with_(weights=weights)
        if _spare(memory_use(network, smaller), system) >= 0.0:
            ways.append(f"--weights {weights}")
            break
    raise DoesNotFitError(
        f"{network.name} does not fit on {system.device.name}: it needs {use.total / 1e9:.1f} GB a device "
        f"(weights {use.weights / 1e9:.1f}, KV {use.kv / 1e9:.1f}, activations {use.activations / 1e9:.2f}), "
        f"{short / 1e9:.1f} GB more than its {_capacity_text(device)}; "
        f"what would fit: {', or '.join(ways) if ways else 'a device with more memory'}"
    )


def unaccelerated(workload: Workload, system: System) -> list[str]:
    """Say where activations in a narrow format gain no arithmetic: the device multiplies them as fast as 16-bit ones.

    Devices with one rate for all formats (an FPGA's multipliers) were made for the narrow one and are not told.
    """
    base, peaks = number_format(workload.activations).base, system.device.peak_flops_per_s
    one_rate = len(set(peaks.values())) <= 1
    if one_rate or number_format(base).bits >= 16 or not 0.0 < peaks.get(base, 0.0) <= peaks.get("fp16", 0.0):
        return []
    return [f"'{system.device.name}' multiplies {base} no faster than fp16: only storage and traffic gain from it"]


def operator_results(tasks: Sequence[Task], system: System, devices: int) -> list[OperatorResult]:
    """Totals of each task over its count; energy is of all devices, time of one (they run in step)."""
    results = []
    for task in tasks:
        cost, count = task.cost, task.count
        kernel_s = cost.latency_s
        bound = BOUND_NAMES[int(LAUNCH if task.latency_s > 2.0 * kernel_s else cost.bound)]
        energy_j = consumed_energy_j(cost.energy_j, kernel_s, task.latency_s, system.device.idle_power_w)
        results.append(
            OperatorResult(
                name=task.operator.name, kind=task.operator.kind, count=count,
                latency_s=task.latency_s * count, energy_j=energy_j * count * devices,
                flops=task.operator.flops * count * devices, bytes=task.operator.bytes * count * devices,
                bound=bound, device=system.device.name, compute_s=cost.compute_s * count,
                memory_s=cost.memory_s * count, cache_s=cost.cache_s * count, link_s=cost.link_s * count,
                fixed_s=cost.fixed_s * count, runtime_s=(task.latency_s - kernel_s) * count,
            )
        )  # fmt: skip
    return results


def merge(parts: Sequence[Sequence[OperatorResult]]) -> list[OperatorResult]:
    """Add up results of the same operator over several steps; the bound is that of the slowest part."""
    grouped: dict[str, list[OperatorResult]] = {}
    for part in parts:
        for result in part:
            grouped.setdefault(result.name, []).append(result)
    merged = []
    for same in grouped.values():
        totals = {key: sum(getattr(result, key) for result in same) for key in SUMMED}
        slowest = max(same, key=lambda result: result.latency_s)
        merged.append(
            OperatorResult(
                name=same[0].name, kind=same[0].kind, count=sum(result.count for result in same),
                bound=slowest.bound, device=same[0].device, **totals,
            )
        )  # fmt: skip
    return merged


def decode_graphs(network: Any, workload: Workload) -> Iterator[OperatorGraph]:
    """The graphs of a generation's later tokens: step i reads ``prompt + i`` cached tokens, i from 0 to output - 2.

    Each step has its own graph, since a window may fill or an index grow on the way.
    """
    for length in range(workload.prompt, workload.prompt + workload.output - 1):
        yield phase_graph(network, workload, "decode", length)


def decode_steps(network: Any, workload: Workload, costing: Costing, devices: int) -> list[OperatorResult]:
    """Sum the decode steps of a generation exactly; rows that do not change are costed once (`Costing` remembers)."""
    graphs = decode_graphs(network, workload)
    return merge([operator_results(build_schedule(graph, costing), costing.system, devices) for graph in graphs])
