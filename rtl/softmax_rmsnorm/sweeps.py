"""What `hwsim rtl characterise softmax_rmsnorm` synthesises, and the terms of its fits."""

from __future__ import annotations

from hwsim.rtl.resource_fit import ResourceSweep, points

# A lane squares, takes an exponential from two tables of 2**TABLE_BITS entries and scales; the row's total of TOTAL
# bits and its inverse are shared.
_NAMES = "LANES DEPTH DATA FRACTION TABLE_BITS NORM_FRACTION EPSILON"
_DERIVED = {
    "TOTAL": "max(2*DATA + 2, 26) + ceil(log2(LANES*DEPTH + 1))",
}
_TERMS = {
    "lut": ("1", "LANES", "LANES*2**TABLE_BITS"),
    "ff": ("1", "LANES", "TOTAL", "LANES*DATA"),
    "dsp": ("1", "LANES", "(EPSILON != 2**ceil(log2(EPSILON)))"),
    "cells": ("1", "LANES", "LANES*DATA"),
    "gates": ("1", "LANES", "LANES*DATA"),
}
RESOURCE_SWEEPS = (
    ResourceSweep(
        terms=_TERMS,
        derived=_DERIVED,
        points=points(
            _NAMES,
            (1, 8, 16, 8, 6, 11, 1), (1, 16, 14, 8, 7, 8, 1), (1, 32, 12, 4, 4, 8, 1), (1, 64, 10, 6, 5, 8, 9),
            (2, 8, 13, 5, 3, 9, 1), (2, 16, 16, 8, 8, 11, 1), (3, 16, 16, 8, 6, 11, 1), (4, 8, 16, 8, 6, 11, 1),
        ),
        held_out=points(
            _NAMES,
            (1, 16, 12, 8, 7, 8, 1), (2, 32, 14, 6, 5, 10, 3),
        ),
    ),
)  # fmt: skip
