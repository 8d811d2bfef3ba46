"""The NPU family: laws, closed forms, every operator kind, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.cost import compiled
from hwsim.errors import DoesNotFitError, HwsimError, InputError
from hwsim.models.catalog import read_device, read_link
from hwsim.models.npu.cost import operator_cost
from hwsim.models.npu.matmul import Product, product_cycles, reload_bytes
from hwsim.models.npu.record import Npu
from hwsim.operators import (
    Attention,
    Convolution,
    Elementwise,
    Gather,
    Matmul,
    MixtureOfExperts,
    Norm,
    Operator,
    Softmax,
)
from hwsim.rows import ARITHMETIC_CODES, CACHE, COMPUTE, MEMORY, OperatorCost, OperatorRow, lower

SYSTOLIC = ["tpu-v3-chip", "tpu-v3", "tpu-v4", "tpu-v6e", "ascend-910b-64gb"]
SIZES = st.integers(1, 20_000).map(float)


def record(name: str = "tpu-v4", **changes: float) -> Npu:
    npu: Npu = read_device(name).record
    return npu._replace(**changes)


def latency(npu: Npu, operator: Operator) -> float:
    return operator_cost(npu, lower(operator)).latency_s


def operators() -> list[Operator]:
    return [
        Matmul(name="matmul", m=33, n=1000, k=777),
        Matmul(name="narrow weights", m=8, n=4096, k=4096, weight_dtype="int4:g128"),
        Attention(name="prefill", batch=2, query_length=128, kv_length=128, heads=8, kv_heads=2, head_dim=128),
        Attention(name="decode", batch=2, query_length=1, kv_length=900, heads=8, kv_heads=2, head_dim=128),
        MixtureOfExperts(name="moe", tokens=64, hidden=512, intermediate=1024, experts=8, top_k=2),
        Norm(name="norm", rows=64, columns=4096),
        Softmax(name="softmax", rows=64, columns=4096),
        Elementwise(name="map", elements=1e6, reads=2, writes=1),
        Gather(name="look-up", rows=64, columns=4096, table_rows=32000),
        Convolution(
            name="convolution", batch=2, input_channels=16, output_channels=32, input_rows=28, input_columns=28,
            filter_rows=3, filter_columns=3, padding=1,
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("name", [*SYSTOLIC, "eyeriss"])
@pytest.mark.parametrize("operator", operators(), ids=lambda operator: operator.name)
def test_every_kind_of_operator_runs_and_the_compiled_cost_is_the_plain_one(name: str, operator: Operator) -> None:
    npu, row = record(name), OperatorRow(*map(float, lower(operator)))
    plain = operator_cost(npu, row)
    assert plain.latency_s > 0.0
    assert plain.energy_j > 0.0
    if name in ("tpu-v4", "eyeriss"):
        np.testing.assert_allclose(compiled(operator_cost)(npu, row), plain, rtol=1e-9)


@settings(max_examples=60)
@given(m=SIZES, n=SIZES, k=SIZES, name=st.sampled_from(SYSTOLIC))
def test_no_product_beats_the_roofline(m: float, n: float, k: float, name: str) -> None:
    device = read_device(name)
    operator = Matmul(name="matmul", m=m, n=n, k=k)
    floor = max(operator.flops / device.peak_flops_per_s["bf16"], operator.bytes / device.bandwidth_bytes_per_s)
    assert latency(device.record, operator) >= floor


RESOURCES = (
    "memory_bandwidth_bytes_per_s", "sram_bandwidth_bytes_per_s", "clock_hz", "sram_bytes", "array_count",
    "vector_operations", "vector_exponentials",
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    m=SIZES, n=SIZES, k=SIZES, name=st.sampled_from(SYSTOLIC), factor=st.floats(1.0, 8.0), dtype=st.sampled_from(
        ["bf16", "int8"]
    ),
)  # fmt: skip
def test_more_of_any_resource_is_never_slower(
    m: float, n: float, k: float, name: str, factor: float, dtype: str
) -> None:
    npu = record(name)
    operators: list[Operator] = [
        Matmul(name="matmul", m=m, n=n, k=k, dtype=dtype),
        Attention(name="attention", batch=1, query_length=m, kv_length=m + n, heads=8, kv_heads=2, head_dim=128),
    ]
    for operator in operators:
        for field in RESOURCES:
            more = float(np.ceil(getattr(npu, field) * factor))
            assert latency(npu._replace(**{field: more}), operator) <= latency(npu, operator) * (1 + 1e-12)


def test_no_attention_beats_the_arrays() -> None:
    device = read_device("tpu-v4")
    for queries, keys in ((2048, 2048), (512, 8192)):
        operator = Attention(
            name="prefill", batch=4, query_length=queries, kv_length=keys, heads=32, kv_heads=32, head_dim=128
        )
        assert latency(device.record, operator) >= operator.flops / device.peak_flops_per_s["bf16"]


def test_a_product_that_fills_the_arrays_takes_the_closed_form() -> None:
    npu = record(array_count=1.0)
    product = Product(1.0, 4096.0, 256.0, 256.0, 2.0, 2.0, 2.0, 0.0)
    # 2 x 2 tiles of 128 x 128 weights, 4096 rows streamed through each, one fill and drain.
    assert product_cycles(npu, product) == 4 * 4096 + 2 * 128 + 128 - 2


def test_a_size_beyond_a_multiple_of_the_array_pays_for_a_whole_tile_more() -> None:
    npu = record("tpu-v6e", array_count=1.0)
    at, beyond = (Product(1.0, 4096.0, 256.0, k, 2.0, 2.0, 2.0, 0.0) for k in (1024.0, 1025.0))
    assert product_cycles(npu, beyond) - product_cycles(npu, at) == 4096


def test_few_rows_wait_for_the_weights_of_each_tile() -> None:
    npu = record(array_count=1.0)
    one = product_cycles(npu, Product(1.0, 1.0, 1024.0, 1024.0, 2.0, 2.0, 2.0, 0.0))
    full = product_cycles(npu, Product(1.0, 128.0, 1024.0, 1024.0, 2.0, 2.0, 2.0, 0.0))
    assert one == pytest.approx(full, rel=0.02)


def test_a_memory_that_holds_an_operand_reloads_nothing_and_a_smaller_one_more() -> None:
    product = Product(1.0, 8192.0, 8192.0, 8192.0, 2.0, 2.0, 2.0, 0.0)
    reloads = [reload_bytes(record(sram_bytes=size), product) for size in (512e6, 64e6, 16e6, 4e6)]
    assert reloads[0] == 0.0
    assert reloads == sorted(reloads)
    # 33 MB of weights stay in a memory of 80 MB, however long the other operand is.
    assert reload_bytes(record(sram_bytes=80e6), Product(1.0, 100_000.0, 4096.0, 4096.0, 2.0, 2.0, 2.0, 0.0)) == 0.0
    # A square output tile of s x s fp32 sums is read at most 2 x 2 n^3 / s bytes: the search stays within twice that.
    side = (16e6 / 4.0) ** 0.5
    assert reloads[2] < 2.0 * 2.0 * 2.0 * 8192.0**3 / side


# Public specifications: bf16 and int8 peak, pins, capacity, bytes a second and direction of all links of a chip.
# TPU: Cloud TPU documentation and jax/_src/pallas/mosaic/tpu_info.py; Ascend: module data as quoted by vendors.
SPECIFICATIONS = {
    "tpu-v3-chip": (123e12, 123e12, 900e9, 32 * 2**30, 328e9),
    "tpu-v3": (61.5e12, 61.5e12, 450e9, 16 * 2**30, 164e9),
    "tpu-v4": (275e12, 275e12, 1200e9, 32 * 2**30, 300e9),
    "tpu-v6e": (918e12, 1836e12, 1638e9, 32e9, 400e9),
    "ascend-910b-64gb": (376e12, 752e12, 1600e9, 64e9, 196e9),
}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_device_has_the_figures_of_its_public_specification(name: str) -> None:
    device = read_device(name)
    bf16, int8, pins, capacity, link = SPECIFICATIONS[name]
    assert device.peak_flops_per_s["bf16"] == pytest.approx(bf16, rel=0.005)
    assert device.peak_flops_per_s["int8"] == pytest.approx(int8, rel=0.005)
    assert device.bandwidth_bytes_per_s == pins
    assert device.memory_bytes == capacity
    assert device.native_link is not None
    assert read_link(device.native_link).bandwidth_bytes_per_s == link


def test_a_chip_of_two_cores_is_twice_one_core() -> None:
    chip, core = read_device("tpu-v3-chip").record, read_device("tpu-v3").record
    for field in ("array_count", "vector_operations", "sram_bytes", "memory_bytes", "memory_bandwidth_bytes_per_s"):
        assert getattr(chip, field) == 2.0 * getattr(core, field)
    assert chip.clock_hz == core.clock_hz


@pytest.mark.parametrize("name", ["tpu-v3-chip", "tpu-v4", "tpu-v6e", "ascend-910b-64gb"])
@pytest.mark.parametrize("dtype", ["bf16", "int8"])
def test_a_larger_product_is_never_faster_and_none_beats_the_peak_or_the_start(name: str, dtype: str) -> None:
    device = hwsim.device(name)
    sizes = [1, 64, 128, 129, 192, 256, 257, 511, 1000, 1024, 1025, 2048, 4096, 4097, 8192, 16384]
    found = hwsim.estimate(device, "matmul", m=sizes, n=sizes, k=sizes, dtype=dtype).latency_s
    assert list(found) == sorted(found)
    for size, latency_s in zip(sizes, found, strict=True):
        assert latency_s > device.record.fixed_s + 2.0 * size**3 / device.peak_flops_per_s[dtype]
    # One row more than whole tiles costs at most one more tile of each dimension.
    assert found[sizes.index(1025)] / found[sizes.index(1024)] < (9.0 / 8.0) ** 2 * 1.02
    assert found[sizes.index(4097)] / found[sizes.index(4096)] < 1.25


@pytest.mark.parametrize("name", SYSTOLIC)
def test_llama_runs_and_decoding_is_bound_by_memory(name: str) -> None:
    result = hwsim.simulate("llama-2-7b", on=name, phase="decode", batch=1, context=1024)
    assert result.basis == "zero-shot"
    assert 0.5 < (result.bandwidth_share or 0.0) < 1.0


def test_a_network_that_does_not_fit_is_refused_with_its_size() -> None:
    with pytest.raises(DoesNotFitError, match=r"llama-2-70b does not fit on tpu-v4: it needs 13\d"):
        hwsim.simulate("llama-2-70b", on="tpu-v4")


def test_the_estimate_of_a_device_takes_arrays() -> None:
    found = hwsim.estimate(hwsim.device("tpu-v4"), "matmul", m=[1, 4096], n=4096, k=4096, dtype="bf16")
    assert found.latency_s[0] < found.latency_s[1]
    assert list(found.bound) == ["memory", "compute"]


@pytest.mark.parametrize(
    ("override", "value", "words"),
    [
        ("array.rows", 0, ["array.rows"]),
        ("array.columns", -4, ["array.columns"]),
        ("array.count", 0, ["array.count"]),
        ("array.rows", 12.5, ["array.rows", "whole number"]),
        ("sram.capacity", "32 KiB", ["sram.capacity", "holds no tile", "128"]),
        ("array.dataflow", "weight_stationery", ["array.dataflow", "weight_stationary"]),
        ("memory.bandwidth", "-1 GB/s", ["memory.bandwidth"]),
        ("array.bf16", 0, []),
        ("array.rowz", 4, ["array.rows"]),
    ],
)
def test_an_impossible_array_is_refused_in_one_line(override: str, value: object, words: list[str]) -> None:
    overrides = {override: value, "array.int8": 0} if override == "array.bf16" else {override: value}
    with pytest.raises(HwsimError) as caught:
        read_device("tpu-v4", overrides)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_row_stationary_array_needs_its_stores(tmp_path: Path) -> None:
    shipped = Path(read_device.__code__.co_filename).parent / "devices" / "tpu-v4.toml"
    path = tmp_path / "mine.toml"
    path.write_text(shipped.read_text().replace("weight_stationary", "row_stationary"))
    with pytest.raises(InputError, match="local"):
        read_device(path)


def test_zeros_beyond_all_values_are_refused() -> None:
    with pytest.raises(InputError, match="zero_share"):
        read_device("eyeriss", {"local.zero_share": 1.5})


@pytest.mark.parametrize(
    ("name", "peak_flops_per_s", "pins_bytes_per_s"),
    [("tpu-v3-chip", 123e12, 900e9), ("tpu-v4", 275e12, 1.2e12), ("tpu-v6e", 918e12, 1.638e12)],
)
def test_a_tpu_reaches_what_its_mechanisms_leave_of_the_public_figures(
    name: str, peak_flops_per_s: float, pins_bytes_per_s: float
) -> None:
    n = 8192.0
    large = hwsim.estimate(name, "matmul", m=n, n=n, k=n, dtype="bf16").latency_s
    assert 0.85 < 2 * n**3 / large / peak_flops_per_s < 0.95
    one_row = hwsim.estimate(name, "matmul", m=1, n=n, k=n, dtype="bf16").latency_s
    assert 0.80 < 2 * n * n / one_row / pins_bytes_per_s < 0.90
    # Fill, drain, launch and a first access leave little of the peak to a small product, the less the faster the chip.
    small = hwsim.estimate(name, "matmul", m=512, n=512, k=512, dtype="bf16").latency_s
    assert 2 * 512**3 / small / peak_flops_per_s < 0.5


@pytest.mark.parametrize(
    ("missing", "runs_in", "dtypes"),
    [
        ({"macs_16bit": 0.0, "macs_fp32": 0.0, "macs_fp8": 0.0}, "int8", ("fp32", "bf16", "fp8_e4m3", "int4")),
        ({"macs_fp32": 0.0, "macs_fp8": 0.0, "macs_int8": 0.0}, "bf16", ("fp32", "tf32", "int8", "fp8_e4m3", "mxfp4")),
    ],
)
@pytest.mark.parametrize("name", SYSTOLIC)
def test_a_format_without_hardware_has_the_rate_and_the_energy_of_the_one_it_runs_in(
    name: str, missing: dict[str, float], runs_in: str, dtypes: tuple[str, ...]
) -> None:
    npu = record(name)._replace(**{"macs_int8": 2.0, **missing})

    def cost(dtype: str) -> OperatorCost:
        row = lower(Matmul(name="x", m=512, n=4096, k=4096, dtype="bf16", weight_dtype="bf16"))
        return operator_cost(npu, row._replace(arithmetic=ARITHMETIC_CODES[dtype]))

    for dtype in dtypes:
        assert cost(dtype) == cost(runs_in), dtype


def test_the_slowest_of_arrays_memory_and_sram_is_the_bound() -> None:
    row = lower(Matmul(name="x", m=64, n=8192, k=8192))
    assert operator_cost(record(), row).bound == MEMORY
    for changed, bound in (
        ({"memory_bandwidth_bytes_per_s": 1e15}, COMPUTE),
        ({"sram_bandwidth_bytes_per_s": 1e11}, CACHE),
    ):
        assert operator_cost(record()._replace(**changed), row).bound == bound
