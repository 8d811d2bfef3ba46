"""10-90 % intervals: classes by latency, sums over a run, wider where nothing was fitted, and their coverage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import hwsim
from hwsim.hardware import System
from hwsim.intervals import EVERY_OPERATOR, Calls, Residuals, interval, outside, total_interval
from hwsim.models.catalog import list_devices, read_device
from hwsim.models.catalog.residuals import published_residuals
from hwsim.validation.evaluation import evaluate
from hwsim.validation.targets import load

# Tables whose own share lies outside 70 to 95 %: one interval serves all tables of an operator and width.
OUTSIDE = {
    "a100-sxm-80gb": {
        "latent prefill bf16", "latent decode bf16 fp8 KV", "moe bf16 ep ungated", "moe bf16 x int4",
        "collective all_reduce one_shot", "matmul int8",
    },
    "h100-sxm-80gb": {
        "latent decode bf16", "latent decode bf16 fp8 KV", "moe fp8_block", "moe fp8_block ungated",
        "moe bf16 ep ungated", "moe fp8 ep ungated", "moe fp8_block ep ungated", "moe bf16 x int4",
        "moe bf16 x int4 ep", "collective all_gather int8",
    },
}  # fmt: skip
KNOWN = {
    "matmul wide": Residuals(low=(0.9, 0.8, 0.7, 0.6), high=(1.1, 1.2, 1.3, 1.4), shortest_s=1e-6, longest_s=1e-2),
    "attention wide": Residuals(low=(0.5,) * 4, high=(2.0,) * 4, shortest_s=1e-6, longest_s=1e-2),
}


def test_the_bounds_are_those_of_the_size_class_of_the_prediction() -> None:
    found = interval(KNOWN, "matmul", "wide", [5e-6, 5e-5, 5e-4, 5e-3])
    assert found is not None
    assert found[0] == pytest.approx([4.5e-6, 4e-5, 3.5e-4, 3e-3])
    assert found[1] == pytest.approx([5.5e-6, 6e-5, 6.5e-4, 7e-3])


def test_an_operator_nobody_measured_is_as_uncertain_as_a_matrix_product() -> None:
    assert interval(KNOWN, "norm", "narrow", 5e-6) == pytest.approx((4.5e-6, 5.5e-6))


def test_errors_of_one_kind_add_up_and_those_of_two_kinds_in_squares() -> None:
    calls = [Calls("a", "matmul", "wide", 10, 5e-5), Calls("b", "matmul", "wide", 10, 5e-5)]
    assert total_interval(KNOWN, calls, 1e-4) == pytest.approx((0.9e-4, 1.1e-4))
    calls[1] = Calls("b", "attention", "wide", 10, 5e-5)
    low, high = total_interval(KNOWN, calls, 1e-4) or (0.0, 0.0)
    assert low == pytest.approx(1e-4 - np.hypot(0.5e-5, 2.5e-5))
    assert high == pytest.approx(1e-4 + np.hypot(0.5e-5, 5e-5))


def test_nothing_known_is_no_interval() -> None:
    assert total_interval({}, [Calls("a", "matmul", "wide", 1, 1e-5)], 1e-5) is None


def test_a_family_without_measured_kernels_is_as_sure_as_the_published_systems_are() -> None:
    known = published_residuals()[EVERY_OPERATOR]
    assert 0.5 < known.low[0] < 0.95 and 1.1 < known.high[0] < 2.0
    for device, unit in [("gaudi2-96gb", None), ("tpu-v4", None), ("snapdragon-8gen3", "npu")]:
        found = hwsim.estimate(device, "matmul", m=[1, 512], n=64, k=64, dtype="bf16", unit=unit)
        assert found.low_s == pytest.approx(found.latency_s * known.low[0])
        assert found.high_s == pytest.approx(found.latency_s * known.high[0])


def test_errors_of_whole_runs_add_up_over_all_kinds() -> None:
    known = {EVERY_OPERATOR: Residuals(low=(0.8,) * 4, high=(1.5,) * 4, shortest_s=0.0, longest_s=np.inf)}
    calls = [Calls("a", "matmul", "wide", 10, 5e-5), Calls("b", "attention", "narrow", 1, 5e-5)]
    assert total_interval(known, calls, 1e-4) == pytest.approx((0.8e-4, 1.5e-4))
    assert outside(known, calls) == []


@pytest.mark.parametrize("name", list_devices())
def test_every_device_of_the_catalog_says_how_sure_it_is(name: str) -> None:
    device = read_device(name)
    assert device.residuals
    assert device.status["latency"] in ("calibrated", "development", "zero-shot", "unvalidated")


def test_a_kernel_longer_than_any_measured_is_told() -> None:
    warnings = outside(KNOWN, [Calls("ffn", "matmul", "wide", 2, 0.1), Calls("out", "matmul", "wide", 2, 0.01)])
    assert len(warnings) == 1 and "'ffn'" in warnings[0]


def test_a_run_lies_within_its_interval_and_a_zero_shot_one_is_wider() -> None:
    width = {}
    for device in ("h100-sxm-80gb", "h200-sxm-141gb"):
        result = hwsim.simulate("llama-2-7b", on=device, phase="decode", batch=1, context=1024)
        assert result.low_s is not None and result.high_s is not None
        assert result.low_s < result.latency_s < result.high_s
        width[device] = (result.high_s - result.low_s) / result.latency_s
    assert width["h200-sxm-141gb"] > width["h100-sxm-80gb"]


@pytest.mark.parametrize(("device", "least", "most"), [("h100-sxm-80gb", 0.7, 0.9), ("h200-sxm-141gb", 0.8, 1.0)])
def test_the_interval_holds_the_share_of_measurements_it_claims(
    device: str, least: float, most: float, require_package: Callable[[str, str], ModuleType]
) -> None:
    require_package("aiconfigurator_core", "validation")
    targets = load("matmul", device)[0]
    targets = targets.where(targets.held_out)
    found = hwsim.estimate(device, "matmul", **targets.arguments)
    inside = (targets.latency_s >= found.low_s) & (targets.latency_s <= found.high_s)
    assert least <= float(np.mean(inside)) <= most


@pytest.mark.parametrize("device", ["a100-sxm-80gb", "h100-sxm-80gb"])
@pytest.mark.parametrize("operator", ["attention", "latent", "moe", "matmul", "collective"])
def test_the_interval_holds_eight_of_ten_measurements_of_every_operator(
    device: str, operator: str, require_package: Callable[[str, str], ModuleType]
) -> None:
    require_package("aiconfigurator_core", "validation")
    shares = {}
    for targets in load(operator, device):
        rows = np.flatnonzero(targets.held_out)
        chosen = targets.where(rows[:: max(len(rows) // 3000, 1)])
        if len(chosen) and chosen.arguments.get("routing", "balanced") == "balanced":
            on = f"8x {device}" if operator == "collective" else device
            found = hwsim.estimate(hwsim.system(on), targets.operator, **chosen.arguments)
            inside = (chosen.latency_s >= found.low_s) & (chosen.latency_s <= found.high_s)
            shares[targets.table] = float(np.mean(inside))
    assert 0.7 <= np.mean(list(shares.values())) <= 0.95, shares
    assert {table for table, share in shares.items() if not 0.7 <= share <= 0.95} <= OUTSIDE[device]


def test_latent_attention_and_four_bit_weights_have_residuals_of_their_own() -> None:
    def relative(kind: str, **arguments: Any) -> tuple[float, float]:
        found = hwsim.estimate("h100-sxm-80gb", kind, **arguments)
        return found.low_s / found.latency_s, found.high_s / found.latency_s

    known = read_device("h100-sxm-80gb").residuals
    sizes = {"batch": 8, "query_length": 1, "kv_length": 4096, "heads": 16, "kv_heads": 1, "dtype": "bf16"}
    latent = relative("attention", **sizes, head_dim=576, value_head_dim=512, shared_values=True)
    assert latent != relative("attention", **sizes, head_dim=576)
    assert latent[1] in [pytest.approx(high) for high in known["attention latent"].high]
    four = relative("moe", tokens=64, hidden=4096, intermediate=1536, experts=128, top_k=8, weight_dtype="mxfp4")
    assert four[1] in [pytest.approx(high) for high in known["moe 4-bit"].high]


def test_a_run_of_latent_attention_is_as_unsure_as_its_kernels() -> None:
    stated: dict[str, Any] = {"batch": 1, "context": 1024, "weights": "fp8_e4m3", "parallel": {"tp": 8}}
    device = hwsim.system("8x h200-sxm-141gb")
    assert isinstance(device, System)
    sure = dict(device.device.residuals)
    sure["attention latent"] = sure["attention wide"]
    surer = replace(device, device=replace(device.device, residuals=sure))
    wide, narrow = (hwsim.simulate("deepseek-v3", on=each, phase="decode", **stated) for each in (device, surer))
    assert wide.high_s is not None and narrow.high_s is not None
    assert wide.latency_s == narrow.latency_s and wide.high_s > narrow.high_s


def test_tables_that_nothing_was_fitted_to_are_neither_calibrated_nor_held_out(
    require_package: Callable[[str, str], ModuleType],
) -> None:
    require_package("aiconfigurator_core", "validation")
    found = evaluate(load("latent", "a100-sxm-80gb")[0])
    assert found.status == "not fitted" and found.held_out is None
    assert found.never_fitted == found.all_rows
    assert evaluate(load("latent", "l40s-48gb")[0]).status == read_device("l40s-48gb").status["latency"]
