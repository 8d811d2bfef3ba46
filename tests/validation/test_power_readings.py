"""The meter of the measured kernel powers, and `hwsim validate --operator power`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.commands.app import run_app
from hwsim.models.catalog import read_device
from hwsim.validation.meter import SAMPLE_S, SETUP_W, own_share, readings_w, run_s, shares
from hwsim.validation.power import load, nearer_w, neighbour_w, predicted_w

FAMILIES = ["gemm bfloat16", "gemm fp8_block", "context_attention bfloat16", "generation_attention fp8"]


@given(
    family=st.sampled_from(FAMILIES), latency_s=st.floats(1e-6, 0.1), watts=st.floats(130.0, 700.0),
    idle_w=st.floats(60.0, 128.0),
)  # fmt: skip
def test_a_reading_lies_between_what_a_board_draws_idle_and_busy(
    family: str, latency_s: float, watts: float, idle_w: float
) -> None:
    names, times = np.array([family]), np.array([latency_s])
    assert 0.0 <= own_share(names, times)[0] <= 1.0
    like, idle = readings_w(names, times, np.array([watts]), idle_w)
    assert idle_w - 1e-6 <= idle[0] <= watts + 1e-6
    assert min(idle_w, watts) - 1e-6 <= like[0] <= max(watts, *SETUP_W.values()) + 1e-6


def test_of_a_reading_over_a_second_half_is_the_kernels_and_of_one_sample_none() -> None:
    runs, none = np.array([0.05, 1.0]), np.zeros(2)
    own, making = shares(runs, none, none)
    assert own[0] == 0.0 and making[0] == 0.0
    assert own[1] == pytest.approx(np.mean(SAMPLE_S * np.arange(10)))


def test_kernels_repeat_for_a_second_or_three_tenths_of_it_but_at_most_3000_times() -> None:
    families = np.array(["gemm bfloat16", "generation_attention fp8", "gemm fp8_block", "gemm fp8_block"])
    found = run_s(families, np.array([1e-3, 99e-6, 60e-6, 150e-6]))
    assert found == pytest.approx([1.0, 0.3, 0.18, 0.45], rel=0.02)


@pytest.mark.external_data
def test_the_meter_explains_readings_of_products_within_the_published_error(external_data: Path) -> None:
    device = read_device("h200-sxm-141gb")
    rows = load("h200-sxm-141gb", str(external_data))
    for family, most in (("gemm bfloat16", 0.12), ("gemm fp8_block", 0.15)):
        held = rows.where(rows.held_out & (rows.family == family))
        read = nearer_w(device, held, predicted_w(device, held))
        assert np.abs(read / held.power_w - 1.0).mean() < most
    settled = rows.where(rows.latency_s >= 1e-4)
    assert np.abs(neighbour_w(settled) / settled.power_w - 1.0).mean() > 0.12  # what no model of the kernel alone beats


@pytest.mark.external_data
def test_the_command_compares_power_in_watts_and_writes_a_page(
    external_data: Path, require_package: Callable[[str, str], ModuleType], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    require_package("aiconfigurator_core", "validation")
    monkeypatch.setenv("HWSIM_DATA_DIR", str(external_data))
    page = tmp_path / "power.html"
    arguments = ["validate", "--device", "h200-sxm-141gb", "--operator", "power", "--json", "--report", str(page)]
    assert run_app(arguments) == 0
    rows = {row["table"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    read, steady = rows["power matmul bf16, read"], rows["power matmul bf16"]
    assert read["status"] == "calibrated" and read["never_fitted"]["points"] == read["held_out"]["points"]
    assert read["never_fitted"]["mape"] < steady["never_fitted"]["mape"]
    assert steady["never_fitted"]["noise_floor"] > 0.1
    assert 100.0 < steady["worst"][0]["measured_w"] < 700.0
    text = page.read_text(encoding="utf-8")
    assert "measured (W)" in text and "of the reading is the kernel" in text


@pytest.mark.parametrize("device", ["h200-sxm-141gb", "a100-sxm-80gb"])
def test_a_device_whose_power_is_not_here_to_compare_is_refused_in_one_line(
    device: str, require_package: Callable[[str, str], ModuleType], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    require_package("aiconfigurator_core", "validation")
    monkeypatch.delenv("HWSIM_DATA_DIR", raising=False)
    assert run_app(["validate", "--device", device, "--operator", "power"]) == 2
    error = capsys.readouterr().err
    assert f"no kernel power of '{device}'" in error and len(error.strip().splitlines()) == 1
    assert ("HWSIM_DATA_DIR" in error) == (device == "h200-sxm-141gb")
