"""What `hwsim rtl characterise gru_cell` synthesises, and the terms of its fits."""

from __future__ import annotations

from hwsim.rtl.resource_fit import ResourceSweep, points

# UNITS hidden units are computed side by side, three rows of two memories each: up to 32 words of 16 bits in 8 LUTs,
# then 16 LUTs for every 64; the state is HIDDEN registers.
_NAMES = "INPUTS HIDDEN REUSE"
_DERIVED = {
    "UNITS": "ceil(HIDDEN/REUSE)",
    "GROWTH": "ceil(log2(max(INPUTS, HIDDEN) + 1))",
    "INPUT_WORDS": "REUSE*(INPUTS + 1)",
    "STATE_WORDS": "REUSE*(HIDDEN + 1)",
    "STORE": (
        "3*UNITS*(8 + 8*(INPUT_WORDS > 32)*(2**(ceil(log2(INPUT_WORDS)) - 5) - 1) + 8"
        " + 8*(STATE_WORDS > 32)*(2**(ceil(log2(STATE_WORDS)) - 5) - 1))"
    ),
}
_TERMS = {
    "lut": ("UNITS", "UNITS*GROWTH", "HIDDEN", "STORE"),
    "ff": ("1", "UNITS", "UNITS*GROWTH", "HIDDEN"),
    "dsp": ("UNITS",),
    "cells": ("1", "UNITS", "UNITS*GROWTH"),
    "gates": ("1", "UNITS", "UNITS*GROWTH", "HIDDEN"),
}
RESOURCE_SWEEPS = (
    ResourceSweep(
        terms=_TERMS,
        derived=_DERIVED,
        points=points(
            _NAMES,
            (3, 2, 1), (4, 7, 4), (5, 6, 6), (6, 4, 1), (6, 4, 4), (8, 8, 8), (12, 6, 3), (20, 4, 2),
        ),
        held_out=points(
            _NAMES,
            (9, 5, 5), (10, 8, 4),
        ),
    ),
)  # fmt: skip
