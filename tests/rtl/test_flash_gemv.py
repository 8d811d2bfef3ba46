"""The in-flash compute core in Verilog: its golden and cycle models under every stall, its mutants, its closed form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.errors import HwsimError
from hwsim.models.flash.gemv_cycles import gemv_cycles
from hwsim.rtl.discovery import read_kernel
from hwsim.rtl.mutation import run_mutant
from hwsim.rtl.simulation import verify

KERNEL = read_kernel("flash_gemv")


@pytest.fixture
def simulator(require_tool: Callable[[str], str], require_package: Callable[[str, str], object]) -> None:
    require_tool("iverilog")
    require_package("cocotb", "rtl")


@pytest.mark.rtl
@pytest.mark.usefixtures("simulator")
@pytest.mark.parametrize("parameters", KERNEL.parameter_sets, ids=str)
def test_beats_and_cycles_are_those_of_the_models_under_every_stall(parameters: dict[str, int]) -> None:
    found = verify(KERNEL, parameters)
    assert not found.failures, found.failures
    assert found.cycles_measured == found.cycles_predicted > 0
    assert not found.missed_bins


@pytest.mark.rtl
@pytest.mark.usefixtures("simulator")
@pytest.mark.parametrize("mutant", KERNEL.mutants, ids=lambda mutant: str(mutant.name))
def test_every_mutant_is_caught(mutant: object) -> None:
    found = run_mutant(KERNEL, mutant)  # type: ignore[arg-type]
    assert found.caught, found


@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 5), st.integers(0, 9), st.integers(1, 64))
@settings(max_examples=150, deadline=None)
def test_the_stepped_model_without_stalls_is_the_closed_form(
    vectors: int, beats: int, rows: int, reads: int, lanes: int
) -> None:
    sizes = {"vectors": vectors, "beats": beats, "rows": rows, "reads": reads, "lanes": lanes}
    never_reached = {"page": [0] * 10_000 + [1]}
    assert gemv_cycles(never_reached, **sizes) == gemv_cycles(None, **sizes)


def test_the_golden_model_is_a_product_and_passes_reads() -> None:
    inputs = {"x": [[1, -2, 3, 4]], "weight": [[[1, 1, 1, 1], [-128, 0, 0, 2]]], "read": np.zeros((1, 2, 0, 4))}
    assert KERNEL.golden(inputs)["y"].tolist() == [[6, -120]]


def test_a_buffer_that_holds_no_two_beats_is_one_clear_line() -> None:
    with pytest.raises(HwsimError, match=r"BUFFER_BYTES\(=4\) must be >= 2 \* LANES"):
        KERNEL.values({"LANES": 4, "BUFFER_BYTES": 4})
