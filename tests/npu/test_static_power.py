"""Static power: the published cell and part, laws, below published idle powers, in place of one that is left out."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.commands.app import run_app
from hwsim.errors import InputError
from hwsim.models.catalog import read_device
from hwsim.models.catalog.files import find
from hwsim.models.fpga.area import ANCHOR, part_static_w
from hwsim.models.npu.technology import leakage_w_mm2, static_power_w

FAMILIES = ["eyeriss", "tpu-v4", "gaudi2-96gb", "flightllm-u280", "cambricon-llm-s"]
# Idle watts, mm2 and nm of TPUs: Jouppi et al., ISCA 2017 (v1) and ISCA 2021, table 1 (recalled).
PUBLISHED_IDLE = {
    "v1": (28.0, 331.0, 28.0),
    "v2": (53.0, 611.0, 16.0),
    "v3": (84.0, 648.0, 16.0),
    "v4i": (55.0, 400.0, 7.0),
}


def without_idle(name: str, tmp_path: Path, drop: tuple[str, ...] = ("idle =",)) -> Path:
    lines = find("devices", name).read_text().splitlines()
    path = tmp_path / "mine.toml"
    path.write_text("\n".join(line for line in lines if not line.startswith(drop)))
    return path


def test_the_published_cell_and_part_are_met() -> None:
    assert leakage_w_mm2(45.0) == pytest.approx(25.066e-9 / 1.064e-6)
    assert part_static_w(ANCHOR, 16.0) == pytest.approx(0.694)


@given(node=st.floats(5.0, 65.0), area=st.floats(0.01, 1e3), more=st.floats(1.0, 5.0))
def test_more_area_leaks_more_and_a_low_power_process_less(node: float, area: float, more: float) -> None:
    assert static_power_w({"all": area * more}, node) >= static_power_w({"all": area}, node)
    assert static_power_w({"a": area, "b": more}, node) == pytest.approx(static_power_w({"all": area + more}, node))
    assert 0.0 < leakage_w_mm2(node, "low_power") < 0.05 * leakage_w_mm2(node)


@pytest.mark.parametrize("chip", PUBLISHED_IDLE)
def test_a_whole_die_leaks_a_quarter_to_nine_tenths_of_its_published_idle_power(chip: str) -> None:
    idle_w, area_mm2, node_nm = PUBLISHED_IDLE[chip]
    assert 0.25 < static_power_w({"die": area_mm2}, node_nm) / idle_w < 0.9


@pytest.mark.parametrize("name", FAMILIES)
def test_the_leakage_of_the_modelled_area_is_below_the_stated_idle_power(name: str) -> None:
    device = read_device(name)
    assert 0.0 < device.static_power_w < device.idle_power_w


@pytest.mark.parametrize("name", FAMILIES)
def test_a_device_without_an_idle_power_idles_at_its_leakage(name: str, tmp_path: Path) -> None:
    device = read_device(without_idle(name, tmp_path))
    assert device.idle_power_w == device.record.idle_power_w == device.static_power_w > 0.0
    stated = read_device(name)
    assert stated.idle_power_w == stated.record.idle_power_w > device.idle_power_w


def test_leakage_counts_in_the_energy_of_a_run(tmp_path: Path) -> None:
    energies = [
        hwsim.simulate("llama-2-7b", on=device, phase="decode", batch=1, context=512)
        for device in (read_device("gaudi2-96gb"), read_device(without_idle("gaudi2-96gb", tmp_path)))
    ]
    dynamic = [e.energy_j - e.latency_s * w for e, w in zip(energies, (100.0, 12.607), strict=True)]
    assert dynamic[0] == pytest.approx(dynamic[1], rel=0.001)


# Watts measured on Cloud TPUs, lowest, mean and highest: Cloud TPU documentation, pages of the versions.
MEASURED_W = {"tpu-v3-chip": (123.0, 220.0, 262.0), "tpu-v4": (90.0, 170.0, 192.0)}


@pytest.mark.parametrize("name", MEASURED_W)
def test_a_large_product_draws_about_the_mean_power_measured_of_a_tpu(name: str) -> None:
    _, mean_w, highest_w = MEASURED_W[name]
    found = hwsim.estimate(name, "matmul", m=8192, n=8192, k=8192, dtype="bf16")
    power_w = float(found.energy_j / found.latency_s)
    assert power_w == pytest.approx(mean_w, rel=0.15)
    assert power_w < highest_w


def test_a_device_without_idle_power_and_without_a_node_is_refused(tmp_path: Path) -> None:
    path = without_idle("tpu-v4", tmp_path, ("idle =", "[silicon]", "node_nm"))
    assert "silicon" not in tomllib.loads(path.read_text())
    with pytest.raises(InputError, match=r"power.idle.*silicon.node_nm"):
        read_device(path)


@pytest.mark.parametrize("name", ["tpu-v4", "gaudi2-96gb", "flightllm-u280"])
def test_a_limit_that_leaves_nothing_above_idle_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"power.limit = 5 W must be more than power.idle"):
        read_device(name, {"power.limit": "5 W"})


def test_an_unknown_process_is_refused() -> None:
    with pytest.raises(InputError, match="low_power"):
        leakage_w_mm2(45.0, "high_power")
    with pytest.raises(InputError, match=r"silicon.process"):
        read_device("tpu-v4", {"silicon.process": "cool"})


def test_show_and_run_name_the_leakage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["show", "gaudi2-96gb"]) == 0
    assert "leakage_of_area_w            12.6 W" in capsys.readouterr().out
    assert run_app(["run", "llama-2-7b", "--on", "gaudi2-96gb"]) == 0
    assert "of it leakage 12.6 W" in " ".join(capsys.readouterr().out.split())
