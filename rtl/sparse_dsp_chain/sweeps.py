"""What `hwsim rtl characterise sparse_dsp_chain` synthesises, and the terms of its fits."""

from __future__ import annotations

from hwsim.rtl.resource_fit import ResourceSweep, points

# LUTs select activations by density and index, BLOCK of them a DSP and token; the operands of a DSP wait for their
# place in its SEGMENT of the cascade, in shift registers from three steps on. SUMS are the cascade's registers
# without packing: a bit wider from DSP to DSP, up to the result.
_NAMES = "CHAIN BLOCK ACTIVATION_WIDTH WEIGHT_WIDTH ACCUMULATOR_WIDTH PACKED FIELD"
_DERIVED = {
    "TOKENS": "PACKED + 1",
    "OPERAND": "ACTIVATION_WIDTH*TOKENS + PACKED",
    "GUARD": "(2**(FIELD - 1) - 1)//2**(ACTIVATION_WIDTH + WEIGHT_WIDTH - 2)",
    "SEGMENT": "min(CHAIN, PACKED*GUARD + (1 - PACKED)*CHAIN)",
    "PRODUCT": "ACTIVATION_WIDTH + WEIGHT_WIDTH",
    "OVER": "max(PRODUCT + 5 + CHAIN - ACCUMULATOR_WIDTH, 0)",
    "SUMS": "CHAIN*PRODUCT + CHAIN*(CHAIN - 1)/2 + 6*(CHAIN - 1) - OVER*(OVER + 1)/2",
    "REGISTERS": "3*(OPERAND + WEIGHT_WIDTH) + 2*TOKENS*ACCUMULATOR_WIDTH + SEGMENT + (1 - PACKED)*SUMS",
}
_TERMS = {
    "lut": ("CHAIN*TOKENS*ACTIVATION_WIDTH*BLOCK", "CHAIN*WEIGHT_WIDTH", "TOKENS*ACCUMULATOR_WIDTH", "CHAIN*SEGMENT"),
    "ff": ("1", "REGISTERS", "PACKED*CHAIN*FIELD"),
    "dsp": ("CHAIN",),
    "cells": (
        "CHAIN*TOKENS*ACTIVATION_WIDTH*BLOCK",
        "CHAIN*SEGMENT*(OPERAND + WEIGHT_WIDTH)",
        "CHAIN*OPERAND*WEIGHT_WIDTH",
        "TOKENS*ACCUMULATOR_WIDTH",
    ),
    "gates": (
        "CHAIN*TOKENS*ACTIVATION_WIDTH*BLOCK",
        "CHAIN*SEGMENT*(OPERAND + WEIGHT_WIDTH)",
        "CHAIN*OPERAND*WEIGHT_WIDTH",
        "TOKENS*ACCUMULATOR_WIDTH",
    ),
}
RESOURCE_SWEEPS = (
    ResourceSweep(
        terms=_TERMS,
        derived=_DERIVED,
        points=points(
            _NAMES,
            (8, 8, 5, 8, 36, 1, 18), (8, 8, 6, 6, 28, 0, 18), (8, 8, 8, 8, 32, 1, 18), (8, 16, 4, 4, 24, 1, 16),
            (8, 16, 8, 8, 32, 0, 18), (8, 16, 8, 8, 32, 1, 18), (8, 32, 8, 4, 32, 0, 18), (16, 8, 4, 8, 40, 1, 17),
            (16, 8, 8, 8, 32, 0, 18),
        ),
        held_out=points(
            _NAMES,
            (8, 8, 6, 6, 30, 1, 18), (16, 16, 6, 8, 32, 0, 18),
        ),
    ),
)  # fmt: skip
