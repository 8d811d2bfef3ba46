"""What `hwsim rtl characterise ternary_mac` synthesises, and the terms of its fits."""

from __future__ import annotations

from hwsim.rtl.resource_fit import ResourceSweep, points

# A lane adds or subtracts its activation to a sum that LEVELS bits have widened; the first lane adds to nothing. Five
# ternary digits a byte are unpacked by LUTs of their own.
_NAMES = "LANES ACTIVATION_WIDTH ACCUMULATOR_WIDTH TRITS_PER_BYTE PIPELINE"
_DERIVED = {
    "LEVELS": "ceil(log2(LANES))",
}
_TERMS = {
    "lut": (
        "ACCUMULATOR_WIDTH",
        "ACTIVATION_WIDTH",
        "(LANES - 1)",
        "(LANES - 1)*(ACTIVATION_WIDTH + LEVELS)",
        "LANES*(TRITS_PER_BYTE == 5)",
    ),
    "ff": ("1", "ACCUMULATOR_WIDTH", "PIPELINE", "PIPELINE*ACCUMULATOR_WIDTH"),
    "cells": (
        "ACCUMULATOR_WIDTH",
        "ACTIVATION_WIDTH",
        "(LANES - 1)",
        "(LANES - 1)*(ACTIVATION_WIDTH + LEVELS)",
        "LANES*(TRITS_PER_BYTE == 5)",
    ),
    "gates": (
        "ACCUMULATOR_WIDTH",
        "ACTIVATION_WIDTH",
        "(LANES - 1)",
        "(LANES - 1)*(ACTIVATION_WIDTH + LEVELS)",
        "LANES*(TRITS_PER_BYTE == 5)",
        "PIPELINE*ACCUMULATOR_WIDTH",
    ),
}
RESOURCE_SWEEPS = (
    ResourceSweep(
        terms=_TERMS,
        derived=_DERIVED,
        points=points(
            _NAMES,
            (1, 9, 17, 4, 0), (1, 9, 29, 4, 0), (3, 5, 28, 4, 0), (4, 8, 24, 5, 1), (6, 8, 32, 4, 1),
            (8, 12, 17, 5, 0), (10, 8, 32, 5, 0), (12, 6, 20, 4, 0), (14, 4, 27, 4, 0), (16, 8, 32, 4, 0),
            (23, 3, 33, 4, 1),
        ),
        held_out=points(
            _NAMES,
            (5, 6, 24, 5, 0), (8, 8, 32, 4, 0),
        ),
    ),
)  # fmt: skip
