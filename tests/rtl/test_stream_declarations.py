"""What the streaming kernels declare in Python is what their Verilog and benches do; no simulator is needed."""

from __future__ import annotations

import importlib
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwsim.rtl
from hwsim.errors import HwsimError
from hwsim.rtl.stream_kernel import StreamKernel
from hwsim.rtl.stream_packing import patterns_of

KERNELS = ["ternary_mac", "shift_mac", "sparse_dsp_chain", "expert_topk", "outlier_ecc", "secded", "pq_attention"]
KERNELS += ["fp8_mac", "fp8_dot", "softmax_rmsnorm", "gru_cell"]
SHAPES: dict[str, list[dict[str, object]]] = {
    "ternary_mac": [{"lengths": 1}, {"lengths": [16, 100, 7]}],
    "shift_mac": [{"lengths": 4096}, {"lengths": [1, 2, 3]}],
    "sparse_dsp_chain": [{"beats": 5}, {"densities": [[8, 0, 4, 2, 2, 2, 2, 2], [0], [8, 8]]}],
    "expert_topk": [{"tokens": 1}, {"tokens": 33}],
    "outlier_ecc": [{"pages": 1}, {"pages": 3}],
    "secded": [{"words": 1}, {"words": 9}],
    "pq_attention": [{"tokens": 1}, {"tokens": 40}],
    "fp8_mac": [{"lengths": 1}, {"lengths": [3, 200, 2]}],
    "fp8_dot": [{"beats": 1}, {"beats": [2, 1, 1, 2]}],
    "softmax_rmsnorm": [{"beats": 1, "function": "rms_norm"}, {"beats": [4, 1, 2]}],
    "gru_cell": [{"steps": 1}, {"steps": 4}],
}


def kernel(name: str) -> StreamKernel:
    declared: StreamKernel = importlib.import_module(f"hwsim.rtl.{name}.kernel").KERNEL
    return declared


@pytest.mark.parametrize("name", KERNELS)
def test_the_closed_form_is_the_timing_without_stalls(name: str) -> None:
    module = importlib.import_module(f"hwsim.rtl.{name}.bench")
    for parameters in [{}, *module.PARAMETER_SETS]:
        for shape in SHAPES[name]:
            values = kernel(name).values(**parameters)
            assert kernel(name).timing(shape, {}, values).cycles == kernel(name).cycles(shape, **parameters)


@pytest.mark.parametrize("name", KERNELS)
def test_golden_words_are_those_the_bench_expects_and_stalls_only_add_cycles(name: str) -> None:
    module = importlib.import_module(f"hwsim.rtl.{name}.bench")
    for parameters in module.PARAMETER_SETS:
        for scenario in module.scenarios(parameters, random.Random(3)):
            golden = kernel(name).golden(scenario.inputs, **parameters)
            assert golden == {"y": list(scenario.expected)}
        for shape in SHAPES[name]:
            free = kernel(name).cycles(shape, **parameters)
            assert kernel(name).cycles(shape, {}, **parameters) == free
            assert kernel(name).cycles(shape, {"y": [1, 1, 0] * 40}, **parameters) >= free


@pytest.mark.parametrize("name", KERNELS)
def test_defaults_are_those_of_the_verilog(name: str) -> None:
    folder = Path(hwsim.rtl.__file__ or "").parent / name
    header = (folder / f"{name}.v").read_text().split(") (")[0]
    found = {key: int(value) for key, value in re.findall(r"parameter (\w+) = (\d+)", header)}
    assert found == {parameter.name: parameter.default for parameter in kernel(name).parameters}
    assert kernel(name).values() == found


@pytest.mark.parametrize("name", KERNELS)
def test_values_that_are_not_allowed_are_one_clear_line(name: str) -> None:
    first = kernel(name).parameters[0]
    for wrong in ({"WIDHT": 3}, {first.name: -1}, {first.name: 10**6}, {first.name: 2.5}):
        with pytest.raises(HwsimError) as caught:
            kernel(name).values(**wrong)
        assert "\n" not in str(caught.value) and name in str(caught.value)
    with pytest.raises(HwsimError, match="shape"):
        kernel(name).cycles({"nothing": 0})
    with pytest.raises(HwsimError, match="stream"):
        kernel(name).golden({"z": [0]})
    for wrong_stalls in ({"z": [1, 0]}, {"x": 3}, {"x": ["a"]}, {"x": [0, 2]}, {"x": "01"}):
        with pytest.raises(HwsimError, match="stalls"):
            patterns_of(wrong_stalls, ["x"])  # type: ignore[arg-type]
    for wrong_inputs in (None, {}, {stream: [1.5] for stream in kernel(name).streams(kernel(name).values())}):
        with pytest.raises(HwsimError, match=name):
            kernel(name).golden(wrong_inputs)  # type: ignore[arg-type]
    with pytest.raises(HwsimError, match="field of a shape"):
        kernel(name).cycles({**SHAPES[name][0], "lenghts": 3})


@pytest.mark.parametrize("name", KERNELS)
def test_whole_numbers_of_numpy_are_whole_numbers(name: str) -> None:
    first = kernel(name).parameters[0]
    numpy_default: Any = np.int64(first.default)
    assert kernel(name).values(**{first.name: numpy_default}) == kernel(name).values()
    field, value = next(iter(SHAPES[name][0].items()))
    shape = {**SHAPES[name][0], field: np.asarray(value)[()]}
    assert kernel(name).cycles(shape) == kernel(name).cycles(SHAPES[name][0])


@pytest.mark.parametrize("name", KERNELS)
def test_the_ports_are_those_of_the_verilog(name: str) -> None:
    verilog = (Path(hwsim.rtl.__file__ or "").parent / name / f"{name}.v").read_text()
    found = re.findall(
        r"^ +(input|output) +wire.*?(\w+_[io])\b", verilog.split(") (\n", 1)[1].split("\n);")[0], re.M | re.S
    )
    assert sorted(found) == sorted((str(p["direction"]), str(p["name"])) for p in kernel(name).ports)


@pytest.mark.parametrize("name", KERNELS)
def test_the_readme_tells_the_bins_and_the_mutants_there_are(name: str) -> None:
    module = importlib.import_module(f"hwsim.rtl.{name}.bench")
    text = " ".join((Path(hwsim.rtl.__file__ or "").parent / name / "README.md").read_text().split())
    assert f"{len(module.BINS)} functional bins" in text
    assert f"{len(module.MUTANTS)} mutants" in text


def test_the_front_door_knows_every_kernel() -> None:
    assert set(KERNELS) <= set(hwsim.rtl.kernel_names())
    assert hwsim.rtl.kernel("ternary_mac") is kernel("ternary_mac")
    with pytest.raises(HwsimError, match="did you mean 'shift_mac'"):
        hwsim.rtl.kernel("shift_mak")


def test_products_with_a_constant_are_no_multipliers(require_package: object) -> None:
    require_package("pyosys", "rtl")  # type: ignore[operator]
    assert kernel("ternary_mac").resources(LANES=4)["multipliers"] == 0
    assert kernel("pq_attention").resources(SUB_DIM=3, SUB_SPACES=3, CODE_BITS=4)["multipliers"] == 6
    assert kernel("pq_attention").resources(CODE_BITS=4)["memory_bits"] == 4 * 16 * (17 + 16)
    assert kernel("sparse_dsp_chain").resources(CHAIN=16)["multipliers"] == 16
