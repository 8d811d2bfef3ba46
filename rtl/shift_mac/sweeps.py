"""What `hwsim rtl characterise shift_mac` synthesises, and the terms of its fits."""

from __future__ import annotations

from hwsim.rtl.resource_fit import ResourceSweep, points

# A lane shifts its activation by up to 2**(WEIGHT_WIDTH - 1) - 1 places and adds it.
_NAMES = "LANES WEIGHT_WIDTH ACTIVATION_WIDTH ACCUMULATOR_WIDTH PIPELINE"
_DERIVED = {
    "TERM": "ACTIVATION_WIDTH + 2**(WEIGHT_WIDTH - 1) - 1",
}
_TERMS = {
    "lut": ("ACCUMULATOR_WIDTH", "LANES*TERM"),
    "ff": ("1", "ACCUMULATOR_WIDTH", "PIPELINE", "PIPELINE*ACCUMULATOR_WIDTH"),
    "cells": ("ACCUMULATOR_WIDTH", "LANES*TERM"),
    "gates": ("ACCUMULATOR_WIDTH", "LANES*TERM"),
}
RESOURCE_SWEEPS = (
    ResourceSweep(
        terms=_TERMS,
        derived=_DERIVED,
        points=points(
            _NAMES,
            (1, 3, 8, 32, 0), (2, 4, 12, 40, 0), (4, 3, 8, 32, 0), (4, 4, 8, 32, 1), (6, 2, 6, 24, 1),
            (6, 3, 4, 24, 0), (8, 2, 8, 24, 0), (10, 3, 8, 32, 0),
        ),
        held_out=points(
            _NAMES,
            (3, 2, 10, 28, 0), (3, 4, 6, 36, 1), (5, 3, 8, 32, 0),
        ),
    ),
)  # fmt: skip
