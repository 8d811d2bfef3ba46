"""A new kernel that runs: Verilog, golden model, cycle model, stimulus and mutants, to be changed one by one."""

from __future__ import annotations

import re
from pathlib import Path

from hwsim.errors import InputError

_VERILOG = """// NAME: sums WIDTH-bit unsigned values up to the beat marked last. K beats: K + 1 cycles.
module NAME #(
    parameter WIDTH = 8  // bits of a value
) (
    input  wire              clk_i,
    input  wire              rst_i,
    input  wire              operand_valid_i,
    output wire              operand_ready_o,
    input  wire [WIDTH:0]    operand_data_i,
    output wire              result_valid_o,
    input  wire              result_ready_i,
    output wire [2*WIDTH-1:0] result_data_o
);
    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (WIDTH < 1 || WIDTH > 32) begin : g_refuse_width
            WIDTH_must_be_1_to_32 parameter_error ();
        end
    endgenerate
    reg                valid;
    reg  [2*WIDTH-1:0] sum;
    reg  [2*WIDTH-1:0] data;
    wire enable = !valid || result_ready_i;
    wire accept = enable && operand_valid_i;
    wire last   = operand_data_i[WIDTH];
    wire [2*WIDTH-1:0] total = sum + {{WIDTH{1'b0}}, operand_data_i[WIDTH-1:0]};
    assign operand_ready_o = enable;
    assign result_valid_o  = valid;
    assign result_data_o   = data;
    always @(posedge clk_i)
        if (rst_i) begin
            valid <= 1'b0;
            sum   <= {(2*WIDTH){1'b0}};
        end else if (enable) begin
            valid <= accept && last;
            if (accept) sum <= last ? {(2*WIDTH){1'b0}} : total;
        end
    always @(posedge clk_i)
        if (enable) data <= total;
endmodule
"""
_KERNEL = '''"""The kernel NAME: parameters, streams, golden model, cycle model, stimulus, mutants."""

from pathlib import Path

from hwsim.models.numerics.handshake import rigid_pipeline_cycles
from hwsim.rtl.record import Case, Kernel, Mutant, Parameter, Stream


def golden(inputs, *, WIDTH):
    """The sum of ``values``, modulo 2**(2 WIDTH)."""
    return {"sum": sum(inputs["values"]) % (1 << 2 * WIDTH)}


def cycles(shape, stalls, *, WIDTH):
    """Cycles of shape {beats}."""
    beats = shape["beats"]
    return rigid_pipeline_cycles([beat == beats - 1 for beat in range(beats)], latency=1, stalls=stalls)


def pack(inputs, *, WIDTH):
    """Beats of the operand stream: the value, the last bit on top."""
    beats = list(inputs["values"])
    return {"operand": [*beats[:-1], beats[-1] | 1 << WIDTH]}


def pack_results(inputs, outputs, *, WIDTH):
    """Beats of the result stream."""
    return {"result": [outputs["sum"]]}


def cases(random, *, WIDTH):
    """Corners first, then random."""
    top = (1 << WIDTH) - 1

    def case(name, values, *bins):
        return Case(name, {"values": values}, {"beats": len(values)}, bins)

    found = [case("one", [5 % (top + 1)], "one_beat"), case("highest", [top] * 20, "highest")]
    found.append(case("zero", [0] * 3, "zero"))
    for index in range(5):
        found.append(case(f"random {index}", [random.randint(0, top) for _ in range(random.randint(1, 30))]))
    return found


KERNEL = Kernel(
    name="NAME",
    description="sums values up to the beat marked last",
    system="",
    folder=Path(__file__).resolve().parent,
    sources=("NAME.v",),
    parameters=(Parameter("WIDTH", 8, range(1, 33), "bits of a value"),),
    streams=(
        Stream("operand", "input", "WIDTH + 1", "{last, value}"),
        Stream("result", "output", "2*WIDTH", "the sum"),
    ),
    golden_model=golden,
    cycle_model=cycles,
    pack=pack,
    pack_results=pack_results,
    cases=cases,
    parameter_sets=({"WIDTH": 8}, {"WIDTH": 3}, {"WIDTH": 32}),
    coverage_bins=("one_beat", "highest", "zero"),
    mutants=(
        Mutant("stall ignored", "NAME.v", "!valid || result_ready_i", "1'b1"),
        Mutant("dropped carry", "NAME.v", "= sum +", "= sum ^"),
        Mutant("sum not cleared", "NAME.v", "last ? {(2*WIDTH){1'b0}} : total", "total"),
        Mutant("last value lost", "NAME.v", "data <= total", "data <= sum"),
        Mutant("bubble counted", "NAME.v", "if (accept) sum", "if (enable) sum"),
    ),
)
'''


def new_kernel(name: str, parent: Path) -> Path:
    """Write a kernel's folder; ``hwsim rtl verify PATH`` runs it at once.

    Raises
    ------
    InputError : a name that is no Verilog identifier of lower-case letters, or a folder that exists
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise InputError(f"kernel name '{name}' must be lower-case letters, digits and _, a letter first")
    folder = parent / name
    if folder.exists():
        raise InputError(f"{folder} exists; choose another name or another --folder")
    try:
        folder.mkdir(parents=True)
        (folder / f"{name}.v").write_text(_VERILOG.replace("NAME", name))
        (folder / "kernel.py").write_text(_KERNEL.replace("NAME", name))
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}; choose another --folder") from error
    return folder
