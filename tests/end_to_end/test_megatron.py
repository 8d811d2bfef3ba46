"""The Megatron profile: unfused attention and host floors, and the error on networks it never saw."""

from __future__ import annotations

import numpy as np
import pytest

import hwsim
from hwsim.engine.schedule import Costing, build_schedule, layer_floor_s
from hwsim.experiments.end_to_end.megatron import FITTED, errors, read_models, read_rows
from hwsim.models.catalog import read_runtime


def test_a_layer_never_takes_less_than_the_host_with_its_collectives() -> None:
    runtime = read_runtime("megatron")
    network = hwsim.network("llama-2-7b")
    graph = network.graph(phase="decode", batch=1, prompt=1, context=8, tensor_parallel=4)
    system = hwsim.as_system("a100-sxm-80gb", 4)
    tasks = [task for task in build_schedule(graph, Costing(system, runtime)) if task.block]
    collectives = sum(task.operator.kind == "collective" for task in tasks)
    assert collectives == 2
    assert sum(task.latency_s for task in tasks) == pytest.approx(layer_floor_s(runtime, 2), rel=1e-9)
    assert layer_floor_s(runtime, 2) == pytest.approx(runtime.layer_s + 2 * runtime.collective_s)


def test_unfused_attention_is_four_kernels_that_keep_the_flops_of_every_pair() -> None:
    network = hwsim.network("gpt2")
    graph = network.graph(phase="prefill", batch=2, prompt=64, context=64)
    fused, unfused = (
        build_schedule(graph, Costing(hwsim.as_system("a100-sxm-80gb"), read_runtime(name)))
        for name in ("graph", "megatron")
    )
    names = [task.operator.name for task in unfused if task.operator.name.startswith("attention_")]
    assert {"attention_scores", "attention_casts", "attention_softmax", "attention_values"} <= set(names)
    assert len(unfused) == len(fused) + 3
    products = [
        task.operator.flops for task in unfused if task.operator.name in ("attention_scores", "attention_values")
    ]
    assert sum(products) == 2 * 2 * 12 * 64 * 64 * (64 + 64)


def test_a_step_of_the_host_is_waited_for_and_costs_idle_energy() -> None:
    network, system = hwsim.network("gpt2"), hwsim.as_system("a100-sxm-80gb")
    graph = network.graph(phase="decode", batch=1, prompt=1, context=8)
    plain = build_schedule(graph, Costing(system, read_runtime("graph")))
    waiting = build_schedule(graph, Costing(system, read_runtime("graph")._replace(step_s=1e-3)))
    assert waiting[-1].operator.kind == "host"
    added = sum(task.latency_s * task.count for task in waiting) - sum(task.latency_s * task.count for task in plain)
    assert added == pytest.approx(1e-3)


@pytest.mark.slow
@pytest.mark.external_data
@pytest.mark.usefixtures("external_data")
def test_networks_that_the_profile_never_saw_are_within_their_bound() -> None:
    rows = [row for row in read_rows() if row.model not in FITTED and row.output >= 8]
    found = errors(rows, read_models(), read_runtime("megatron"))
    assert len(found) == 11
    spread = np.abs(np.concatenate(list(found.values())))
    assert spread.mean() < 0.07
    assert np.median(spread) < 0.05
