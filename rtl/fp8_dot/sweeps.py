"""What `hwsim rtl characterise fp8_dot` synthesises, and the terms of its fits."""

from __future__ import annotations

from hwsim.rtl.resource_fit import ResourceSweep, points

# Terms, an adder tree, the whole sum and its rounding are registers; an odd sum that passes a level waits in a
# register, or in a shift register where it passes several (ODD counts both).
_NAMES = "LANES E5M2 GUARD"
_DERIVED = {
    "WIDTH": "37 + 28*E5M2",
    "LEVELS": "ceil(log2(LANES))",
    "WHOLE": "WIDTH + LEVELS + GUARD",
    "P1": "LANES % 2",
    "P2": "(LANES > 2)*(ceil(LANES/2) % 2)",
    "P3": "(LANES > 4)*(ceil(LANES/4) % 2)",
    "P4": "(LANES > 8)*(ceil(LANES/8) % 2)",
    "P5": "(LANES > 16)*(ceil(LANES/16) % 2)",
    "ODD": "P1 + P2 + P3 + P4 + P5 - 3*(P1*P2 + P2*P3 + P3*P4 + P4*P5) + 2*(P1*P2*P3 + P2*P3*P4 + P3*P4*P5)",
    "REGISTERS": "(2*LANES - 1 + ODD)*WIDTH + 2*LANES - LEVELS + (LEVELS + 1)*(1 + 12*(LEVELS < 2)) + 2*WHOLE",
}
_TERMS = {
    "lut": ("LANES*WIDTH", "LANES", "WHOLE"),
    "ff": ("1", "REGISTERS"),
    "cells": ("LANES*WIDTH", "LANES", "WHOLE"),
    "gates": ("LANES*WIDTH", "LANES", "WHOLE"),
}
RESOURCE_SWEEPS = (
    ResourceSweep(
        terms=_TERMS,
        derived=_DERIVED,
        points=points(
            _NAMES,
            (2, 0, 4), (2, 1, 2), (3, 1, 8), (4, 1, 6), (5, 0, 10), (6, 1, 3), (8, 0, 6), (12, 0, 6),
        ),
        held_out=points(
            _NAMES,
            (3, 0, 6), (5, 1, 5), (7, 0, 2),
        ),
    ),
)  # fmt: skip
