"""10-90 % intervals: classes by latency, sums over a run, wider where nothing was fitted, and their coverage."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

import hwsim
from hwsim.intervals import EVERY_OPERATOR, Calls, Residuals, interval, outside, total_interval
from hwsim.models.catalog import list_devices, read_device
from hwsim.models.catalog.residuals import published_residuals
from hwsim.validation.targets import load

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
