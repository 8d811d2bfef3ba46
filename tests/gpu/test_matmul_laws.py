"""Laws of matrix products on GPUs, on random shapes: rooflines, more of a resource, caches, closed forms."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.models.catalog import read_device
from hwsim.models.gpu.matmul import (
    DRAIN_CYCLES,
    Product,
    compulsory_traffic,
    matmul,
    promotes,
    step_cycles,
    tiles_per_sm,
)
from hwsim.models.gpu.memory import cached_share, overlapped
from hwsim.models.gpu.record import Gpu
from hwsim.operators import Matmul
from hwsim.rows import lower

DEVICES = ("a100-sxm-80gb", "h100-sxm-80gb", "b200-sxm-180gb", "l40s-48gb")
SIZES = st.integers(1, 40_000)
GPU = read_device("h100-sxm-80gb").record


def latency(device: str, m: int, n: int, k: int, dtype: str = "bf16", **overrides: object) -> float:
    model = read_device(device, {path.replace("__", "."): value for path, value in overrides.items()})
    return float(hwsim.estimate(model, "matmul", m=m, n=n, k=k, dtype=dtype).latency_s)


@settings(max_examples=60, deadline=None)
@given(device=st.sampled_from(DEVICES), m=SIZES, n=SIZES, k=SIZES, dtype=st.sampled_from(["bf16", "fp8_e4m3"]))
def test_no_product_is_under_the_roofline(device: str, m: int, n: int, k: int, dtype: str) -> None:
    model, operator = read_device(device), Matmul(name="m", m=m, n=n, k=k, dtype=dtype)
    least = max(operator.flops / model.peak_flops_per_s[dtype], operator.bytes / model.bandwidth_bytes_per_s)
    assert latency(device, m, n, k, dtype) >= least * (1 - 1e-9)


@settings(max_examples=30, deadline=None)
@given(device=st.sampled_from(DEVICES), m=SIZES, n=SIZES, k=SIZES)
def test_more_bandwidth_is_never_slower(device: str, m: int, n: int, k: int) -> None:
    slow = latency(device, m, n, k, memory__bandwidth="1 TB/s")
    assert latency(device, m, n, k, memory__bandwidth="2 TB/s") <= slow * (1 + 1e-9)


@settings(max_examples=30, deadline=None)
@given(m=SIZES, n=SIZES, k=SIZES)
def test_weights_from_memory_are_never_faster_than_weights_in_the_cache(m: int, n: int, k: int) -> None:
    device = read_device("l40s-48gb")
    cold = device.cost(device.record, lower(Matmul(name="m", m=m, n=n, k=k)))
    assert cold.latency_s >= latency("l40s-48gb", m, n, k) * (1 - 1e-9)


def test_a_round_more_costs_what_the_rounding_says() -> None:
    assert tiles_per_sm(GPU, 1.0, 1.0, 0.5) == 1.0
    assert tiles_per_sm(GPU, 132.0, 1.0, 0.5) == 1.0
    mean = 133.0 / 132.0
    assert tiles_per_sm(GPU, 133.0, 1.0, 0.25) == pytest.approx(mean + 0.25 * (2.0 - mean))


def test_a_step_takes_the_products_or_the_pipeline_whichever_is_longer() -> None:
    product = Product(1.0, 4096.0, 4096.0, 4096.0, 2.0, 2.0, 2.0, 1e8, 0.0)
    large = step_cycles(GPU, product, 256.0, 128.0, 1.0)
    assert large == pytest.approx(2.0 * 256.0 * 128.0 * 64.0 / (4096.0 * GPU.matmul_achieved))
    assert step_cycles(GPU, product, 16.0, 32.0, 1.0) == GPU.matmul_step_cycles
    assert step_cycles(GPU, product, 16.0, 32.0, 4.0) == GPU.matmul_step_cycles / 4.0


def test_promoted_sums_cost_a_multiply_add_a_result_every_128_of_k() -> None:
    plain = Product(1.0, 4096.0, 4096.0, 4096.0, 1.0, 1.0, 4.0, 1e8, 0.0)
    promoted = plain._replace(promoted=1.0)
    more = step_cycles(GPU, promoted, 128.0, 128.0, 4.0) - step_cycles(GPU, plain, 128.0, 128.0, 4.0)
    assert more == pytest.approx(2.0 * 128.0 * 128.0 / GPU.vector_rate)
    alone = step_cycles(GPU, promoted, 64.0, 32.0, 1.0)
    assert alone == pytest.approx(GPU.matmul_step_cycles + 2.0 * 64.0 * 32.0 / GPU.vector_rate + DRAIN_CYCLES)


@pytest.mark.parametrize(("n", "k", "launches"), [(4096, 4096, 0), (64, 4096, 1), (4096, 64, 2), (64, 64, 2)])
def test_operands_narrower_than_a_scale_block_wait_for_the_host(n: int, k: int, launches: int) -> None:
    device = read_device("h100-sxm-80gb")
    found = hwsim.estimate(device, "matmul", m=16, n=n, k=k, dtype="fp8_e4m3", scaling="block").latency_s
    assert float(found) == pytest.approx(launches * GPU.quantise_host_s) if launches else float(found) < 20e-6


def test_tensor_cores_that_scale_blocks_promote_nothing() -> None:
    row = lower(Matmul(name="m", m=4096, n=4096, k=4096, dtype="fp8_e4m3", scaling="block"))
    assert promotes(GPU, row) == 1.0
    assert promotes(read_device("b200-sxm-180gb").record, row) == 0.0


def test_what_passes_through_the_cache_pushes_out_what_was_there() -> None:
    usable = GPU.l2_bytes * GPU.matmul_l2_share
    assert cached_share(GPU, 0.5 * usable) == 1.0
    assert cached_share(GPU, usable) == pytest.approx(0.5)
    assert cached_share(GPU, 2.0 * usable) == 0.0


def test_weights_that_come_back_soon_are_still_there() -> None:
    product = Product(1.0, 16.0, 1024.0, 1024.0, 2.0, 2.0, 2.0, 2.0 * (1024**2 + 2 * 16 * 1024), 0.0)
    assert compulsory_traffic(GPU, product, 5.0).compulsory == 0.0
    assert compulsory_traffic(GPU, product, 1e9).compulsory == pytest.approx(2.0 * 1024**2)


def test_the_slowest_resource_hides_the_second_but_for_its_interference() -> None:
    assert overlapped(3.0, 2.0, 1.0, 0.25) == 3.5
    assert overlapped(1.0, 1.0, 4.0, 0.0) == 4.0


def test_narrow_activations_are_scaled_first() -> None:
    wide, narrow = (latency("h100-sxm-80gb", 64, 64, 64, dtype) for dtype in ("bf16", "fp8_e4m3"))
    assert narrow > wide + GPU.quantise_fixed_s


def test_dependent_launch_hides_the_set_up_between_products_but_not_after_a_scaling_kernel() -> None:
    b200: Gpu = hwsim.device("b200-sxm-180gb").record
    alone = b200._replace(matmul_dependent=0.0)
    hidden = b200.matmul_fixed_s - b200.quantise_fixed_s
    assert hidden > 0.0

    def seconds(gpu: Gpu, dtype: str) -> float:
        row = lower(Matmul(name="x", m=64, n=4096, k=4096, dtype=dtype))
        return float(matmul(gpu, row).latency_s)

    assert seconds(alone, dtype="bf16") - seconds(b200, dtype="bf16") == pytest.approx(hidden)
    assert seconds(alone, dtype="fp8_e4m3") == pytest.approx(seconds(b200, dtype="fp8_e4m3"))


def test_tensor_cores_that_apply_block_scales_want_them_packed_by_a_kernel() -> None:
    b200: Gpu = hwsim.device("b200-sxm-180gb").record
    row = lower(Matmul(name="x", m=64, n=4096, k=4096, dtype="fp8_e4m3", scaling="block"))
    free = b200._replace(quantise_fixed_s=0.0, matmul_dependent=0.0)
    kernels = matmul(b200._replace(matmul_dependent=0.0), row).latency_s - matmul(free, row).latency_s
    assert kernels == pytest.approx(2.0 * b200.quantise_fixed_s)  # one scales, one packs


def test_rows_scaled_by_eager_kernels_cost_eight_starts_and_47_bytes_a_value() -> None:
    def seconds(m: int, scaling: str) -> float:
        found = hwsim.estimate("h100-sxm-80gb", "matmul", m=m, n=4096, k=4096, dtype="int8", scaling=scaling)
        return float(found.latency_s)

    rate = GPU.memory_bandwidth_bytes_per_s * GPU.memory_achieved
    block = GPU.quantise_fixed_s + 64 * 4096 * 3.0 / (GPU.memory_bandwidth_bytes_per_s * GPU.quantise_memory)
    eager = 8.0 * GPU.fixed_s + 64 * 4096 * 47.0 / rate
    difference = seconds(64, "row_eager") - seconds(64, "row")
    row = block + 4096 * GPU.quantise_value_s + 64 * GPU.quantise_row_s
    assert difference == pytest.approx(eager - row, rel=1e-6)
    assert seconds(8192, "row_eager") == pytest.approx(846e-6, rel=0.1)  # SGLang's int8_wo on an H100
