"""The chiplet as events against the closed form: equal without contention, near it with."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.models.flash.events import replay_product, tail_s
from hwsim.models.flash.record import FlashChiplet
from hwsim.models.flash.tiling import Product, plan_bands, plan_product, plan_seconds, slice_wait_s, strips_of

VARIANTS = ("cambricon-llm-s", "cambricon-llm-m", "cambricon-llm-l")
PICOSECOND = 1e-12


def chiplet(name: str = "cambricon-llm-s", **changes: float) -> FlashChiplet:
    record: FlashChiplet = hwsim.device(name).record
    return record._replace(**changes)


def int8(n: float, k: float) -> Product:
    return Product(1.0, 1.0, n, k, 1.0, 1.0, 1.0)


@given(
    variant=st.sampled_from(VARIANTS), n=st.integers(1, 9216), k=st.integers(1, 9216),
    read_us=st.integers(40, 90), planes=st.integers(1, 4),  # results of the tallest pages pass before the next inputs
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_without_reads_the_replay_is_the_closed_form_and_the_last_result(
    variant: str, n: int, k: int, read_us: int, planes: int
) -> None:
    flash = chiplet(variant, split_npu=0.0, read_s=read_us * 1e-6, planes=float(planes))
    product = int8(n, k)
    expected = plan_product(flash, product).flash_s + tail_s(flash, product)
    assert replay_product(flash, product).latency_s == pytest.approx(expected, abs=100 * PICOSECOND)


@pytest.mark.parametrize("variant", VARIANTS)
def test_reads_alone_fill_the_channels_but_for_the_first_array_read(variant: str) -> None:
    flash, product = chiplet(variant), int8(8192, 8192)
    plan = plan_bands(flash, product, strips_of(flash, 1.0, 8192), 0.0, 1.0)
    found = replay_product(flash, product, plan)
    assert found.pages_read == 4096
    assert plan.channel_s < found.latency_s < plan.channel_s + flash.read_s + 2.5 * flash.page_bytes / 1e9
    assert found.bus_use > 0.85


@pytest.mark.parametrize(("n", "k"), [(16384, 4096), (20480, 5120), (9216, 9216)])
def test_interleaved_slices_cost_s_what_the_closed_form_says_within_1_percent(n: int, k: int) -> None:
    flash, product = chiplet(), int8(n, k)
    found, plan = replay_product(flash, product), plan_product(flash, product)
    assert found.latency_s == pytest.approx(plan_seconds(plan), rel=0.01)
    assert found.pages_read == -(-plan.npu_bytes // flash.page_bytes)
    assert 0.79 < found.bus_use < 0.97  # published 79-91 %


@given(
    variant=st.sampled_from(VARIANTS), n=st.integers(1, 8000), k=st.integers(1, 8000), m=st.sampled_from([1, 2, 4]),
    read_us=st.integers(30, 90), bands=st.integers(1, 40), slice_bytes=st.sampled_from([512.0, 2048.0, 4096.0]),
)  # fmt: skip
@settings(max_examples=25, deadline=None, derandomize=True)
def test_where_reads_contend_the_replay_lies_between_the_sides_and_their_sum(
    variant: str, n: int, k: int, m: int, read_us: int, bands: int, slice_bytes: float
) -> None:
    """Each resource is busy for less; the closed form, half a slice a round more, first and last page are longer."""
    flash = chiplet(variant, read_s=read_us * 1e-6, bus_slice_bytes=slice_bytes)
    product = Product(1.0, m, n, k, 1.0, 1.0, 1.0)
    strips = strips_of(flash, 1.0, k)
    plan = plan_bands(flash, product, strips, min(float(bands), -(-n // strips.rows)), 1.0)
    found = replay_product(flash, product, plan).latency_s
    wait_s = plan.rounds * slice_wait_s(flash)
    page_s = flash.page_bytes / flash.bus_bandwidth_bytes_per_s
    assert found >= max(plan.flash_s - wait_s, plan.npu_bytes / flash.channels / 1e9, plan.npu_s) * (1.0 - 1e-6)
    most = plan_seconds(plan) + wait_s + tail_s(flash, product) + flash.read_s + 2.0 * page_s
    assert found <= most


def test_reads_that_wait_for_their_planes_take_array_and_channel_in_turn() -> None:
    flash, product = chiplet(read_s=85e-6), int8(7424, 6144)
    plan = plan_bands(flash, product, strips_of(flash, 1.0, product.k), 9.0, 1.0)
    assert plan.link_s > 1.2 * max(plan.channel_s, plan.flash_s)
    dies, turn_s = 32.0, 85e-6 + 16384 / 1e9
    assert plan.link_s == pytest.approx(plan.npu_bytes / (dies * 16384 / turn_s))
    assert replay_product(flash, product, plan).latency_s == pytest.approx(plan.link_s, rel=0.03)


@pytest.mark.parametrize("slice_bytes", [512.0, 2048.0, 8192.0])
def test_a_coarser_slice_keeps_the_cores_waiting_for_longer(slice_bytes: float) -> None:
    product = int8(16384, 4096)
    plan = plan_product(chiplet(), product)
    finer = replay_product(chiplet(bus_slice_bytes=slice_bytes), product, plan).flash_s
    coarser = replay_product(chiplet(bus_slice_bytes=2.0 * slice_bytes), product, plan).flash_s
    assert finer < coarser


@pytest.mark.parametrize("variant", VARIANTS)
def test_without_slices_cores_and_reads_take_turns_in_both(variant: str) -> None:
    flash, product = chiplet(variant, bus_slicing=0.0), int8(16384, 4096)
    plan, found = plan_product(flash, product), replay_product(flash, product)
    page_s = flash.page_bytes / flash.bus_bandwidth_bytes_per_s
    assert plan_seconds(plan) <= found.latency_s <= plan_seconds(plan) + tail_s(flash, product) + page_s


def test_slices_are_what_makes_the_overlap() -> None:
    product = int8(16384, 4096)
    ratio = replay_product(chiplet(bus_slicing=0.0), product).latency_s / replay_product(chiplet(), product).latency_s
    assert 1.5 < ratio < 1.95  # published gain 1.6-1.8


def test_an_npu_slower_than_its_reads_ends_last() -> None:
    flash, product = chiplet(npu_clock_hz=1e7), int8(4096, 4096)
    plan = plan_bands(flash, product, strips_of(flash, 1.0, 4096), 8.0, 1.0)
    found = replay_product(flash, product, plan)
    assert found.latency_s == found.npu_s == pytest.approx(plan.npu_s, rel=0.02)
