"""Routed experts on a GPU: laws, closed forms, routing, bad input."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.errors import InputError
from hwsim.models.gpu.moe import Experts, row_tiles
from hwsim.models.gpu.record import Gpu
from hwsim.operators import MixtureOfExperts
from hwsim.routing import busiest_loads, power_law_loads, touched_experts
from hwsim.rows import lower

H100 = hwsim.device("h100-sxm-80gb")
RECORD: Gpu = H100.record


def operator(**changes: object) -> MixtureOfExperts:
    shape: dict[str, object] = {"tokens": 64, "hidden": 4096, "intermediate": 1536, "experts": 128, "top_k": 8}
    return MixtureOfExperts(name="m", **{**shape, **changes})  # type: ignore[arg-type]


def latency(**changes: object) -> float:
    return H100.cost(RECORD, lower(operator(**changes))).latency_s


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 16384), st.integers(0, 12), st.sampled_from([8, 64, 256]))
def test_more_tokens_are_never_faster_nor_under_the_roofline(tokens: int, extra: int, experts: int) -> None:
    shape = {"experts": experts, "top_k": 2, "intermediate": 1024, "hidden": 2048}
    one = lower(operator(tokens=tokens, **shape))
    cost = H100.cost(RECORD, one).latency_s
    assert cost >= max(one.flops / H100.peak_flops_per_s["bf16"], one.bytes / H100.bandwidth_bytes_per_s)
    assert H100.cost(RECORD, lower(operator(tokens=tokens + extra, **shape))).latency_s >= cost * 0.999


def test_a_few_tokens_stream_only_the_experts_they_choose() -> None:
    bandwidth = RECORD.memory_bandwidth_bytes_per_s * RECORD.moe_memory
    weights = 3 * 4096 * 1536 * 2.0
    for tokens in (1, 4):
        stream = 8 * tokens * weights / bandwidth
        assert stream + RECORD.moe_fixed_s < latency(tokens=tokens) < 1.25 * stream + RECORD.moe_fixed_s
    assert latency(tokens=16) == pytest.approx(latency(tokens=17), rel=0.01)  # all experts are in use


def test_every_expert_fills_whole_tiles_of_rows() -> None:
    assert row_tiles(Experts(touched=8.0, pairs=8.0 * 65, balanced=1.0), 64.0) == 16
    assert row_tiles(Experts(touched=8.0, pairs=8.0 * 64, balanced=1.0), 64.0) == 8
    assert row_tiles(Experts(touched=8.0, pairs=8.0 * 64, balanced=0.0), 64.0) == 12


def test_mixtral_decodes_a_batch_of_64_on_an_h100_in_the_time_of_its_weights() -> None:
    """Three runtimes take 0.97 ms for 2.8 GB: 2.9 TB/s of 3.35."""
    assert latency(tokens=64, intermediate=14336, experts=8, top_k=2) == pytest.approx(0.97e-3, rel=0.1)


def test_rows_of_weights_that_forbid_vector_loads_stream_slower() -> None:
    assert latency(intermediate=88) > latency(intermediate=96)


def test_power_law_routing_touches_fewer_experts_and_costs_less_while_weights_stream() -> None:
    assert latency(tokens=16, routing="power_law_1.2") < 0.8 * latency(tokens=16)
    assert latency(tokens=4096, routing="power_law_1.2") > latency(tokens=4096)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4096), st.integers(1, 8), st.integers(8, 256), st.floats(0.3, 2.0))
def test_power_law_loads_sum_to_the_pairs_and_stay_within_the_tokens(
    tokens: int, top_k: int, experts: int, power: float
) -> None:
    loads = power_law_loads(power, tokens, top_k, experts)
    assert sum(loads) == tokens * top_k
    assert 0 <= min(loads) <= max(loads) <= tokens


def test_counts_of_an_even_split_cost_about_what_balanced_routing_costs() -> None:
    even = latency(tokens=1024, top_k=8, experts=128, routing=[64.0] * 128)
    assert even == latency(tokens=1024, top_k=8, experts=128)


def test_counts_leave_untouched_experts_in_memory() -> None:
    counts = [16.0, 16.0] + [0.0] * 6
    assert touched_experts(tuple(counts), 16, 2, 8) == 2
    assert latency(tokens=16, top_k=2, experts=8, intermediate=14336, routing=counts) < 0.4 * latency(
        tokens=16, top_k=2, experts=8, intermediate=14336
    )


@pytest.mark.parametrize(
    ("routing", "message"),
    [
        ("balancd", "routing 'balancd' does not exist; allowed: balanced"),
        ("power_law_x", "routing 'power_law_x' does not exist"),
        ([1.0, 2.0], "routing gives 2 counts, but there are 4 experts"),
        ([1.0, 2.0, 0.0, 0.0], "routing counts 3 tokens, but tokens x top_k is 4"),
        ([5.0, -1.0, 0.0, 0.0], "every count of routing must be a number >= 0"),
    ],
)
def test_a_routing_that_does_not_fit_is_refused_in_one_line(routing: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        hwsim.estimate(
            "h100-sxm-80gb", "moe", tokens=2, hidden=64, intermediate=64, experts=4, top_k=2, dtype="bf16",
            routing=routing,
        )  # fmt: skip


def test_a_device_of_many_computes_its_pairs_and_passes_over_the_rows_of_all() -> None:
    shape = {"tokens": 4096, "hidden": 4096, "intermediate": 1536, "dtype": "bf16"}
    own = hwsim.estimate(H100, "moe", experts=16, top_k=1, **shape)
    one_of_eight = hwsim.estimate(H100, "moe", experts=128, top_k=8, shards=8, **shape)
    rows = 7 * 4096 * 2.0 * (3 * 1536 + 4096)
    rate = RECORD.memory_bandwidth_bytes_per_s * RECORD.moe_memory
    assert one_of_eight.latency_s - own.latency_s == pytest.approx(rows / rate, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(16, 20000), st.sampled_from([2, 4, 16]), st.sampled_from([1.01, 1.2]))
def test_the_busiest_device_has_at_least_its_part_and_at_most_all(tokens: int, shards: int, power: float) -> None:
    loads = busiest_loads(power, tokens, 8 / shards, 128 / shards, shards)
    assert len(loads) == 128 // shards
    assert tokens * 8 / shards <= sum(loads) <= tokens * 8
    part = operator(tokens=tokens, experts=128 / shards, top_k=8 / shards, shards=shards, routing=f"power_law_{power}")
    assert lower(part).top_k * tokens == pytest.approx(sum(loads))


@pytest.mark.parametrize("shards", [0, 1.5, 7])
def test_experts_split_evenly_over_whole_devices(shards: float) -> None:
    with pytest.raises(InputError, match=r"shards\(=.*divides experts\(=128\)"):
        hwsim.estimate(H100, "moe", tokens=8, hidden=1024, intermediate=512, experts=128, top_k=8, shards=shards)
