"""Systolic cycle counts: SCALE-Sim's cycle for cycle, the closed forms of the differences, what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.cost import compiled
from hwsim.errors import InputError
from hwsim.models.npu.systolic import DATAFLOW_CODES, array_cycles, cycles, tile_count

HERE = Path(__file__).resolve().parent
RECORDED: list[dict[str, Any]] = json.loads((HERE / "scalesim_cycles.json").read_text())
SIZES = st.integers(1, 300)
ARRAY_SIZES = st.integers(1, 64)


def as_product(shape: list[int]) -> tuple[int, int, int]:
    """The (m, n, k) of a recorded product or convolution."""
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    rows, columns, filter_rows, filter_columns, channels, filters, stride = shape
    positions = ((rows - filter_rows) // stride + 1) * ((columns - filter_columns) // stride + 1)
    return positions, filters, filter_rows * filter_columns * channels


def assert_equal(records: list[dict[str, Any]]) -> None:
    for record in records:
        m, n, k = as_product(record["shape"])
        rows, columns = record["array"]
        ours = cycles(record["dataflow"], "scale_sim", m=m, n=n, k=k, rows=rows, columns=columns)
        assert ours == record["cycles"], record


def test_the_recorded_cycles_of_scale_sim_are_met_exactly() -> None:
    assert len(RECORDED) == 216
    assert_equal(RECORDED)


@pytest.mark.slow
def test_scale_sim_run_side_by_side_gives_the_same_cycles() -> None:
    python = Path(os.environ.get("HWSIM_SCALESIM_PYTHON", Path.home() / ".cache" / "hwsim" / "scalesim" / "bin/python"))
    if not python.is_file():
        environment = python.parent.parent
        try:
            subprocess.run([sys.executable, "-m", "venv", environment], check=True, capture_output=True, timeout=120)
            install = [str(python), "-m", "pip", "install", "-q", "scalesim==3.0.0", "numpy<2"]
            subprocess.run(install, check=True, capture_output=True, timeout=600)
        except (subprocess.SubprocessError, OSError) as error:
            pytest.skip(f"scalesim 3.0.0 with numpy<2 could not be installed in {environment}: {error}")
    script = [str(python), str(HERE / "record_scalesim_cycles.py"), "--quick"]
    printed = subprocess.run(script, check=True, capture_output=True, text=True, timeout=300).stdout
    assert_equal(json.loads(printed))


@given(m=SIZES, n=SIZES, k=SIZES, rows=ARRAY_SIZES, columns=ARRAY_SIZES)
def test_the_counts_differ_by_their_closed_forms(m: int, n: int, k: int, rows: int, columns: int) -> None:
    for dataflow, code in DATAFLOW_CODES.items():
        counts = {
            name: cycles(dataflow, name, m=m, n=n, k=k, rows=rows, columns=columns)
            for name in ("scale_sim", "rtl_single_tile", "rtl_stream")
        }
        tiles = tile_count(code, m, n, k, rows, columns)
        beats = {"output_stationary": k, "weight_stationary": m, "input_stationary": n}[dataflow]
        shifted = rows * tiles if dataflow == "output_stationary" else 0
        assert counts["rtl_single_tile"] - counts["scale_sim"] == 1 + shifted
        hidden = (tiles - 1) * (beats + 2 * rows + columns - 2 - max(beats, rows))
        assert counts["rtl_single_tile"] - counts["rtl_stream"] == hidden


def test_one_tile_of_each_kernel_takes_the_measured_formula() -> None:
    output = cycles("output_stationary", "rtl_single_tile", m=4, n=8, k=16, rows=4, columns=8)
    weight = cycles("weight_stationary", "rtl_single_tile", m=16, n=8, k=4, rows=4, columns=8)
    assert output == 16 + (4 - 1) + (8 - 1) + 4
    assert weight == 4 + 16 + 4 + 8 - 2


def test_the_compiled_cycles_equal_the_plain_ones() -> None:
    for code in (0.0, 1.0, 2.0):
        for count in (0.0, 1.0, 2.0):
            sizes = (code, count, 33.0, 17.0, 31.0, 7.0, 5.0)
            assert compiled(array_cycles)(*sizes) == array_cycles(*sizes)


@pytest.mark.parametrize("name", ["rows", "columns", "m", "n", "k"])
@pytest.mark.parametrize("value", [0, -1, 2.5, True])
def test_an_array_or_a_product_of_an_impossible_size_is_refused(name: str, value: Any) -> None:
    sizes: dict[str, Any] = {"m": 4, "n": 4, "k": 4, "rows": 4, "columns": 4, name: value}
    with pytest.raises(InputError, match=name):
        cycles("output_stationary", "scale_sim", **sizes)


def test_an_unknown_dataflow_or_count_is_refused_with_a_guess() -> None:
    with pytest.raises(InputError, match="did you mean 'output_stationary'"):
        cycles("output_stationery", "scale_sim", m=1, n=1, k=1, rows=1, columns=1)
    with pytest.raises(InputError, match="did you mean 'rtl_stream'"):
        cycles("output_stationary", "rtl_streem", m=1, n=1, k=1, rows=1, columns=1)
