"""Decode points of Llama-2-7B a second, tile search included; the peer is the plain loop over the same points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hwsim
from hwsim.explore.evaluate import evaluate_all
from hwsim.explore.plan import Plan, make_plan
from hwsim.explore.spec import read_sweep

SPEC = """
network = "llama-2-7b"
device = "a100-sxm-80gb"
phase = "decode"
[vary]
"device.sm_count" = {{ from = 20, to = 140, steps = {steps} }}
"device.memory.bandwidth" = {{ from = "1 TB/s", to = "4 TB/s", steps = {steps} }}
"""
COMPILED_STEPS, PLAIN_STEPS = 1000, 4


def plan_of(folder: Path, steps: int) -> Plan:
    """The plan of a grid of ``steps`` x ``steps`` devices."""
    path = folder / "spec.toml"
    path.write_text(SPEC.format(steps=steps), encoding="utf-8")
    return make_plan(read_sweep(path))


def compiled_points(plan: Plan) -> int:
    """Evaluate a plan as `hwsim sweep` does; return the points."""
    return sum(len(columns["latency_s"]) for columns in evaluate_all(plan))


def plain_points(plan: Plan) -> int:
    """Evaluate the same grid by one `hwsim.simulate` a point."""
    network = hwsim.network("llama-2-7b")
    axes = list(plan.device_axes.values())
    for sm_count in axes[0]:
        for bandwidth in axes[1]:
            device = hwsim.device("a100-sxm-80gb", sm_count=str(sm_count), memory__bandwidth=f"{bandwidth} B/s")
            assert hwsim.simulate(network, on=device).latency_s > 0.0
    return len(axes[0]) * len(axes[1])


@pytest.mark.benchmark(group="sweep")
@pytest.mark.parametrize(
    ("function", "steps"),
    [(plain_points, PLAIN_STEPS), (compiled_points, COMPILED_STEPS)],
    ids=["one by one (peer)", "hwsim sweep"],
)
def test_points_a_second(benchmark: Any, tmp_path: Path, function: Any, steps: int) -> None:
    plan = plan_of(tmp_path, steps)
    points = benchmark.pedantic(function, args=(plan,), rounds=3, warmup_rounds=1)
    benchmark.extra_info["points_per_s"] = points / benchmark.stats.stats.median
    print(f"\n{function.__name__}: {benchmark.extra_info['points_per_s']:,.0f} points/s")
