"""Ways to cut a mixture of experts: arithmetic, weights and traffic are conserved whatever the cut."""

from __future__ import annotations

import pytest

from hwsim import network, simulate
from hwsim.engine.workload import Parallel, read_parallel
from hwsim.errors import InputError
from hwsim.operators import Collective, MixtureOfExperts

CUTS = [(8, 1, 1), (8, 8, 1), (8, 2, 1), (1, 8, 8), (2, 4, 4), (2, 8, 4), (1, 1, 8), (1, 4, 8)]


@pytest.mark.parametrize("cut", CUTS)
def test_every_cut_over_eight_devices_multiplies_the_same_and_stores_each_expert_once(
    cut: tuple[int, int, int],
) -> None:
    tp, ep, dp = cut
    net = network("qwen3-30b-a3b") if tp == 1 or tp == 2 else network("mixtral-8x7b")
    whole = net.graph(phase="decode", batch=64, context=100)
    part = net.graph(
        phase="decode", batch=64, context=100, tensor_parallel=tp, expert_parallel=ep, data_parallel=dp
    ).validate()

    def experts(graph: object) -> MixtureOfExperts:
        return next(node.operator for node in graph if isinstance(node.operator, MixtureOfExperts))  # type: ignore[attr-defined]

    assert 8 * experts(part).flops == pytest.approx(experts(whole).flops)
    assert 8 * experts(part).parameters == pytest.approx(experts(whole).parameters, rel=1e-3)


def test_experts_of_a_tensor_parallel_group_need_no_exchange_and_keep_whole_matrices() -> None:
    graph = network("mixtral-8x7b").graph(
        phase="decode", batch=16, context=64, tensor_parallel=8, expert_parallel=8, data_parallel=1
    )
    kinds = {node.operator.operation for node in graph if isinstance(node.operator, Collective)}
    assert kinds == {"all_reduce", "all_gather"}
    experts = next(node.operator for node in graph if isinstance(node.operator, MixtureOfExperts))
    assert (experts.experts, experts.intermediate) == (1, 14336)


def test_a_stated_group_count_of_the_experts_is_the_default() -> None:
    common = {"on": "8 x h100-sxm-80gb", "phase": "decode", "batch": 32, "context": 64}
    default = simulate("qwen3-30b-a3b", parallel="ep=8", **common)  # type: ignore[arg-type]
    stated = simulate("qwen3-30b-a3b", parallel="ep=8,dp=8", **common)  # type: ignore[arg-type]
    assert stated.latency_s == default.latency_s
    assert "dp" not in default.parallel
    assert stated.parallel["dp"] == 8


def test_devices_are_the_groups_times_the_devices_of_each() -> None:
    assert read_parallel("tp=8,ep=8,dp=1").devices == 8
    assert read_parallel("tp=2,ep=4").devices == 8
    assert Parallel(tp=2, ep=8, dp=4).devices == 8


def test_experts_spread_over_more_ranks_than_divide_the_devices_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match=r"ep\(=8\) must divide") as caught:
        read_parallel("tp=4,ep=8,dp=1")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="data_parallel"):
        network("qwen3-30b-a3b").graph(phase="decode", batch=3, expert_parallel=2, data_parallel=2)


def test_a_network_of_layers_is_not_cut_into_groups() -> None:
    with pytest.raises(InputError, match="not cut over devices"):
        simulate("vgg-16", on="2 x h100-sxm-80gb", phase="forward", batch=4, parallel="dp=2")


def test_groups_of_a_dense_network_each_run_their_share_of_the_requests() -> None:
    alone = simulate("llama-3-8b", on="h100-sxm-80gb", batch=8, context=512)
    groups = simulate("llama-3-8b", on="4 x h100-sxm-80gb", batch=32, context=512, parallel="dp=4")
    assert groups.latency_s == pytest.approx(alone.latency_s)
    assert groups.energy_j == pytest.approx(4 * alone.energy_j)
