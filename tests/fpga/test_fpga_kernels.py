"""Designs that name Verilog kernels: fitted resources in the fit check, in the peak, and in the area of an NPU."""

from __future__ import annotations

from pathlib import Path

import pytest

import hwsim
from hwsim.errors import InputError, UnknownNameError
from hwsim.models.catalog import read_device
from hwsim.models.catalog.kernel_fits import kernel_counts
from hwsim.models.fpga.kernels import KernelUse, kernel_resources
from hwsim.models.npu.technology import kernel_area_mm2, wiring_factor

DESIGN = (Path(hwsim.__file__).parent / "models" / "catalog" / "devices" / "flightllm-u280.toml").read_text()
ROUTER = {"EXPERTS": 8, "TOP_K": 2, "SCORE_WIDTH": 8, "CAPACITY": 4, "REROUTE": 1}


def _design(tmp_path: Path, count: int, parameters: dict[str, int], kernel: str = "expert_topk") -> str:
    given = ", ".join(f"{name} = {value}" for name, value in parameters.items())
    table = f'\n[kernels.router]\nkernel = "{kernel}"\ncount = {count}\nparameters = {{ {given} }}\n'
    file = tmp_path / "mine.toml"
    file.write_text(DESIGN + table)
    return str(file)


def test_kernels_add_their_fitted_counts_as_often_as_they_are_there() -> None:
    one = kernel_counts("expert_topk", ROUTER)
    assert one["ff"] == 149 and one["lut"] == pytest.approx(197, rel=0.1)  # synthesised by Yosys, not in the sweep
    total, extrapolated = kernel_resources({"a": KernelUse(kernel="expert_topk", count=3, parameters=ROUTER)}, "x")
    assert total == {kind: 3 * one[kind] for kind in ("lut", "ff", "dsp", "bram")} and not extrapolated


def test_a_design_with_room_for_its_kernels_is_built_and_says_where_its_resources_come_from(tmp_path: Path) -> None:
    assert read_device(_design(tmp_path, 10, ROUTER)).status["resources"] == "kernel fits"
    assert "resources" not in read_device("flightllm-u280").status


def test_kernels_outside_the_range_that_was_swept_are_named(tmp_path: Path) -> None:
    found = read_device(_design(tmp_path, 1, ROUTER | {"EXPERTS": 200})).status["resources"]
    assert found == "kernel fits, extrapolated: router"


def test_kernels_that_overfill_the_part_are_refused_with_the_resource(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not fit alveo-u280: too many lut"):
        read_device(_design(tmp_path, 100000, ROUTER))


@pytest.mark.parametrize(
    ("kernel", "parameters", "message"),
    [
        ("expert_topkk", ROUTER, "kernels.router: unknown kernel 'expert_topkk'.*expert_topk"),
        ("expert_topk", ROUTER | {"EXPERT": 3}, "parameter 'EXPERT' must be one of .*EXPERTS"),
        ("expert_topk", {name: ROUTER[name] for name in ROUTER if name != "EXPERTS"}, "parameters must name EXPERTS"),
    ],
)
def test_a_mistake_in_a_kernel_is_one_line_that_names_it(
    tmp_path: Path, kernel: str, parameters: dict[str, int], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_device(_design(tmp_path, 1, parameters, kernel))
    assert "\n" not in str(caught.value)


def test_a_kernel_without_a_fit_says_which_command_makes_it(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kernel.py").touch()
    with pytest.raises(InputError, match="hwsim rtl characterise mine --in-place"):
        kernel_counts("mine", {}, tmp_path)
    with pytest.raises(UnknownNameError, match="unknown kernel 'theirs'"):
        kernel_counts("theirs", {}, tmp_path)


def test_the_area_of_a_kernel_is_its_gates_in_nand_cells_with_wires() -> None:
    gates = kernel_counts("expert_topk", ROUTER)["gates"]
    assert kernel_area_mm2("expert_topk", ROUTER, 45.0) == pytest.approx(gates * 0.798e-6 * wiring_factor())
    assert kernel_area_mm2("expert_topk", ROUTER, 7.0) < kernel_area_mm2("expert_topk", ROUTER, 45.0) / 30
