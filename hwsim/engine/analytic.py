"""The analytic engine: the sum of the schedule, memory, utilisation; exact over a growing KV cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hwsim.device import System
from hwsim.engine.schedule import Costing, Task, build_schedule
from hwsim.engine.workload import Workload
from hwsim.errors import DoesNotFitError
from hwsim.result import MemoryUse, OperatorResult
from hwsim.rows import BOUND_NAMES, LAUNCH


def phase_graph(network: Any, workload: Workload, phase: str, context: int | None = None) -> Any:
    """Build the validated operator graph of one phase as one device of the system sees it."""
    return network.graph(
        phase=phase,
        batch=workload.batch,
        prompt=workload.prompt,
        context=workload.context if context is None else context,
        weights=workload.weights,
        activations=workload.activations,
        kv=workload.kv,
        tensor_parallel=workload.parallel.tp,
        expert_parallel=workload.parallel.ep,
        pipeline_parallel=workload.parallel.pp,
    )


def memory_use(network: Any, workload: Workload) -> MemoryUse:
    """Peak bytes on the fullest device: stored weights, KV of the longest sequence, activations of the widest step."""
    parallel = workload.parallel
    tokens = 1 if workload.phase == "decode" else workload.prompt
    return MemoryUse(
        weights=network.weight_bytes(
            workload.weights, activations=workload.activations, tensor_parallel=parallel.tp,
            expert_parallel=parallel.ep, pipeline_parallel=parallel.pp,
        ),
        kv=network.kv_bytes(
            workload.longest, workload.batch, workload.kv, tensor_parallel=parallel.tp, pipeline_parallel=parallel.pp
        ),
        activations=network.activation_bytes(
            tokens, workload.batch, workload.activations, tensor_parallel=parallel.tp
        ),
    )  # fmt: skip


def largest_batch(network: Any, workload: Workload, system: System) -> int:
    """The largest batch whose peak memory fits; 0 when not even one request does."""

    def fits(batch: int) -> bool:
        return memory_use(network, workload.with_(batch=batch)).total <= system.device.memory_bytes

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


def check_fits(network: Any, workload: Workload, system: System) -> MemoryUse:
    """Return the peak memory, or raise `DoesNotFitError` that says by how much and what would fit."""
    use, capacity = memory_use(network, workload), system.device.memory_bytes
    if use.total <= capacity:
        return use
    batch = largest_batch(network, workload, system)
    ways = [f"batch {batch}"] if batch else []
    for degree in (2, 4, 8, 16, 32, 64):
        devices = degree * workload.parallel.tp
        try:
            split = workload.with_(parallel=workload.parallel.__class__(tp=devices, pp=workload.parallel.pp))
            if memory_use(network, split).total <= capacity:
                ways.append(f"--parallel tp={devices}")
                break
        except ValueError:
            continue
    for weights in ("fp8_e4m3", "int4:g128"):
        smaller = workload.with_(weights=weights)
        if memory_use(network, smaller).total <= capacity:
            ways.append(f"--weights {weights}")
            break
    raise DoesNotFitError(
        f"{network.name} does not fit on {system.device.name}: it needs {use.total / 1e9:.1f} GB a device "
        f"(weights {use.weights / 1e9:.1f}, KV {use.kv / 1e9:.1f}, activations {use.activations / 1e9:.2f}), "
        f"{(use.total - capacity) / 1e9:.1f} GB more than its {capacity / 1e9:.1f} GB; "
        f"what would fit: {', or '.join(ways) if ways else 'a device with more memory'}"
    )


def operator_results(tasks: Sequence[Task], system: System, devices: int) -> list[OperatorResult]:
    """Totals of each task over its count; energy is of all devices, time of one (they run in step)."""
    results = []
    for task in tasks:
        cost, count = task.cost, task.count
        kernel_s = cost.latency_s
        bound = BOUND_NAMES[int(LAUNCH if task.latency_s > 2.0 * kernel_s else cost.bound)]
        idle_j = system.device.idle_power_w * (task.latency_s - kernel_s)
        results.append(
            OperatorResult(
                name=task.operator.name, kind=task.operator.kind, count=count,
                latency_s=task.latency_s * count, energy_j=(cost.energy_j + idle_j) * count * devices,
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
    summed = ("latency_s", "energy_j", "flops", "bytes", "compute_s", "memory_s", "cache_s", "link_s", "fixed_s", "runtime_s")
    merged = []
    for same in grouped.values():
        totals = {key: sum(getattr(result, key) for result in same) for key in summed}
        slowest = max(same, key=lambda result: result.latency_s)
        merged.append(
            OperatorResult(
                name=same[0].name, kind=same[0].kind, count=sum(result.count for result in same),
                bound=slowest.bound, device=same[0].device, **totals,
            )
        )  # fmt: skip
    return merged


def decode_steps(network: Any, workload: Workload, costing: Costing, devices: int) -> list[OperatorResult]:
    """Sum the decode steps of a generation exactly: step i reads ``prompt + i`` cached tokens, i from 0 to output - 2.

    Operators whose row does not change are computed once (`Costing` remembers rows), so a step costs its attention.
    """
    steps = workload.output - 1
    if steps < 1:
        return []
    first = phase_graph(network, workload, "decode", workload.prompt)
    tasks = build_schedule(first, costing)
    fixed = [task for task in tasks if task.operator.kind != "attention"]
    per_step = operator_results(fixed, costing.system, devices)
    total = [
        OperatorResult(
            name=r.name, kind=r.kind, count=r.count * steps, bound=r.bound, device=r.device,
            **{key: getattr(r, key) * steps for key in (
                "latency_s", "energy_j", "flops", "bytes", "compute_s", "memory_s", "cache_s", "link_s", "fixed_s", "runtime_s")},
        )
        for r in per_step
    ]  # fmt: skip
    growing = []
    for index in range(steps):
        graph = _grown(tasks, index)
        growing.append(operator_results([_recost(task, op, costing) for task, op in graph], costing.system, devices))
    return merge([total, *growing])


def _grown(tasks: Sequence[Task], index: int) -> list[tuple[Task, Any]]:
    return [
        (task, task.operator.with_(kv_length=task.operator.kv_length + index))  # type: ignore[attr-defined]
        for task in tasks
        if task.operator.kind == "attention"
    ]


def _recost(task: Task, operator: Any, costing: Costing) -> Task:
    return Task(
        operator=operator, cost=costing.cost(operator), count=task.count, block=task.block,
        latency_s=costing.latency_s(operator), after=task.after,
    )  # fmt: skip
