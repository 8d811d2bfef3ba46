"""What `hwsim rtl characterise secded` synthesises, and the terms of its fits."""

from __future__ import annotations

from hwsim.rtl.resource_fit import ResourceSweep

# DATA_WIDTH columns of three ones (of five past the LIGHT ones) over CHECK sums; a LUT takes five more inputs.
_DERIVED = {
    "CHECK": "4 + (DATA_WIDTH > 4) + (DATA_WIDTH > 11) + (DATA_WIDTH > 26) + (DATA_WIDTH > 57)",
    "LIGHT": "CHECK*(CHECK - 1)*(CHECK - 2)//6",
    "ONES": "3*DATA_WIDTH + 2*max(DATA_WIDTH - LIGHT, 0)",
}
_SWEPT = (4, 6, 8, 11, 12, 16, 20, 24, 26, 27, 32, 40, 48, 57, 58, 64)
_HELD_OUT = (5, 9, 14, 22, 30, 36, 44, 52, 60)
_TERMS: tuple[dict[str, tuple[str, ...]], ...] = (
    {
        "lut": ("1", "DATA_WIDTH", "DATA_WIDTH*(CHECK > 5)", "ONES"),
        "ff": ("1", "DATA_WIDTH"),
        "cells": ("1", "DATA_WIDTH", "CHECK", "ONES"),
    },
    {"lut": ("1", "CHECK", "ONES"), "ff": ("1", "DATA_WIDTH", "CHECK"), "cells": ("1", "DATA_WIDTH", "CHECK", "ONES")},
)
RESOURCE_SWEEPS = tuple(
    ResourceSweep(
        terms=terms,
        derived=_DERIVED,
        points=tuple({"DATA_WIDTH": width, "ENCODE": encode} for width in _SWEPT),
        held_out=tuple({"DATA_WIDTH": width, "ENCODE": encode} for width in _HELD_OUT),
    )
    for encode, terms in enumerate(_TERMS)
)
