"""What `hwsim rtl characterise pq_attention` synthesises, and the terms of its fits."""

from __future__ import annotations

from hwsim.rtl.resource_fit import ResourceSweep, points

# Tables and bins up to 128 words are LUT memory (14 or 16 bits of 32 words, 7 bits of 64 in 8 LUTs; single-ported
# bins a LUT for 64 bits); from 256 words the tables are block memory with a bypass.
_NAMES = "SUB_SPACES SUB_DIM CODE_BITS VALUE_WIDTH WEIGHT_WIDTH BIN_WIDTH SUM_WIDTH"
_DERIVED = {
    "SPACE": "max(ceil(log2(SUB_SPACES)), 1)",
    "TABLE": "2*VALUE_WIDTH + ceil(log2(SUB_DIM))",
    "REGISTERS": (
        "(SUB_SPACES + 1)*SUB_DIM*VALUE_WIDTH + 3*SPACE + 4*CODE_BITS + TABLE + SUB_SPACES*CODE_BITS"
        " + WEIGHT_WIDTH + 2*SUB_DIM*SUM_WIDTH"
    ),
    "STORE": (
        "SUB_SPACES*((CODE_BITS < 6)*8*(ceil(TABLE/14) + ceil(BIN_WIDTH/16))"
        " + (CODE_BITS > 5)*2**(CODE_BITS - 6)*(BIN_WIDTH + (CODE_BITS < 8)*8*ceil(TABLE/7))"
        " + (CODE_BITS > 7)*TABLE)"
    ),
}
_TERMS = {
    "lut": (
        "1",
        "STORE",
        "SUB_SPACES*(BIN_WIDTH + CODE_BITS)",
        "SUB_DIM*SUM_WIDTH",
        "SUB_DIM*VALUE_WIDTH**2*(VALUE_WIDTH < 5)",
    ),
    "ff": ("1", "REGISTERS"),
    "dsp": ("SUB_DIM", "SUB_DIM*(VALUE_WIDTH > 4)"),
    "bram": ("SUB_SPACES*(CODE_BITS > 7)*ceil(TABLE*2**CODE_BITS/18432)",),
    "cells": ("1", "SUB_SPACES*BIN_WIDTH", "SUB_DIM*SUM_WIDTH", "SUB_DIM*VALUE_WIDTH*(BIN_WIDTH + VALUE_WIDTH)"),
    "gates": ("1", "SUB_SPACES*BIN_WIDTH", "SUB_DIM*SUM_WIDTH", "SUB_DIM*VALUE_WIDTH*(BIN_WIDTH + VALUE_WIDTH)"),
}
RESOURCE_SWEEPS = (
    ResourceSweep(
        terms=_TERMS,
        derived=_DERIVED,
        points=points(
            _NAMES,
            (1, 1, 4, 6, 6, 12, 32), (2, 2, 7, 8, 8, 16, 36), (2, 3, 5, 8, 4, 16, 40), (3, 1, 6, 10, 8, 20, 40),
            (4, 2, 4, 8, 8, 16, 40), (4, 2, 8, 8, 8, 16, 40), (4, 3, 4, 8, 8, 16, 48), (6, 2, 3, 4, 8, 12, 32),
        ),
        held_out=points(
            _NAMES,
            (3, 2, 5, 8, 8, 16, 40), (5, 1, 4, 6, 10, 14, 36),
        ),
    ),
)  # fmt: skip
