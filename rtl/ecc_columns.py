"""Writes the matrices of the error codes into Verilog: ``python -m hwsim.rtl.ecc_columns FOLDER``.

The columns come from `hwsim.models.numerics.outlier_ecc`, the golden model's own; a test compares the files.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hwsim.models.numerics.outlier_ecc import hamming_columns, secded_columns

HAMMING_DATA_BITS = 24
SECDED_DATA_BITS = {4: 4, 5: 11, 6: 26, 7: 57, 8: 64}


def hamming_verilog() -> str:
    """Text of hamming_columns.v: the syndrome of each data bit, CHECK bits wide."""
    lines = [
        f"    assign all[{index}*8 +: 8] = 8'd{column};"
        for index, column in enumerate(hamming_columns(HAMMING_DATA_BITS))
    ]
    return _module(
        "hamming_columns",
        "Syndromes of the data bits of a Hamming code: the whole numbers that are no power of two.",
        f"    wire [{HAMMING_DATA_BITS}*8-1:0] all;\n" + "\n".join(lines) + "\n" + _SLICE,
    )


def secded_verilog() -> str:
    """Text of secded_columns.v: the Hsiao columns for 4 to 8 check bits."""
    widest = max(SECDED_DATA_BITS.values())
    text = f"    wire [{widest}*8-1:0] all;\n    generate\n"
    for check, data in SECDED_DATA_BITS.items():
        word = ", ".join(f"8'd{column}" for column in reversed(secded_columns(data)))
        fill = f"{{{8 * (widest - data)}{{1'b0}}}}, " if widest > data else ""
        text += f"        if (CHECK == {check}) begin : g_check_{check}\n            assign all = {{{fill}\n"
        pieces = word.split(", ")
        for start in range(0, len(pieces), 12):
            tail = "," if start + 12 < len(pieces) else ""
            text += "                " + ", ".join(pieces[start : start + 12]) + tail + "\n"
        text += "            };\n        end\n"
    text = text.replace(", \n", ",\n")
    return _module(
        "secded_columns",
        "Syndromes of the data bits of a Hsiao code: odd weights, the lightest first.",
        text + "    endgenerate\n" + _SLICE,
    )


_SLICE = """    genvar place;
    generate
        for (place = 0; place < DATA; place = place + 1) begin : g_column
            assign columns_o[place*CHECK +: CHECK] = all[place*8 +: CHECK];
        end
    endgenerate
    wire unused = &{1'b0, all};
"""


def _module(name: str, purpose: str, body: str) -> str:
    return (
        f"// {purpose}\n// Written by python -m hwsim.rtl.ecc_columns; do not edit.\n"
        f"module {name} #(\n    parameter DATA = 6,  // data bits\n    parameter CHECK = 5  // check bits\n) (\n"
        f"    output wire [DATA*CHECK-1:0] columns_o\n);\n{body}endmodule\n"
    )


def write(folder: Path) -> None:
    """Write both files into a folder."""
    (folder / "hamming_columns.v").write_text(hamming_verilog())
    (folder / "secded_columns.v").write_text(secded_verilog())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
