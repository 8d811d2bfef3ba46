"""Stimulus of softmax_rmsnorm: extremes, equal numbers, a lone large one, masked lanes, short and long rows, random."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from hwsim.models.npu.special_function_cycles import special_function_timing
from hwsim.models.npu.stream_timing import Timing, always
from hwsim.models.numerics import special_functions
from hwsim.models.numerics.integers import concatenate
from hwsim.rtl.streams import Mutant, Patterns, Scenario, sink_of

SYSTEM = "FlightLLM and every other"
PARAMETER_SETS: list[dict[str, int]] = [
    {"LANES": 4, "DEPTH": 8, "NORM_FRACTION": 13},
    {"LANES": 16, "DEPTH": 4, "DATA": 12, "FRACTION": 6, "TABLE_BITS": 8, "NORM_FRACTION": 9, "EPSILON": 5},
    {"LANES": 1, "DEPTH": 16, "DATA": 8, "FRACTION": 4, "TABLE_BITS": 4, "NORM_FRACTION": 6, "EPSILON": 300},
]
BINS = frozenset(
    [f"{function}_{case}" for function in ("softmax", "norm") for case in ("all_lowest", "all_highest", "all_zero")]
    + [f"{function}_{case}" for function in ("softmax", "norm") for case in ("one_number", "longest", "random")]
    + ["alternating", "masked_lanes", "masked_beat", "probability_1", "probability_0", "norm_saturates"]
    + ["norm_negative", "function_changes", "rising", "falling"]
)
MUTANTS = [
    Mutant("log2(e) off by one", "sfu_exponent.v", "16'd47274", "16'd47275"),
    Mutant("interpolation the wrong way", "sfu_exponent.v", "base - partial", "base + partial"),
    Mutant("stored exponential not rounded", "softmax_rmsnorm.v", "shown[24:7] + 18'd1", "shown[24:7]"),
    Mutant("far numbers wrap", "sfu_exponent.v", "beyond ? 5'd31 : scaled[20:16]", "scaled[20:16]"),
    Mutant(
        "one iteration fewer",
        "sfu_inverse.v",
        "round    <= 2'd2;\n                state    <= TIMES;",
        "round    <= 2'd1;\n                state    <= TIMES;",
    ),
    Mutant("odd powers rooted as even", "sfu_inverse.v", "power[0] ? once << 1", "1'b0 ? once << 1"),
    Mutant(
        "root seed of the wrong half",
        "sfu_inverse.v",
        "right = number[25] ? HIGH_SLOPE",
        "right = number[24] ? HIGH_SLOPE",
    ),
    Mutant("result rounded down", "sfu_scale.v", "halved + 46'sd1", "halved"),
    Mutant("norm not saturated", "sfu_scale.v", "signed_i && !fits", "1'b0 && !fits"),
    Mutant(
        "largest compared unsigned",
        "softmax_rmsnorm.v",
        "$signed(x_data_i[lane*DATA +: DATA]) > next_largest",
        "x_data_i[lane*DATA +: DATA] > next_largest",
    ),
    Mutant("masked lanes counted", "softmax_rmsnorm.v", "keep[lane]};", "1'b1};"),
    Mutant("masked lanes in the sum", "softmax_rmsnorm.v", "kept_3[place] ? value : 25'd0", "value"),
    Mutant("epsilon lost", "softmax_rmsnorm.v", "total + count_wide * EPSILON_WIDE", "total"),
    Mutant("result overwritten in a stall", "softmax_rmsnorm.v", "y_ready_i || !y_valid_o", "1'b1"),
    Mutant(
        "beat taken before the row is out",
        "softmax_rmsnorm.v",
        "take      = x_valid_i && open",
        "take      = x_valid_i",
    ),
    Mutant(
        "function of the first beat",
        "softmax_rmsnorm.v",
        "            root  <=",
        "            if (index == 0) root  <=",
    ),
    Mutant("reset keeps the index", "softmax_rmsnorm.v", "            index        <= {BEATS{1'b0}};\n", ""),
]


class Row(NamedTuple):
    """A row: integers and keep marks, both (beats, lanes), and whether it is an RMS norm."""

    data: np.ndarray
    keep: np.ndarray
    norm: bool


def special_format(parameters: Mapping[str, int]) -> special_functions.SpecialFormat:
    """Fixed-point formats of a parameter set."""
    given = parameters.get
    return special_functions.SpecialFormat(
        given("DATA", 16), given("FRACTION", 8), given("TABLE_BITS", 6), given("NORM_FRACTION", 11), given("EPSILON", 1)
    )


def golden(row: Row, form: special_functions.SpecialFormat) -> np.ndarray:
    """Results (beats, lanes), 0 where not kept."""
    results = np.zeros(row.data.shape, np.int64)
    function = special_functions.rms_norm if row.norm else special_functions.softmax
    results[row.keep] = function(row.data[row.keep], form)
    return results


def _bins(row: Row, results: np.ndarray, form: special_functions.SpecialFormat) -> set[str]:
    kept = results[row.keep]
    found = {
        "masked_lanes": (~row.keep).any(),
        "masked_beat": (~row.keep.any(axis=1)).any(),
        "probability_1": not row.norm and (kept == 1 << (form.data_bits - 1)).any(),
        "probability_0": not row.norm and (kept == 0).any(),
        "norm_saturates": row.norm and (kept == (1 << (form.data_bits - 1)) - 1).any(),
        "norm_negative": row.norm and (kept < 0).any(),
    }
    return {name for name, hit in found.items() if hit}


def _scenario(rows: Sequence[Row], parameters: Mapping[str, int], bins: set[str]) -> Scenario:
    form = special_format(parameters)
    bits, lanes = form.data_bits, parameters["LANES"]
    x: list[int] = []
    expected: list[int] = []
    for row in rows:
        results = golden(row, form)
        bins |= _bins(row, results, form)
        bins |= {"norm_one_number" if row.norm else "softmax_one_number"} if row.keep.sum() == 1 else set()
        for beat, (data, keep, result) in enumerate(zip(row.data, row.keep, results, strict=True)):
            last = (int(beat == len(row.data) - 1), 1)
            function = row.norm if last[0] else (row.norm + beat + 1) % 2  # only that of the last beat counts
            marks = [(int(mark), 1) for mark in keep]
            x.append(concatenate([*((int(v), bits) for v in data), *marks, (int(function), 1), last]))
            expected.append(concatenate([*((int(v), bits) for v in result), last]))
    bins |= {"function_changes"} if len({row.norm for row in rows}) == 2 else set()
    shapes = [(len(row.data), row.norm) for row in rows]
    assert lanes == rows[0].data.shape[1]

    def timing(patterns: Patterns) -> Timing:
        return special_function_timing(shapes, patterns.get("x", always), sink_of(patterns))

    return Scenario({"x": x}, expected, timing, frozenset(bins))


def _random(parameters: Mapping[str, int], norm: bool, draw: np.random.Generator) -> Row:
    lanes, bits = parameters["LANES"], special_format(parameters).data_bits
    beats = int(draw.integers(1, parameters["DEPTH"] + 1))
    scale = 2.0 ** draw.integers(0, bits)
    limit = 1 << (bits - 1)
    data = np.clip(draw.standard_normal((beats, lanes)) * scale, -limit, limit - 1).astype(np.int64)
    keep = draw.random((beats, lanes)) < draw.choice((1.0, 0.9, 0.5))
    keep[draw.integers(beats), draw.integers(lanes)] = True
    return Row(data, keep, norm)


def scenarios(parameters: Mapping[str, int], rng: random.Random) -> Iterator[Scenario]:
    """Directed corners, then random rows."""
    draw = np.random.default_rng(rng.randrange(1 << 32))
    lanes, depth = parameters["LANES"], parameters["DEPTH"]
    limit = 1 << (special_format(parameters).data_bits - 1)
    full = np.ones((depth, lanes), bool)
    order = np.arange(depth * lanes).reshape(depth, lanes)
    lone = np.where(order == 1, limit - 1, 0)
    rows = {
        "all_lowest": np.full(full.shape, -limit),
        "all_highest": np.full(full.shape, limit - 1),
        "all_zero": np.zeros(full.shape, np.int64),
        "alternating": np.where(order % 2 == 0, limit - 1, -limit),
        "rising": order * 3 - limit // 2,
        "falling": limit // 2 - order * 5,
        "lone": lone,
    }
    for norm, function in ((False, "softmax"), (True, "norm")):
        for name, data in rows.items():
            data = np.clip(data, -limit, limit - 1)
            bins = {f"{function}_{name}", f"{function}_longest", name} & BINS
            yield _scenario([Row(data, full, norm), Row(data[:1], full[:1], norm)], parameters, bins)
    single = np.zeros((2, lanes), bool)
    single[1, -1] = True
    for value in (0, 5, -limit):
        data = np.full((2, lanes), limit - 1)
        data[1, -1] = value
        yield _scenario([Row(data, single, norm) for norm in (False, True, False)], parameters, set())
    for _ in range(3):
        drawn = [_random(parameters, bool(draw.integers(2)), draw) for _ in range(12)]
        yield _scenario(drawn, parameters, {"softmax_random", "norm_random"})
