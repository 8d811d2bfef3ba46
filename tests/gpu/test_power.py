"""Board power: the limit holds, energy is what its parts add up to, busy boards draw more, and measured kernels."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.errors import InputError
from hwsim.estimation import KINDS
from hwsim.experiments.calibration import power as calibration
from hwsim.models.catalog import list_devices, read_device
from hwsim.models.gpu.power import HELD_SHARE, active_power_w, kernel_energy_j, running_share, slowdown
from hwsim.operators import Matmul
from hwsim.rows import lower
from hwsim.validation.power import load, predicted_w

GPUS = [name for name in list_devices() if read_device(name).family == "gpu"]


@given(
    name=st.sampled_from(GPUS), m=st.integers(1, 16384), n=st.integers(64, 16384), k=st.integers(64, 16384),
    dtype=st.sampled_from(["bf16", "fp8_e4m3", "int8"]), scaling=st.sampled_from(["tensor", "block"]),
)  # fmt: skip
def test_no_product_draws_more_than_the_limit_or_less_than_the_idle_board(
    name: str, m: int, n: int, k: int, dtype: str, scaling: str
) -> None:
    device = read_device(name)
    found = device.cost(device.record, lower(Matmul(name="p", m=m, n=n, k=k, dtype=dtype, scaling=scaling)))  # type: ignore[arg-type]
    power = found.energy_j / found.latency_s
    assert device.idle_power_w <= power <= device.record.power_limit_w * 1.001


def test_a_kernels_energy_is_the_idle_board_the_running_sms_and_the_work() -> None:
    gpu = read_device("h200-sxm-141gb").record._replace(idle_power_w=100.0, power_limit_w=700.0, active_power_share=0.2)
    assert active_power_w(gpu) == pytest.approx(140.0)
    assert kernel_energy_j(gpu, 1.0, 2.0, 1.0, 1.0) == pytest.approx(1.0 + (140.0 + 100.0) * 2.0)
    assert kernel_energy_j(gpu, 1.0, 2.0, 1.0, 0.25) == pytest.approx(1.0 + (0.25 * 140.0 + 100.0) * 2.0)
    assert running_share(2.0, 1.5) == 0.25
    assert running_share(1.0, 1.0) == 0.0


def test_a_tiny_kernel_draws_little_more_than_the_idle_board_for_its_sms_hardly_run() -> None:
    gpu = hwsim.device("h200-sxm-141gb")
    watts = [
        hwsim.estimate(gpu, "matmul", m=m, n=m, k=m, dtype="bf16").energy_j
        / hwsim.estimate(gpu, "matmul", m=m, n=m, k=m, dtype="bf16").latency_s
        for m in (16, 512, 4096)
    ]
    busy_w = gpu.idle_power_w + active_power_w(gpu.record)
    assert gpu.idle_power_w < watts[0] < gpu.idle_power_w + 0.5 * active_power_w(gpu.record)
    assert watts[0] < watts[1] < watts[2]
    assert watts[2] > busy_w


@given(
    watts=st.floats(1.0, 1e5), latency_s=st.floats(1e-6, 1.0), clocked=st.floats(0.05, 1.0),
    running=st.floats(0.0, 1.0),
)  # fmt: skip
def test_a_slowed_board_draws_what_it_holds_and_waiting_for_memory_hides_a_slower_clock(
    watts: float, latency_s: float, clocked: float, running: float
) -> None:
    gpu = read_device("h200-sxm-141gb").record._replace(idle_power_w=100.0, power_limit_w=700.0, active_power_share=0.2)
    without_w = 100.0 + 140.0 * running
    room_w = HELD_SHARE * 700.0 - without_w
    slower = slowdown(gpu, watts * latency_s, latency_s, clocked * latency_s, running)
    lasts = max(latency_s, clocked * latency_s * slower)
    power = kernel_energy_j(gpu, watts * latency_s, lasts, slower, running) / lasts
    assert power == pytest.approx(without_w + min(watts, room_w))
    if clocked == 1.0:
        assert slower == pytest.approx(max(1.0, (watts / room_w) ** (1 / 3)))
    if watts < room_w / clocked**2:
        assert lasts == pytest.approx(latency_s)


def test_a_lower_limit_slows_large_products_down_to_it_and_leaves_small_ones_alone() -> None:
    full = read_device("h100-sxm-80gb")
    capped = read_device("h100-sxm-80gb", {"power.limit": "350 W"})
    large, small = ({"m": 8192, "n": 8192, "k": 8192}, {"m": 1, "n": 4096, "k": 4096})
    slow = hwsim.estimate(capped, "matmul", **large)
    assert slow.latency_s > 1.2 * hwsim.estimate(full, "matmul", **large).latency_s
    assert slow.energy_j / slow.latency_s == pytest.approx(350.0 * HELD_SHARE, rel=0.005)
    quick = hwsim.estimate(capped, "matmul", **small)
    assert quick.latency_s == pytest.approx(hwsim.estimate(full, "matmul", **small).latency_s)


def test_a_large_bf16_product_on_an_h200_takes_about_the_board_energy_that_was_measured() -> None:
    # Measured: 1.04 pJ a FLOP of the whole board (aiconfigurator's vLLM collection, large bf16 GEMM on an H200).
    found = hwsim.estimate("h200-sxm-141gb", "matmul", m=16384, n=8192, k=8192, dtype="bf16")
    assert found.energy_j / (2 * 16384 * 8192 * 8192) == pytest.approx(1.04e-12, rel=0.15)


@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_several_boards_draw_idle_and_running_power_while_they_exchange_results(phase: str) -> None:
    network, system = hwsim.network("llama-2-7b"), "8 x a100-sxm-80gb"
    if phase == "decode":
        found = hwsim.simulate(network, on=system, phase=phase, batch=1, context=512, parallel={"tp": 8})
    else:
        found = hwsim.simulate(network, on=system, phase=phase, batch=1, prompt=64, parallel={"tp": 8})
    collectives = [each for each in found.operators if each.kind == "collective"]
    assert collectives
    gpu = read_device("a100-sxm-80gb").record
    idle_w, running_w = 8 * gpu.idle_power_w, 8 * active_power_w(gpu)
    for each in collectives:
        kernel_s = each.latency_s - each.runtime_s
        assert each.energy_j >= (idle_w * each.latency_s + running_w * kernel_s) * (1 - 1e-9)
    assert found.energy_j >= idle_w * found.latency_s * (1 - 1e-9)


def test_a_windows_ends_take_the_energy_of_whole_steps_of_keys() -> None:
    gpu = read_device("h200-sxm-141gb", {"power.limit": "100 kW"})
    prompt = {
        "batch": 4,
        "query_length": 8192,
        "kv_length": 8192,
        "heads": 32,
        "kv_heads": 4,
        "head_dim": 128,
        "dtype": "bf16",
    }
    record = gpu.record._replace(
        idle_power_w=0.0, active_power_share=0.0, energy_memory_byte_j=0.0, energy_l2_byte_j=0.0
    )
    joules = [
        gpu.cost(record, lower(KINDS["attention"][0](window=window, **prompt))).energy_j for window in (128, 256, 1024)
    ]
    # Each query of a group of eight sees the window, and 127 keys more lie in its first and last step.
    scores = [joules[1] / joules[0], joules[2] / joules[1]]
    assert scores[0] == pytest.approx((256 + 127) / (128 + 127), rel=0.06)
    assert scores[1] == pytest.approx((1024 + 127) / (256 + 127), rel=0.08)


def test_narrower_formats_take_less_energy_for_the_same_product() -> None:
    shape = {"m": 8192, "n": 8192, "k": 8192}
    joules = [
        hwsim.estimate("b200-sxm-180gb", "matmul", dtype=name, **shape).energy_j
        for name in ("bf16", "fp8_e4m3", "nvfp4")
    ]
    assert joules[0] > joules[1] > joules[2]


def test_the_power_of_a_device_that_was_not_measured_is_refused() -> None:
    with pytest.raises(InputError, match="b200-sxm-180gb.*h200-sxm-141gb"):
        load("b200-sxm-180gb")
    with pytest.raises(InputError, match="HWSIM_DATA_DIR"):
        load("h200-sxm-141gb", "/nowhere")


@pytest.mark.external_data
def test_settled_bf16_products_lie_within_the_published_error_and_the_fit_gives_the_constants_in_the_catalog(
    external_data: Path,
) -> None:
    device = read_device("h200-sxm-141gb")
    rows = load("h200-sxm-141gb", str(external_data))
    held = rows.where((rows.latency_s >= 1e-4) & rows.held_out & (rows.family == "gemm bfloat16"))
    for watts in (predicted_w(device, held), predicted_w(device, held, held.latency_s)):
        assert abs(watts / held.power_w - 1.0).mean() < 0.13
    values = calibration.fit()
    for path, value in values.items():
        # The tiles and the traffic of products follow a fit of their own, which may come after this one.
        assert getattr(device.record, device.record_paths[path]) == pytest.approx(value, rel=0.1), path
