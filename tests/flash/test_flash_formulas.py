"""Flash chiplets: the published tile and rates, laws, plain against compiled, both memories, bad input."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.commands.app import run_app
from hwsim.cost import compiled
from hwsim.errors import DoesNotFitError, HwsimError, InputError
from hwsim.models.flash.record import FlashChiplet
from hwsim.models.flash.tiling import Product, plan_bands, plan_product, plan_seconds, slice_wait_s, strips_of
from hwsim.operators import Attention, Elementwise, Gather, Matmul, MixtureOfExperts, Norm, Operator, Softmax
from hwsim.rows import OperatorRow, lower

VARIANTS = ("cambricon-llm-s", "cambricon-llm-m", "cambricon-llm-l")
OPERATORS: list[Operator] = [
    Matmul(name="decode", m=1, n=4096, k=4096, dtype="int8"),
    Matmul(name="prefill", m=512, n=4096, k=5120, dtype="int8"),
    Matmul(name="int4", m=1, n=11008, k=4096, dtype="bf16", weight_dtype="int4:g128"),
    Attention(name="attention", batch=1, query_length=1, kv_length=1024, heads=32, kv_heads=8, head_dim=128),
    MixtureOfExperts(name="moe", tokens=4, hidden=4096, intermediate=14336, experts=8, top_k=2),
    Norm(name="norm", rows=1, columns=4096),
    Softmax(name="softmax", rows=32, columns=1024),
    Elementwise(name="activation", elements=16384),
    Gather(name="embedding", rows=4, columns=4096, table_rows=32000),
]


def chiplet(name: str = "cambricon-llm-s", **changes: float) -> FlashChiplet:
    record: FlashChiplet = hwsim.device(name).record
    return record._replace(**changes)


def int8(n: float, k: float, m: float = 1.0) -> Product:
    return Product(1.0, m, n, k, 1.0, 1.0, 1.0)


def tile(name: str) -> tuple[float, float]:
    flash = chiplet(name)
    found = strips_of(flash, 1.0, 16384)
    return found.rows, found.columns * flash.channels


def test_the_tile_of_s_and_l_is_the_published_one_and_that_of_m_the_nearest_power_of_two() -> None:
    assert tile("cambricon-llm-s") == (256.0, 2048.0)
    assert tile("cambricon-llm-l") == (512.0, 16384.0)
    assert tile("cambricon-llm-m") == (256.0, 8192.0)  # 362 x 5793 rounded


@pytest.mark.parametrize(
    ("name", "in_flash", "read"),
    [("cambricon-llm-s", 17.33e9, 7.865e9), ("cambricon-llm-l", 274.9e9, 30.93e9)],
)
def test_a_large_matrix_runs_at_the_rates_of_section_v_of_the_paper(name: str, in_flash: float, read: float) -> None:
    flash, product = chiplet(name, bus_slice_bytes=0.0), int8(16384 * 40, 16384)  # the paper has no wait for slices
    plan = plan_product(flash, product)
    assert product.n * product.k / plan_seconds(plan) == pytest.approx(in_flash + read, rel=5e-3)
    assert plan.flash_bytes / (product.n * product.k) == pytest.approx(in_flash / (in_flash + read), rel=5e-3)


@pytest.mark.parametrize(
    ("k", "rounds_a_band"),
    [(16384, 1.0), (8192, 0.5), (4096, 0.25), (5120, 0.5), (7168, 0.5), (9216, 1.0), (36864, 2.25), (28672, 2.0)],
)
def test_widths_whose_share_of_a_channel_is_no_power_of_two_take_more_rounds_on_l(k: int, rounds_a_band: float) -> None:
    flash = chiplet("cambricon-llm-l", split_npu=0.0)
    assert plan_product(flash, int8(400 * 512, k)).rounds == 400.0 * rounds_a_band


@given(n=st.integers(1, 60000), k=st.integers(1, 60000), m=st.integers(1, 64), which=st.sampled_from(VARIANTS))
@settings(max_examples=150, deadline=None)
def test_no_byte_is_lost_and_no_side_is_faster_than_its_bandwidth(n: int, k: int, m: int, which: str) -> None:
    flash, product = chiplet(which), int8(n, k, m)
    plan = plan_product(flash, product)
    assert plan.flash_bytes + plan.npu_bytes == pytest.approx(n * k)
    dies = flash.channels * flash.chips * flash.dies
    array_rate = dies * flash.planes * flash.page_bytes / flash.read_s
    assert plan_seconds(plan) >= (plan.flash_bytes + plan.npu_bytes) / array_rate * (1.0 - 1e-9)
    assert plan.bus_bytes <= flash.channels * flash.bus_bandwidth_bytes_per_s * plan_seconds(plan) * (1.0 + 1e-9)


MORE: dict[str, float] = {
    "channels": 2.0, "planes": 2.0, "read_s": 0.9, "bus_bandwidth_bytes_per_s": 1.1, "core_clock_hz": 1.2,
    "npu_clock_hz": 1.3, "array_count": 2.0, "d2d_bandwidth_bytes_per_s": 1.2, "bus_slice_bytes": 0.5,
}  # fmt: skip
SHAPES = {
    "n": st.integers(1, 30000), "k": st.integers(1, 30000), "m": st.sampled_from([1, 2, 7, 64, 512]),
    "stored": st.sampled_from([0.5, 0.53125, 1.0, 2.0]), "planes": st.integers(1, 4),
    "link": st.sampled_from([5e9, 20e9, 64e9]), "which": st.sampled_from(VARIANTS),
}  # fmt: skip


def of_shape(n: int, k: int, m: int, stored: float) -> Product:
    return Product(1.0, m, n, k, min(stored, 1.0), stored, max(1.0, stored))


@pytest.mark.parametrize("field", MORE)
@given(**SHAPES)
@settings(max_examples=40, deadline=None)
def test_more_of_a_resource_is_never_slower(
    field: str, n: int, k: int, m: int, stored: float, planes: int, link: float, which: str
) -> None:
    flash, product = chiplet(which, planes=planes, d2d_bandwidth_bytes_per_s=link), of_shape(n, k, m, stored)
    more = flash._replace(**{field: getattr(flash, field) * MORE[field]})
    assert plan_seconds(plan_product(more, product)) <= plan_seconds(plan_product(flash, product)) * (1.0 + 1e-9)


@given(extra=st.integers(1, 40), **SHAPES)
@settings(max_examples=150, deadline=None)
def test_one_channel_more_a_larger_batch_and_a_smaller_matrix_are_never_slower_a_token(
    extra: int, n: int, k: int, m: int, stored: float, planes: int, link: float, which: str
) -> None:
    flash, product = chiplet(which, planes=planes, d2d_bandwidth_bytes_per_s=link), of_shape(n, k, m, stored)
    seconds = plan_seconds(plan_product(flash, product)) * (1.0 + 1e-9)
    assert plan_seconds(plan_product(flash._replace(channels=flash.channels + extra), product)) <= seconds
    assert plan_seconds(plan_product(flash, product._replace(m=m + extra))) / (m + extra) <= seconds / m
    assert plan_seconds(plan_product(flash, product._replace(n=max(1, n - extra)))) <= seconds
    assert plan_seconds(plan_product(flash, product._replace(k=max(1, k - extra)))) <= seconds


@given(**SHAPES)
@settings(max_examples=60, deadline=None)
def test_no_share_of_the_flash_ends_before_the_one_chosen(
    n: int, k: int, m: int, stored: float, planes: int, link: float, which: str
) -> None:
    flash, product = chiplet(which, planes=planes, d2d_bandwidth_bytes_per_s=link), of_shape(n, k, m, stored)
    strips = strips_of(flash, stored, k)
    bands = -(-n // int(strips.rows))
    tried = range(bands + 1) if planes > 1 else (0, bands)
    best = min(plan_seconds(plan_bands(flash, product, strips, float(each), 1.0)) for each in tried)
    assert plan_seconds(plan_product(flash, product)) <= best * (1.0 + 1e-9)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("network", ["opt-6.7b", "llama-3.1-8b", "mixtral-8x7b"])
def test_a_larger_batch_decodes_no_fewer_tokens_and_no_resource_more_slows_a_network(network: str, name: str) -> None:
    def latency_s(batch: int = 1, **changes: Any) -> float:
        on = hwsim.device(name, **changes)
        return hwsim.simulate(
            network, on=on, batch=batch, context=300, weights="int4:g128", activations="bf16"
        ).latency_s

    rates = [batch / latency_s(batch) for batch in (1, 2, 3, 5, 8, 12)]
    assert rates == sorted(rates)
    changes: list[dict[str, Any]] = [
        {"nand__channels": 33}, {"nand__read": "29 us"}, {"nand__planes": 4}, {"core__clock": "410 MHz"},
        {"bus__bandwidth": "1.05 GB/s"}, {"npu__clock": "1.1 GHz"}, {"memory__bandwidth": "41 GB/s"},
    ]  # fmt: skip
    assert all(latency_s(**change) <= latency_s() * (1.0 + 1e-9) for change in changes)


def test_inputs_wait_half_a_slice_where_reads_fill_the_channel() -> None:
    flash = chiplet()
    plan = plan_product(flash, int8(4096, 4096))
    assert slice_wait_s(flash) == pytest.approx(1.024e-6)
    assert (plan.rounds, plan.npu_rows) == (22.0, 5 * 256.0)
    assert plan.flash_s == pytest.approx(22 * (30e-6 + 1.024e-6 + 0.256e-6))
    assert plan_product(chiplet(split_npu=0.0), int8(4096, 4096)).flash_s == pytest.approx(32 * 30.256e-6)


def test_without_slices_cores_and_reads_take_turns() -> None:
    plan = plan_product(chiplet(bus_slicing=0.0), int8(4096, 4096))
    assert plan_seconds(plan) == pytest.approx(plan.rounds * 30.256e-6 + plan.npu_bytes / 8e9)


def test_one_plane_leaves_nothing_for_reads_so_one_side_does_all() -> None:
    assert plan_product(chiplet(planes=1.0), int8(4096, 4096)).npu_bytes == 0.0
    assert plan_product(chiplet(planes=1.0), int8(4096, 4096, m=512.0)).flash_bytes == 0.0


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: f"{o.kind}-{o.name}")
def test_the_compiled_flash_formula_equals_the_plain_one(operator: Operator, name: str) -> None:
    device, row = hwsim.device(name), OperatorRow(*map(float, lower(operator)))  # floats: compiled once
    plain = device.cost(device.record, row)
    assert compiled(device.cost)(device.record, row) == pytest.approx(plain, rel=1e-9)
    assert plain.latency_s > 0.0 and plain.energy_j > 0.0


def test_weights_live_in_flash_and_the_rest_in_dram() -> None:
    device = hwsim.device("cambricon-llm-s")
    assert device.weight_memory_bytes == 32 * 4 * 2**30
    with pytest.raises(DoesNotFitError, match="137.4 GB for weights"):
        hwsim.simulate("llama-2-70b", on=device, weights="fp32", activations="int8")
    with pytest.raises(DoesNotFitError, match="4.0 GB for the rest"):
        hwsim.simulate("opt-66b", on=device, weights="int8", activations="int8", batch=64)


def test_the_largest_batch_is_set_by_the_dram_alone() -> None:
    asked: dict[str, Any] = {"weights": "int8", "activations": "int8", "context": 512}
    result = hwsim.simulate("opt-6.7b", on="cambricon-llm-s", **asked)
    assert result.largest_batch == int(4e9 // (result.memory.kv + result.memory.activations))
    more = dataclasses.replace(hwsim.device("cambricon-llm-s"), weight_memory_bytes=1e12)
    assert hwsim.simulate("opt-6.7b", on=more, **asked).largest_batch == result.largest_batch


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nand__read": "-30 us"}, "nand.read"), ({"nand__read": "0 us"}, "nand.read"),
        ({"nand__program": "-450 us"}, "nand.program"), ({"nand__erase": "-5 ms"}, "nand.erase"),
        ({"nand__planes": 0}, "nand.planes"), ({"nand__planes": 1.5}, "whole number"),
        ({"nand__page": "15000 B", "bus__slice": "5000 B"}, "of a plane"), ({"bus__slice": "3 kB"}, "nand.page"),
        ({"nand__channels": 0}, "nand.channels"), ({"bus__slicing": 0.5}, "must be 1"),
        ({"tiling__columns": 2047}, "multiple of the 8 channels"), ({"nand__pagge": "16 KiB"}, "did you mean"),
        ({"bus__bandwidth": "0 GB/s"}, "bus.bandwidth"), ({"core__macs": 0}, "core.macs"),
        ({"npu__sram": "1 KiB"}, "npu.sram"), ({"core__buffer": "128 B"}, "core.buffer"),
    ],
)  # fmt: skip
def test_an_impossible_chiplet_is_refused_in_one_line(change: dict[str, str], message: str) -> None:
    with pytest.raises(HwsimError, match=message) as refused:
        hwsim.device("cambricon-llm-s", **change)
    assert "\n" not in str(refused.value)


def test_a_network_larger_than_the_flash_ends_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "llama-3.1-405b", "--on", "cambricon-llm-s", "--weights", "int8"]
    assert run_app(arguments) == 2
    error = capsys.readouterr().err
    assert "does not fit" in error and error.count("\n") == 1


def test_every_kind_of_estimate_works_on_every_variant() -> None:
    for name in VARIANTS:
        for kind, arguments in {
            "matmul": {"m": 1, "n": [4096, 8192], "k": 4096, "dtype": "int8"},
            "attention": {
                "batch": 1, "query_length": 1, "kv_length": 512, "heads": 32, "kv_heads": 8, "head_dim": 128,
                "dtype": "int8",
            },
            "moe": {"tokens": 1, "hidden": 4096, "intermediate": 14336, "experts": 8, "top_k": 2, "dtype": "int8"},
            "elementwise": {"elements": 4096, "reads": 1, "writes": 1, "dtype": "int8"},
            "softmax": {"rows": 32, "columns": 512, "dtype": "int8"},
            "norm": {"rows": 1, "columns": 4096, "dtype": "int8"},
        }.items():  # fmt: skip
            assert (
                (hwsim.estimate(hwsim.device(name), kind, **arguments).latency_s > 0).all()
                if kind == "matmul"
                else True
            )
            assert hwsim.estimate(name, kind, **arguments).basis == "development"


@pytest.mark.parametrize("m", [64, 512])
def test_the_cost_of_a_product_is_its_plan(m: int) -> None:
    asked: dict[str, Any] = {"m": m, "n": 4096, "k": 4096, "dtype": "int8"}
    flash = chiplet(npu_clock_hz=1e11, d2d_bandwidth_bytes_per_s=4e9)  # reads over the link are the slower side
    plan = plan_product(flash, int8(4096, 4096, m))
    assert plan.link_s > max(plan.flash_s, plan.channel_s, plan.npu_s)
    device = dataclasses.replace(hwsim.device("cambricon-llm-s"), record=flash)
    found = hwsim.estimate(device, "matmul", **asked)
    assert (found.latency_s, found.bound) == (plan_seconds(plan), "link")


def test_eight_bit_weights_run_in_eight_bits_whatever_the_activations() -> None:
    asked: dict[str, Any] = {"m": 1, "n": 4096, "k": 4096}
    narrow = hwsim.estimate("cambricon-llm-s", "matmul", dtype="int8", **asked).latency_s
    mixed = hwsim.estimate("cambricon-llm-s", "matmul", dtype="bf16", weight_dtype="int8", **asked).latency_s
    wide = hwsim.estimate("cambricon-llm-s", "matmul", dtype="bf16", **asked).latency_s
    assert narrow == mixed < wide / 1.8


def test_a_collective_on_chiplets_without_a_link_is_refused() -> None:
    with pytest.raises(InputError, match="no native link|no link"):
        hwsim.estimate("cambricon-llm-s", "collective", ranks=2, message_bytes=1e6)
