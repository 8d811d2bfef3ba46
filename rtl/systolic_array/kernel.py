"""The systolic array kernel: parameters, streams, packing, stimulus, mutants."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.errors import InputError
from hwsim.models.npu.systolic_stream import stream_cycles
from hwsim.models.numerics.handshake import Stalls
from hwsim.models.numerics.integer_matmul import Integers, integer_matmul, packed
from hwsim.rtl.record import Case, Kernel, Mutant, Parameter, Stream
from hwsim.rtl.resource_fit import ResourceSweep

DATAFLOWS = ("output_stationary", "weight_stationary")


def golden(inputs: Mapping[str, Any], *, OPERAND_BITS: int, ACCUMULATOR_BITS: int, **_: int) -> dict[str, Integers]:
    """``c`` (m, n) = ``a`` (m, k) times ``b`` (k, n)."""
    return {"c": integer_matmul(inputs["a"], inputs["b"], operand_bits=OPERAND_BITS, accumulator_bits=ACCUMULATOR_BITS)}


def cycles(shape: Mapping[str, int], stalls: Stalls | None, *, ROWS: int, COLUMNS: int, DATAFLOW: int, **_: int) -> int:
    """Cycles of the product of shape {m, n, k}."""
    sizes = {name: shape[name] for name in ("m", "n", "k")}
    return stream_cycles(DATAFLOWS[DATAFLOW], stalls, **sizes, rows=ROWS, columns=COLUMNS)


def tiles(inputs: Mapping[str, Any], ROWS: int, COLUMNS: int, DATAFLOW: int) -> Iterator[tuple[Integers, Integers]]:
    """Zero-padded operand tiles in the order in which they are streamed, the columns of the product outermost."""
    a, b = np.asarray(inputs["a"], np.int64), np.asarray(inputs["b"], np.int64)
    outer = a if DATAFLOW == 0 else a.T
    for column in range(0, b.shape[1], COLUMNS):
        for row in range(0, outer.shape[0], ROWS):
            left, right = (a[row : row + ROWS], b) if DATAFLOW == 0 else (a[:, row : row + ROWS], b[row : row + ROWS])
            right = right[:, column : column + COLUMNS]
            pad = ROWS - min(ROWS, outer.shape[0] - row)
            left = np.pad(left, ((0, pad), (0, 0)) if DATAFLOW == 0 else ((0, 0), (0, pad)))
            right = np.pad(right, ((0, pad if DATAFLOW else 0), (0, COLUMNS - right.shape[1])))
            yield left, right


def pack(
    inputs: Mapping[str, Any], *, ROWS: int, COLUMNS: int, OPERAND_BITS: int, DATAFLOW: int, **_: int
) -> dict[str, list[int]]:
    """Beats of the activation stream (last bit on top) and of the weight stream."""
    activation: list[int] = []
    weight: list[int] = []
    for left, right in tiles(inputs, ROWS, COLUMNS, DATAFLOW):
        beats = [packed(values, OPERAND_BITS) for values in (left.T if DATAFLOW == 0 else left)]
        beats[-1] |= 1 << (ROWS * OPERAND_BITS)
        activation += beats
        weight += [packed(values, OPERAND_BITS) for values in right]
    return {"activation": activation, "weight": weight}


def pack_results(
    inputs: Mapping[str, Any], outputs: Mapping[str, Any], *, ROWS: int, COLUMNS: int, OPERAND_BITS: int,
    ACCUMULATOR_BITS: int, DATAFLOW: int,
) -> dict[str, list[int]]:  # fmt: skip
    """Beats of the result stream: a tile's rows, last first (output-stationary) or first first (weight-stationary)."""
    beats: list[int] = []
    for left, right in tiles(inputs, ROWS, COLUMNS, DATAFLOW):
        product = integer_matmul(left, right, operand_bits=OPERAND_BITS, accumulator_bits=ACCUMULATOR_BITS)
        beats += [packed(row, ACCUMULATOR_BITS) for row in (product[::-1] if DATAFLOW == 0 else product)]
    return {"result": beats}


def _case(name: str, a: Any, b: Any, *bins: str) -> Case:
    a, b = np.asarray(a, np.int64), np.asarray(b, np.int64)
    return Case(name, {"a": a, "b": b}, {"m": a.shape[0], "k": a.shape[1], "n": b.shape[1]}, bins)


def cases(generator: random.Random, *, ROWS: int, COLUMNS: int, OPERAND_BITS: int, **_: int) -> Sequence[Case]:
    """Corners (extremes, zero, alternating, one beat, many tiles), then random shapes."""
    noise = np.random.default_rng(generator.getrandbits(32))
    low, high = -(1 << (OPERAND_BITS - 1)), 1 << (OPERAND_BITS - 1)

    def values(rows: int, columns: int) -> Integers:
        return noise.integers(low, high, (rows, columns))

    sign = np.where(np.arange(9) % 2, low, high - 1)
    found = [
        _case("one tile", values(ROWS, 12), values(12, COLUMNS), "one_tile"),
        _case("both lowest", np.full((ROWS, 20), low), np.full((20, COLUMNS), low), "lowest_times_lowest"),
        _case("zero", np.zeros((ROWS, 5)), values(5, COLUMNS), "zero"),
        _case("alternating", np.tile(sign, (ROWS, 1)), np.tile(sign[:, None], (1, COLUMNS)), "alternating"),
        _case("one beat a tile", values(3 * ROWS, 1), values(1, 2 * COLUMNS), "fewer_beats_than_rows"),
        _case("one row, many terms", values(1, 3 * ROWS + 1), values(3 * ROWS + 1, COLUMNS), "padded"),
        _case("tiles", values(2 * ROWS + 1, 2 * ROWS), values(2 * ROWS, 2 * COLUMNS + 1), "back_to_back", "padded"),
    ]
    for index in range(3):
        m, k, n = generator.randint(1, 3 * ROWS), generator.randint(1, 30), generator.randint(1, 2 * COLUMNS)
        found.append(_case(f"random {index}", values(m, k), values(k, n), "random_shape"))
    return found


def check(*, OPERAND_BITS: int, ACCUMULATOR_BITS: int, **_: int) -> None:
    """Refuse an accumulator that does not hold one product."""
    if ACCUMULATOR_BITS < 2 * OPERAND_BITS:
        raise InputError(
            f"systolic_array: ACCUMULATOR_BITS(={ACCUMULATOR_BITS}) must be >= 2 * OPERAND_BITS (={2 * OPERAND_BITS})"
        )


_OUTPUT, _WEIGHTS = "systolic_output_stationary.v", "systolic_weight_stationary.v"
_WEIGHT = {"ROWS": 3, "COLUMNS": 4, "DATAFLOW": 1}
_WIDE_WEIGHT = {"ROWS": 3, "COLUMNS": 2, "DATAFLOW": 1, "OPERAND_BITS": 16}
_SHAPES = (
    (1, 1), (1, 2), (2, 1), (2, 2), (1, 5), (5, 1), (2, 4), (4, 2), (3, 3), (3, 4), (4, 4), (2, 6), (6, 2), (5, 5),
    (1, 40), (40, 1),
)  # fmt: skip
_LARGER_SHAPES = ((6, 6), (10, 10), (8, 4), (4, 8))  # weight-stationary: sums widen from row to row
# (dataflow, bits of an operand, bits of a sum): sizes fitted, sizes only compared
_SWEPT: dict[tuple[int, int, int], tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]] = {
    (0, 8, 32): (_SHAPES, ((5, 9), (8, 8), (2, 24), (24, 2), (2, 48), (12, 12), (16, 16))),
    (0, 4, 24): (_SHAPES, ((5, 9), (8, 8), (2, 20))),
    (1, 8, 32): ((*_SHAPES, *_LARGER_SHAPES), ((5, 9), (9, 5), (8, 8), (40, 2), (12, 12), (16, 16))),
}
# Delay lines: up to two steps are flip-flops, three and more a shift-register LUT and one, past 33 two LUTs.
_EDGES = ("1", "ROWS", "COLUMNS", "ROWS*COLUMNS", "max(ROWS, 3)", "max(COLUMNS, 3)")
_LUTS = (*_EDGES, "max(ROWS, 33)", "max(COLUMNS, 33)")
_REGISTERS = (*_EDGES, "max(ROWS, 33)", "max(COLUMNS, 33)", "min(ROWS, 3)**2", "min(COLUMNS, 3)**2")
_CELLS = (*_EDGES[:4], "ROWS**2", "COLUMNS**2")  # without shift registers a delay line is flip-flops
_WIDENING = ("min(ROWS, 2)*COLUMNS", "min(ROWS, 3)*COLUMNS")  # the first rows' sums are narrower
_NO_NEIGHBOUR = ("min(ROWS, 3)**2", "min(COLUMNS, 3)**2", "(COLUMNS == 1)*ROWS")  # one column hands nothing on
_TERMS: tuple[dict[str, tuple[str, ...]], ...] = (
    {"lut": _LUTS, "ff": _REGISTERS, "dsp": ("ROWS*COLUMNS",), "cells": _CELLS},
    {
        "lut": (*_LUTS, *_WIDENING, *_NO_NEIGHBOUR), "ff": (*_LUTS, *_WIDENING, *_NO_NEIGHBOUR),
        "dsp": ("ROWS*COLUMNS",),
        "cells": (*_CELLS, *_WIDENING),
    },
)  # fmt: skip


def _sizes(dataflow: int, bits: int, sums: int, shapes: Sequence[tuple[int, int]]) -> tuple[dict[str, int], ...]:
    fixed = {"DATAFLOW": dataflow, "OPERAND_BITS": bits, "ACCUMULATOR_BITS": sums}
    return tuple({"ROWS": rows, "COLUMNS": columns, **fixed} for rows, columns in shapes)


KERNEL = Kernel(
    name="systolic_array",
    description="R x C signed INT8 to INT32 systolic array, output- or weight-stationary, tiles overlapped",
    system="NPU, Cambricon-LLM",
    folder=Path(__file__).resolve().parent,
    sources=(
        "pe_output_stationary.v", "pe_weight_stationary.v", "systolic_output_stationary.v",
        "systolic_weight_stationary.v", "systolic_array.v",
    ),
    common=("delay_line.v",),
    parameters=(
        Parameter("ROWS", 4, range(1, 65), "rows of the array"),
        Parameter("COLUMNS", 4, range(1, 65), "columns of the array"),
        Parameter("OPERAND_BITS", 8, range(2, 17), "bits of each signed operand"),
        Parameter("ACCUMULATOR_BITS", 32, range(8, 49), "bits of each signed sum"),
        Parameter("DATAFLOW", 0, (0, 1), "0 output-stationary, 1 weight-stationary"),
    ),
    streams=(
        Stream("activation", "input", "ROWS*OPERAND_BITS + 1", "{last, value ROWS-1 .. value 0}"),
        Stream("weight", "input", "COLUMNS*OPERAND_BITS", "{value COLUMNS-1 .. value 0}"),
        Stream("result", "output", "COLUMNS*ACCUMULATOR_BITS", "{sum COLUMNS-1 .. sum 0}"),
    ),
    golden_model=golden,
    cycle_model=cycles,
    pack=pack,
    pack_results=pack_results,
    cases=cases,
    check=check,
    parameter_sets=(
        {"ROWS": 3, "COLUMNS": 5}, {"ROWS": 4, "COLUMNS": 3, "DATAFLOW": 1},
        {"ROWS": 1, "COLUMNS": 1, "OPERAND_BITS": 16}, _WIDE_WEIGHT,  # sums that need all of their bits, and wrap
        {"ROWS": 1, "COLUMNS": 4, "DATAFLOW": 1, "OPERAND_BITS": 4, "ACCUMULATOR_BITS": 12},
    ),
    coverage_bins=(
        "one_tile", "lowest_times_lowest", "zero", "alternating", "fewer_beats_than_rows", "padded", "back_to_back",
        "random_shape",
    ),
    mutants=(
        Mutant("lost sign", "pe_output_stationary.v", "{product[2*OPERAND_BITS-1]}", "{1'b0}"),
        Mutant("dropped carry", "pe_output_stationary.v", "= accumulator + extended", "= accumulator ^ extended"),
        Mutant("sum not cleared", "pe_output_stationary.v", "last_i ? {ACCUMULATOR_BITS{1'b0}} : sum", "sum"),
        Mutant(
            "sum of 24 bits", "pe_output_stationary.v", "= accumulator + extended;",
            "= $signed((accumulator + extended) << 8) >>> 8;", {"ROWS": 1, "COLUMNS": 1, "OPERAND_BITS": 16},
        ),
        Mutant("last beat not held back", "systolic_array.v", "(clear || !last)", "(clear || 1'b1)"),
        Mutant("stall ignored", "systolic_array.v", "!result_valid_o || result_ready_i", "1'b1"),
        Mutant("drain off by one", _OUTPUT, "|history[ROWS+r-1 : ROWS]", "|history[ROWS+r : ROWS+1]"),
        Mutant("result early", _OUTPUT, "[2*ROWS+COLUMNS-2 : ROWS+COLUMNS-1]", "[2*ROWS+COLUMNS-3 : ROWS+COLUMNS-2]"),
        Mutant("weights swapped late", _WEIGHTS, ".first_i(first[r+c])", ".first_i(first[r+c+1])", _WEIGHT),
        Mutant("weights loaded too early", "systolic_array.v", "full <= whole && !first", "full <= 1'b0", _WEIGHT),
    ),
    resource_sweeps=tuple(
        ResourceSweep(terms=_TERMS[key[0]], points=_sizes(*key, fitted), held_out=_sizes(*key, compared))
        for key, (fitted, compared) in _SWEPT.items()
    ),
)  # fmt: skip
