"""Gaudi: more of any resource is never slower, over random products of every format and scaling."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.models.gaudi.record import Gaudi
from hwsim.operators import Attention, Elementwise, Matmul, Norm, Operator, Softmax
from hwsim.rows import ARITHMETIC_CODES, lower

DEVICES = ("gaudi2-96gb", "gaudi3-128gb")
RESOURCES = (
    "sram_bytes",
    "sram_bandwidth_bytes_per_s",
    "memory_bandwidth_bytes_per_s",
    "engine_count",
    "engine_clock_hz",
    "core_count",
    "core_clock_hz",
    "power_limit_w",
)
PRODUCTS = st.builds(
    Matmul,
    name=st.just("product"),
    m=st.integers(1, 40_000),
    n=st.integers(1, 40_000),
    k=st.integers(1, 40_000),
    batch=st.sampled_from([1, 1, 1, 7, 64]),
    dtype=st.sampled_from(["bf16", "fp32", "fp8_e4m3"]),
    scaling=st.sampled_from(["tensor", "row", "block"]),
)


def latency_s(device: str, record: Gaudi, operator: Matmul | Attention) -> float:
    return float(hwsim.device(device).cost(record, lower(operator)).latency_s)


@pytest.mark.parametrize("resource", RESOURCES)
@settings(max_examples=40, deadline=None)
@given(
    product=PRODUCTS,
    device=st.sampled_from(DEVICES),
    share=st.floats(0.05, 4.0),
    more=st.sampled_from([1.01, 1.3, 2.0, 5.7]),
    room_w=st.sampled_from([20.0, 100.0, 300.0, 1000.0]),
)
def test_more_of_a_resource_is_never_slower(
    resource: str, product: Matmul, device: str, share: float, more: float, room_w: float
) -> None:
    record = hwsim.device(device).record
    if resource != "power_limit_w":
        record = record._replace(power_limit_w=record.idle_power_w + room_w)
    have = getattr(record, resource) * share
    if resource.endswith("count"):
        have = max(1.0, float(round(have)))
        more = float(math.ceil(have * more)) / have
    few = latency_s(device, record._replace(**{resource: have}), product)
    many = latency_s(device, record._replace(**{resource: have * more}), product)
    assert many <= few * (1.0 + 1e-9)


@settings(deadline=None)
@given(product=PRODUCTS, device=st.sampled_from(DEVICES))
def test_a_product_is_never_faster_than_its_roofline(product: Matmul, device: str) -> None:
    machine = hwsim.device(device)
    row = lower(product)
    compute_s = row.flops / machine.peak_flops_per_s[product.dtype]
    memory_s = row.bytes / machine.bandwidth_bytes_per_s
    assert latency_s(device, machine.record, product) >= max(compute_s, memory_s) * (1.0 - 1e-9)


@settings(deadline=None)
@given(product=PRODUCTS, device=st.sampled_from(DEVICES), slower=st.floats(0.02, 1.0))
def test_an_sram_that_feeds_the_engines_slowly_holds_them_up(product: Matmul, device: str, slower: float) -> None:
    record = hwsim.device(device).record
    narrow = record._replace(sram_bandwidth_bytes_per_s=record.sram_bandwidth_bytes_per_s * slower)
    row = lower(product)
    once = product.batch * product.k * (product.m + product.n) * row.dtype_bytes
    assert latency_s(device, narrow, product) >= once / narrow.sram_bandwidth_bytes_per_s


@pytest.mark.parametrize("room_w", [50.0, 150.0, 250.0])
def test_a_product_held_by_the_power_limit_draws_it_and_slows_by_the_cube_root(room_w: float) -> None:
    device = hwsim.device("gaudi2-96gb")
    row = lower(Matmul(name="large", m=16384, n=16384, k=8192))
    free = device.cost(device.record._replace(power_limit_w=5000.0), row)
    held = device.cost(device.record._replace(power_limit_w=device.idle_power_w + room_w), row)
    assert held.energy_j / held.latency_s == pytest.approx(device.idle_power_w + room_w, rel=0.001)
    excess = (free.energy_j / free.latency_s - device.idle_power_w) / room_w
    assert held.latency_s / free.latency_s == pytest.approx(excess ** (1 / 3), rel=0.03)


@pytest.mark.parametrize("name", DEVICES)
def test_a_format_without_engines_has_the_rate_and_the_energy_of_bf16(name: str) -> None:
    device = hwsim.device(name)
    bare = device.record._replace(macs_fp8=0.0, energy_fp8_j=7.0)
    row = lower(Matmul(name="x", m=4096, n=4096, k=4096, dtype="bf16"))
    found = [
        device.cost(bare, row._replace(arithmetic=ARITHMETIC_CODES[name])) for name in ("bf16", "fp8_e4m3", "mxfp4")
    ]
    assert found[0].latency_s == pytest.approx(found[1].latency_s) == pytest.approx(found[2].latency_s)
    assert found[0].energy_j == pytest.approx(found[1].energy_j) == pytest.approx(found[2].energy_j)


@pytest.mark.parametrize(
    "operator",
    [
        Norm(name="norm", rows=64, columns=4096),
        Softmax(name="softmax", rows=64, columns=4096),
        Elementwise(name="add", elements=4096),
        Attention(name="decode", batch=2, query_length=1, kv_length=900, heads=8, kv_heads=2, head_dim=128),
    ],
    ids=lambda operator: operator.name,
)
def test_what_comes_from_memory_passes_the_sram(operator: Operator) -> None:
    device, row = hwsim.device("gaudi2-96gb"), lower(operator)
    without = device.record._replace(energy_sram_byte_j=0.0)
    more = device.cost(device.record, row).energy_j - device.cost(without, row).energy_j
    assert more == pytest.approx(row.bytes * device.record.energy_sram_byte_j)
