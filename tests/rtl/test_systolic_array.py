"""The systolic array in Verilog: bit for bit its golden model, cycle for cycle the closed form of `models.npu`."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim.rtl
from hwsim.errors import HwsimError
from hwsim.models.npu.systolic import cycles as closed_form
from hwsim.models.npu.systolic_stream import stream_cycles
from hwsim.models.numerics.integer_matmul import packed, unpacked
from hwsim.rtl.discovery import read_kernel
from hwsim.rtl.simulation import verify
from hwsim.rtl.toolchain import RtlError

KERNEL = read_kernel("systolic_array")
DATAFLOWS = ("output_stationary", "weight_stationary")


@pytest.fixture
def simulator(require_tool: Callable[[str], str], require_package: Callable[[str, str], object]) -> None:
    require_tool("iverilog")
    require_package("cocotb", "rtl")


@pytest.mark.rtl
@pytest.mark.usefixtures("simulator")
def test_verilog_that_does_not_parse_is_one_line_with_file_and_line(tmp_path: Path) -> None:
    broken = tmp_path / "systolic_array.v"
    broken.write_text("module systolic_array (\n  input wire clk_i;\n")
    with pytest.raises(RtlError, match=r"systolic_array\.v:2: .*error") as caught:
        verify(KERNEL, sources=[broken])
    assert "\n" not in str(caught.value)


@pytest.mark.rtl
@pytest.mark.usefixtures("simulator")
def test_a_kernel_that_hangs_ends_at_the_cycle_limit_and_says_where(tmp_path: Path) -> None:
    sources = []
    for file in KERNEL.files:
        text = file.read_text().replace("wire enable = !result_valid_o || result_ready_i;", "wire enable = 1'b0;")
        (tmp_path / file.name).write_text(text)
        sources.append(tmp_path / file.name)
    found = verify(KERNEL, sources=sources, stop_at_first=True)
    assert "hangs: cycle limit" in found.failures[0] and "activation 0/" in found.failures[0]


@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(1, 20), st.integers(1, 6), st.integers(1, 6),
    st.sampled_from(DATAFLOWS),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_the_stepped_model_without_stalls_is_the_closed_form(
    m: int, n: int, k: int, rows: int, columns: int, dataflow: str
) -> None:
    stalls = {"weight": [0] * 10_000 + [1]}  # a flag after the end: stepped, yet nothing stalls
    stepped = stream_cycles(dataflow, stalls, m=m, n=n, k=k, rows=rows, columns=columns)
    assert stepped == closed_form(dataflow, "rtl_stream", m=m, n=n, k=k, rows=rows, columns=columns)


@given(st.integers(0, 2**32), st.sampled_from(DATAFLOWS))
@settings(max_examples=60, deadline=None)
def test_stalls_before_the_last_result_only_add_cycles(seed: int, dataflow: str) -> None:
    generator = random.Random(seed)
    flags = [int(generator.random() < 0.5) for _ in range(60)]
    sizes = {"m": 5, "n": 4, "k": 7, "rows": 3, "columns": 2}
    assert stream_cycles(dataflow, {"result": flags}, **sizes) >= stream_cycles(dataflow, None, **sizes)


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=9))
def test_packing_is_undone_by_unpacking(values: list[int]) -> None:
    assert list(unpacked(packed(values, 8), 8, len(values))) == values


def test_the_golden_model_is_a_wrapping_product() -> None:
    inputs = {"a": np.full((1, 4), -128), "b": np.full((4, 1), -128)}
    assert KERNEL.golden(inputs)["c"].tolist() == [[65536]]
    assert KERNEL.golden(inputs, ACCUMULATOR_BITS=16)["c"].tolist() == [[0]]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"ROWS": 0}, r"ROWS\(=0\) must be one of 1\.\.64"),
        ({"ROW": 3}, "did you mean 'ROWS'"),
        ({"ACCUMULATOR_BITS": 8}, r"ACCUMULATOR_BITS\(=8\) must be >= 2 \* OPERAND_BITS"),
    ],
)
def test_bad_parameters_are_one_clear_line(parameters: dict[str, int], message: str) -> None:
    with pytest.raises(HwsimError, match=message):
        KERNEL.cycles({"m": 1, "n": 1, "k": 1}, None, **parameters)


def test_an_unknown_kernel_or_stream_is_named() -> None:
    with pytest.raises(HwsimError, match="did you mean 'systolic_array'"):
        hwsim.rtl.kernel("systolic_aray")
    with pytest.raises(HwsimError, match="did you mean 'weight'"):
        KERNEL.cycles({"m": 1, "n": 1, "k": 1}, {"weigth": [1]})
