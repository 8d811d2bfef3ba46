"""What `hwsim rtl characterise flash_gemv` synthesises, and the terms of its fits."""

from __future__ import annotations

from hwsim.rtl.resource_fit import ResourceSweep, points

# A buffer of up to 128 beats is LUT memory, 14 bits of 32 words or 7 bits of 64 in 8 LUTs; a deeper one is block
# memory. The read beats beside the products wait in shift registers from three steps on, below that in flip-flops; so
# does an odd sum that passes levels of the tree (ODD counts those passes and the registers that they spare).
_NAMES = "LANES BUFFER_BYTES ACCUMULATOR_BITS"
_DERIVED = {
    "WIDTH": "8*LANES",
    "BEATS": "BUFFER_BYTES//LANES",
    "ADDRESS": "ceil(log2(BEATS))",
    "LEVELS": "ceil(log2(LANES))",
    "TREE": "18*LANES - 18 - LEVELS",
    "P1": "(LANES > 1)*(LANES % 2)",
    "P2": "(LANES > 2)*(ceil(LANES/2) % 2)",
    "P3": "(LANES > 4)*(ceil(LANES/4) % 2)",
    "P4": "(LANES > 8)*(ceil(LANES/8) % 2)",
    "P5": "(LANES > 16)*(ceil(LANES/16) % 2)",
    "ODD": "P1 + P2 + P3 + P4 + P5 - 3*(P1*P2 + P2*P3 + P3*P4 + P4*P5) + 2*(P1*P2*P3 + P2*P3*P4 + P3*P4*P5)",
    "BLOCK": "(BEATS > 128)",
    "STORE": (
        "(ADDRESS < 6)*8*ceil(WIDTH/14) + (ADDRESS > 5)*(1 - BLOCK)*8*ceil(WIDTH/7)*2**(ADDRESS - 6)"
        " + (ADDRESS == 7)*WIDTH + (LEVELS > 1)*WIDTH"
    ),
    "REGISTERS": (
        "3*ADDRESS + 16*(LANES + ODD) + TREE + 3*LEVELS + ACCUMULATOR_BITS + max(WIDTH, ACCUMULATOR_BITS)"
        " + WIDTH*(LEVELS < 2)*(LEVELS + 1)"
    ),
}
_TERMS = {
    "lut": ("1", "STORE", "ACCUMULATOR_BITS", "TREE", "BLOCK"),
    "ff": ("1", "REGISTERS", "WIDTH*BLOCK"),
    "dsp": ("LANES",),
    "bram": ("BLOCK*ceil(WIDTH*BEATS/18432)",),
    "cells": ("1", "LANES", "ACCUMULATOR_BITS"),
    "gates": ("1", "LANES", "ACCUMULATOR_BITS"),
}
RESOURCE_SWEEPS = (
    ResourceSweep(
        terms=_TERMS,
        derived=_DERIVED,
        points=points(
            _NAMES,
            (1, 64, 24), (1, 520, 35), (1, 1024, 32), (2, 256, 32), (3, 94, 25), (3, 512, 28), (4, 64, 32),
            (4, 2048, 32), (5, 300, 30), (6, 100, 40), (8, 512, 32),
        ),
        held_out=points(
            _NAMES,
            (2, 2000, 24), (7, 150, 26),
        ),
    ),
)  # fmt: skip
