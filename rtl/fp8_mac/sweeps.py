"""What `hwsim rtl characterise fp8_mac` synthesises, and the terms of its fits."""

from __future__ import annotations

from hwsim.rtl.resource_fit import ResourceSweep, points

# The adder's registers and the partial sums follow PARTIAL_SUMS; the cast to FP8 differs little between its formats.
_LOGIC = ("1", "(PARTIAL_SUMS > 1)", "(PARTIAL_SUMS > 2)")
_NAMES = "PARTIAL_SUMS OUTPUT_FORMAT OUTPUT_BIAS OUTPUT_SATURATE"
RESOURCE_SWEEPS = (
    ResourceSweep(
        terms={"lut": _LOGIC, "ff": _LOGIC, "cells": _LOGIC},
        points=points(
            _NAMES,
            (1, 0, 7, 1), (1, 1, 30, 0), (1, 2, 7, 1), (2, 0, 0, 0), (2, 1, 7, 1), (2, 2, 50, 1), (4, 0, 7, 1),
            (4, 1, 63, 1), (4, 2, 15, 0),
        ),
        held_out=points(
            _NAMES, (1, 0, 50, 1), (1, 1, 7, 1), (1, 2, 15, 1), (2, 0, 7, 1), (2, 1, 40, 1), (4, 0, 10, 0),
            (4, 2, 7, 1),
        ),
    ),
)  # fmt: skip
