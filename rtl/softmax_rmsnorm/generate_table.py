"""Write sfu_table.v from the golden model's table: ``python -m hwsim.rtl.softmax_rmsnorm.generate_table``."""

from __future__ import annotations

from pathlib import Path

from hwsim.models.numerics import special_functions

HEADER = """// sfu_table: 2^(-index / 256), 24 fraction bits, for index 0 to 256. Combinational.
// Written by generate_table.py from models/numerics/special_functions.py; change that, not this file.
`default_nettype none
module sfu_table (
    input  wire [8:0]  index_i,
    output reg  [24:0] value_o
);
    // A table's entries are data; a test compares them all with the generator.
    // verilator coverage_off
    always @(*) begin
        case (index_i)
"""
FOOTER = """            default: value_o = 25'd{last};
        endcase
    end
    // verilator coverage_on
endmodule
`default_nettype wire
"""


def table_verilog() -> str:
    """Text of sfu_table.v."""
    entries = special_functions.exponent_table().tolist()
    lines = "".join(f"            9'd{index}: value_o = 25'd{value};\n" for index, value in enumerate(entries[:-1]))
    return HEADER + lines + FOOTER.format(last=entries[-1])


if __name__ == "__main__":
    Path(__file__).with_name("sfu_table.v").write_text(table_verilog())
