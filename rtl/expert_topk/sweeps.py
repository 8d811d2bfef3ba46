"""What `hwsim rtl characterise expert_topk` synthesises, and the terms of its fits."""

from __future__ import annotations

from hwsim.rtl.resource_fit import ResourceSweep, points

# Scores, counters and flags of every expert and two sets of TOP_K choices are registers; the search compares and
# selects a score an expert, which synthesis turns into a tree of INDEX levels.
_NAMES = "EXPERTS TOP_K SCORE_WIDTH CAPACITY REROUTE"
_DERIVED = {
    "INDEX": "ceil(log2(EXPERTS))",
    "COUNT": "ceil(log2(CAPACITY + 1))",
    "CHOICE": "1 + SCORE_WIDTH + INDEX",
}
_TERMS = {
    "lut": ("1", "EXPERTS", "EXPERTS*SCORE_WIDTH*INDEX", "TOP_K*CHOICE"),
    "ff": ("1", "EXPERTS*(SCORE_WIDTH + 1 + COUNT)", "TOP_K*CHOICE", "(TOP_K == 1)*CHOICE", "ceil(log2(TOP_K))"),
    "cells": ("1", "EXPERTS", "EXPERTS*SCORE_WIDTH*INDEX", "TOP_K*CHOICE", "EXPERTS*COUNT"),
    "gates": ("1", "EXPERTS", "EXPERTS*SCORE_WIDTH*INDEX", "TOP_K*CHOICE", "EXPERTS*COUNT", "EXPERTS*INDEX"),
}
RESOURCE_SWEEPS = (
    ResourceSweep(
        terms=_TERMS,
        derived=_DERIVED,
        points=points(
            _NAMES,
            (2, 2, 18, 21, 0), (5, 3, 8, 39, 0), (6, 1, 17, 4, 0), (6, 3, 6, 1, 0), (6, 6, 9, 41, 1),
            (8, 2, 5, 34, 0), (8, 2, 13, 39, 1), (9, 2, 15, 575, 1), (9, 5, 4, 2, 1), (9, 7, 6, 12, 1),
            (9, 8, 6, 5, 0), (10, 3, 13, 3, 1), (11, 6, 10, 2, 0), (11, 6, 19, 83, 0), (12, 4, 8, 30, 1),
            (14, 3, 10, 452, 1), (19, 4, 4, 7, 1), (27, 5, 12, 551, 1), (28, 2, 19, 57, 0), (42, 3, 4, 3, 0),
        ),
        held_out=points(
            _NAMES,
            (6, 2, 8, 4, 1), (13, 7, 3, 4, 0), (15, 1, 4, 544, 1), (21, 8, 15, 3, 0), (33, 8, 5, 529, 0),
        ),
    ),
)  # fmt: skip
