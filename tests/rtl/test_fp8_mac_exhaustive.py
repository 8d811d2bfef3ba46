"""All 65,536 operand pairs of fp8_mac in all 9 pairs of formats, on Verilator, and the exponential over its range."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import hwsim.rtl
from hwsim.models.numerics import fp8, special_functions
from hwsim.rtl.softmax_rmsnorm.generate_table import table_verilog

pytestmark = pytest.mark.rtl
FOLDER = Path(hwsim.rtl.__file__ or "").parent
BUILD_FLAGS = (
    "CFG_CXXFLAGS_PCH_I=-include CXX=g++ LINK=g++ AR=ar PERL=perl PYTHON3=" + sys.executable + " "
    "CFG_CXXFLAGS_COROUTINES=-fcoroutines CFG_LDLIBS_THREADS=-pthread"
)
EXPONENT_BENCH = """
module bench;
    reg clk = 0; reg signed [15:0] data = 16'sh7fff; wire [24:0] value; integer file; integer count = 0;
    reg [1023:0] path;
    sfu_exponent dut (.clk_i(clk), .step_i(1'b1), .largest_i(16'sh7fff), .data_i(data), .value_o(value));
    initial begin if (!$value$plusargs("results=%s", path)) $finish; file = $fopen(path, "w"); end
    always #5 clk = !clk;
    always @(posedge clk) begin
        if (count >= 3) $fdisplay(file, "%h", value);
        if (count == 65538) begin $fclose(file); $finish; end
        count <= count + 1;
        data <= data - 16'sd1;
    end
endmodule
"""


@pytest.mark.slow
def test_every_pair_of_operands_in_every_pair_of_formats_is_the_golden_product(
    tmp_path: Path, require_package: Callable[[str, str], ModuleType], require_tool: Callable[[str], str]
) -> None:
    require_tool("g++")
    require_tool("make")
    package = Path(str(require_package("verilator", "rtl").__file__)).parent
    program = package / "bin" / "verilator_bin"
    bench = Path(__file__).with_name("fp8_mac_exhaustive.v")
    flags = ["--binary", "--timing", "-Wno-fatal", "-O3", "--Mdir", str(tmp_path), "-j", "1"]
    subprocess.run(
        [program, *flags, str(bench), f"-I{FOLDER / 'common'}", f"-I{FOLDER / 'fp8_mac'}"],
        env={**os.environ, "VERILATOR_ROOT": str(package), "MAKEFLAGS": BUILD_FLAGS},
        capture_output=True,
        check=True,
    )
    results = tmp_path / "results.hex"
    subprocess.run([tmp_path / "Vfp8_mac_exhaustive", f"+results={results}"], capture_output=True, check=True)
    words = np.array([int(line, 16) for line in results.read_text().split()])
    pairs = np.arange(65536)
    a, b = pairs & 255, pairs >> 8
    golden = []
    for b_format in fp8.FORMATS:
        for a_format in fp8.FORMATS:
            total = fp8.accumulate(fp8.multiply(a, b, a_format, b_format)[:, None])
            golden.append(fp8.float32_bits(total) | fp8.encode(total).astype(np.int64) << 32)
    np.testing.assert_array_equal(words, np.concatenate(golden))


def test_the_exponential_is_golden_at_every_distance(tmp_path: Path, require_tool: Callable[[str], str]) -> None:
    require_tool("iverilog")
    bench, program, results = tmp_path / "bench.v", tmp_path / "bench", tmp_path / "results.hex"
    bench.write_text(EXPONENT_BENCH)
    files = [bench, *(FOLDER / "softmax_rmsnorm" / f"sfu_{part}.v" for part in ("exponent", "table"))]
    subprocess.run(["iverilog", "-g2005", "-s", "bench", "-o", program, *files], check=True)
    subprocess.run(["vvp", program, f"+results={results}"], capture_output=True, check=True)
    words = [int(line, 16) for line in results.read_text().split()]
    np.testing.assert_array_equal(words, special_functions.exponent(np.arange(65536)))


def test_the_table_in_verilog_is_the_golden_models() -> None:
    assert (FOLDER / "softmax_rmsnorm" / "sfu_table.v").read_text() == table_verilog()
