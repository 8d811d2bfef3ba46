"""Stimulus of ternary_mac: extremes, one beat, the longest sums, both packings, random dot products."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from hwsim.models.npu.stream_timing import Beat, Timing, pipeline_timing
from hwsim.models.numerics.integers import concatenate, mask
from hwsim.models.numerics.ternary import pack, packed_bits, ternary_dot
from hwsim.rtl.streams import Mutant, Patterns, Scenario, sink_of
from hwsim.rtl.ternary_mac.kernel import KERNEL

PARAMETER_SETS: list[dict[str, int]] = [
    {"LANES": 16, "ACTIVATION_WIDTH": 8, "ACCUMULATOR_WIDTH": 32, "TRITS_PER_BYTE": 4, "PIPELINE": 0},
    {"LANES": 7, "ACTIVATION_WIDTH": 4, "ACCUMULATOR_WIDTH": 12, "TRITS_PER_BYTE": 5, "PIPELINE": 1},
    {"LANES": 1, "ACTIVATION_WIDTH": 8, "ACCUMULATOR_WIDTH": 16, "TRITS_PER_BYTE": 5, "PIPELINE": 0},
]
BINS = frozenset(
    [
        "all_lowest",
        "all_highest",
        "all_zero",
        "alternating",
        "one_beat",
        "long",
        "random",
        "bias_negative",
        "bias_positive",
    ]
    + ["weight_minus", "weight_zero", "weight_plus", "wraps", "unused_codes"]
)
MUTANTS = [
    Mutant("sign: minus adds", "ternary_mac.v", "lane_sum = lane_sum - wide;", "lane_sum = lane_sum + wide;"),
    Mutant("off by one: last lane left out", "ternary_mac.v", "lane < LANES; lane", "lane < LANES - 1; lane"),
    Mutant(
        "sign extension dropped",
        "ternary_mac.v",
        "{(ACCUMULATOR_WIDTH-ACTIVATION_WIDTH){x_data_i[lane*ACTIVATION_WIDTH + ACTIVATION_WIDTH - 1]}}",
        "{(ACCUMULATOR_WIDTH-ACTIVATION_WIDTH){1'b0}}",
    ),
    Mutant(
        "bias added to every beat",
        "stream_accumulator.v",
        "(stage_first ? stage_initial : accumulator)",
        "(stage_first ? stage_initial : accumulator + initial_i)",
    ),
    Mutant(
        "bias dropped",
        "stream_accumulator.v",
        "(stage_first ? stage_initial : accumulator)",
        "(stage_first ? {WIDTH{1'b0}} : accumulator)",
    ),
    Mutant(
        "stall ignored", "stream_accumulator.v", "assign advance = !y_valid || y_ready_i;", "assign advance = 1'b1;"
    ),
    Mutant("unused code reads as -1", "ternary_decode.v", "packed_i[2*lane+1] & low", "packed_i[2*lane+1]"),
    Mutant("bias not waited for", "ternary_mac.v", "x_valid_i && (!first || bias_valid_i)", "x_valid_i"),
    Mutant(
        "reset leaves a result", "stream_accumulator.v", "if (rst_i) y_valid <= 1'b0;", "if (1'b0) y_valid <= 1'b0;"
    ),
    Mutant(
        "reset starts a beat",
        "stream_accumulator.v",
        "if (rst_i) valid_r <= 1'b0;",
        "if (rst_i) valid_r <= 1'b1;",
        PARAMETER_SETS[1],
    ),
]


def _scenario(dots: list[tuple[list[int], list[int], int]], parameters: Mapping[str, int], bins: set[str]) -> Scenario:
    lanes, width = parameters["LANES"], parameters["ACTIVATION_WIDTH"]
    bits, trits = parameters["ACCUMULATOR_WIDTH"], parameters["TRITS_PER_BYTE"]
    words: list[int] = []
    beats: list[Beat] = []
    expected = []
    for activations, digits, bias in dots:
        exact = bias + sum(a * d for a, d in zip(activations, digits, strict=True))
        result = ternary_dot(activations, digits, bias, bits)
        expected.append(mask(result, bits))
        bins |= {"wraps"} if exact != result else set()
        bins |= {"bias_negative"} if bias < 0 else {"bias_positive"} if bias else set()
        bins |= {{-1: "weight_minus", 0: "weight_zero", 1: "weight_plus"}[digit] for digit in digits}
        bins |= {"one_beat"} if len(activations) == lanes else set()
        for start in range(0, len(activations), lanes):
            last = start + lanes == len(activations)
            fields = [(value, width) for value in activations[start : start + lanes]]
            fields += [(pack(digits[start : start + lanes], trits), packed_bits(lanes, trits)), (int(last), 1)]
            words.append(concatenate(fields))
            beats.append(Beat(("x", "bias") if start == 0 else ("x",), last))

    def timing(patterns: Patterns) -> Timing:
        return pipeline_timing(beats, 1 + parameters["PIPELINE"], patterns, sink_of(patterns))

    biases = [mask(bias, bits) for _, _, bias in dots]
    return Scenario({"x": words, "bias": biases}, expected, timing, frozenset(bins))


def _every_code(parameters: Mapping[str, int], rng: random.Random) -> Scenario:
    """One beat a result, weight bits that no packing makes among them."""
    lanes, bits = parameters["LANES"], parameters["ACCUMULATOR_WIDTH"]
    width = lanes * parameters["ACTIVATION_WIDTH"] + packed_bits(lanes, parameters["TRITS_PER_BYTE"])
    words = [rng.getrandbits(width) | 1 << width for _ in range(30)]
    inputs = {"x": words, "bias": [rng.getrandbits(bits) for _ in words]}
    beats = [Beat(("x", "bias"), True)] * len(words)

    def timing(patterns: Patterns) -> Timing:
        return pipeline_timing(beats, 1 + parameters["PIPELINE"], patterns, sink_of(patterns))

    return Scenario(inputs, KERNEL.golden(inputs, **parameters)["y"], timing, frozenset({"unused_codes"}))


def scenarios(parameters: Mapping[str, int], rng: random.Random) -> Iterator[Scenario]:
    """Directed corners, then constrained random dot products."""
    lanes = parameters["LANES"]
    low, high = -(1 << parameters["ACTIVATION_WIDTH"] - 1), (1 << parameters["ACTIVATION_WIDTH"] - 1) - 1
    half = 1 << parameters["ACCUMULATOR_WIDTH"] - 1
    length = 6 * lanes
    for name, activations, digits in (
        ("all_lowest", [low] * length, [-1] * length),
        ("all_highest", [high] * length, [1] * length),
        ("all_zero", [0] * length, [0] * length),
        ("alternating", [low, high] * (length // 2), [1, -1] * (length // 2)),
    ):
        yield _scenario([(activations, digits, bias) for bias in (0, half - 1, -half)], parameters, {name})
    yield _every_code(parameters, rng)
    length = 40 * lanes
    yield _scenario([([low] * length, [1] * length, -half), ([low] * lanes, [-1] * lanes, 1)], parameters, {"long"})
    dots = []
    for _ in range(24):
        length = lanes * rng.randint(1, 5)
        activations = [rng.randint(low, high) for _ in range(length)]
        dots.append((activations, rng.choices((-1, 0, 1), k=length), rng.randint(-half, half - 1)))
    yield _scenario(dots, parameters, {"random"})
