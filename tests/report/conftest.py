"""Hand-made results: a small decode and prefill on a device that no catalog holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hwsim.hardware import Device, System
from hwsim.result import MemoryUse, OperatorResult, Result
from hwsim.rows import OperatorCost

NAMES = (
    "embedding", "input_norm", "query_key_value", "rotary", "attention", "output_projection", "attention_add",
    "post_norm", "gate_up", "activation", "down", "feed_forward_add", "final_norm", "head",
)  # fmt: skip
WORK = {"query_key_value": 3.2e9, "output_projection": 1.1e9, "gate_up": 5.8e9, "down": 2.9e9, "head": 0.26e9}


def no_cost(record: Any, row: Any) -> OperatorCost:
    raise NotImplementedError


def make_system(name: str = "test-device", count: int = 1) -> System:
    device = Device(
        name=name, family="gpu", record=None, cost=no_cost, memory_bytes=80e9, bandwidth_bytes_per_s=2.0e12,
        peak_flops_per_s={"fp32": 19.5e12, "tf32": 156e12, "bf16": 312e12, "fp16": 312e12, "int8": 624e12},
    )  # fmt: skip
    return System(name=name if count == 1 else f"{count}x {name} over test-link", device=device, count=count)


def make_operator(name: str, tokens: int) -> OperatorResult:
    moved = WORK.get(name, 1e6 * tokens)
    flops = WORK.get(name, 1e6) * tokens if name != "embedding" else 0.0
    if name == "attention":
        moved, flops = 5.4e8, 5.4e8 * tokens
    compute_s, memory_s = flops / 250e12, moved / 1.7e12
    latency_s = max(compute_s, memory_s, 6e-5)
    bound = {compute_s: "compute", memory_s: "memory"}.get(latency_s, "launch")
    kind = "matmul" if name in WORK else "attention" if name == "attention" else "elementwise"
    return OperatorResult(
        name=name, kind=kind, count=1 if name in ("embedding", "head", "final_norm") else 32, latency_s=latency_s,
        energy_j=flops * 0.6e-12 + moved * 60e-12, flops=flops, bytes=moved, bound=bound, device="test-device",
    )  # fmt: skip


def make_result(phase: str = "decode", device: str = "test-device", **changes: Any) -> Result:
    tokens = 1 if phase == "decode" else 1024
    operators = tuple(make_operator(name, tokens) for name in NAMES)
    latency_s = sum(operator.latency_s for operator in operators)
    result = Result(
        network="test-network", device=device, phase=phase, batch=1,
        prompt=None if phase == "decode" else 1024, context=1024 if phase == "decode" else None,
        output=128 if phase == "generate" else None,
        formats={"weights": "bf16", "activations": "bf16", "kv": "bf16"}, runtime="graph",
        parallel={"tp": 1, "pp": 1, "ep": 1}, engine="analytic", latency_s=latency_s,
        energy_j=sum(operator.energy_j for operator in operators), operators=operators, basis="unvalidated",
        memory=MemoryUse(weights=13.476e9, kv=0.537e9, activations=2.3e6), tokens_per_s=tokens / latency_s,
        flops_share=0.0123, bandwidth_share=0.8123, largest_batch=123,
    )  # fmt: skip
    return replace(result, **changes)


@pytest.fixture
def result_of() -> Callable[..., Result]:
    return make_result


@pytest.fixture
def system_of() -> Callable[..., System]:
    return make_system
