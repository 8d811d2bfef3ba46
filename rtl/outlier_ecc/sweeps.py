"""What `hwsim rtl characterise outlier_ecc` synthesises, and the terms of its fits."""

from __future__ import annotations

from hwsim.rtl.resource_fit import ResourceSweep, points

# Every lane compares its place with the entry's address, keeps two copies and votes; one vote of nine for the
# threshold.
_NAMES = "VALUES PROTECTED LANES VALUE_WIDTH"
_DERIVED = {
    "ADDRESS": "ceil(log2(VALUES))",
    "LEFT": "ceil(log2(PROTECTED + 1))",
    "TRAIL": (
        "(LANES % 2 == 0) + (LANES % 4 == 0) + (LANES % 8 == 0) + (LANES % 16 == 0) + (LANES % 32 == 0)"
        " + (LANES % 64 == 0)"
    ),
    "REGISTERS": "ADDRESS - TRAIL + LEFT + VALUE_WIDTH + LANES*(1 + 3*VALUE_WIDTH)",
}
_TERMS = {
    "lut": ("VALUE_WIDTH", "LANES*VALUE_WIDTH", "LANES", "ADDRESS"),
    "ff": ("1", "REGISTERS"),
    "cells": ("VALUE_WIDTH", "LANES*VALUE_WIDTH", "ADDRESS"),
    "gates": ("VALUE_WIDTH", "LANES*VALUE_WIDTH", "ADDRESS"),
}
RESOURCE_SWEEPS = (
    ResourceSweep(
        terms=_TERMS,
        derived=_DERIVED,
        points=points(
            _NAMES,
            (16, 2, 1, 8), (48, 5, 3, 12), (64, 4, 4, 8), (64, 6, 2, 4), (128, 7, 1, 12), (240, 10, 6, 5),
            (1024, 20, 8, 8), (4096, 40, 4, 6),
        ),
        held_out=points(
            _NAMES,
            (96, 8, 6, 8), (512, 16, 2, 10),
        ),
    ),
)  # fmt: skip
