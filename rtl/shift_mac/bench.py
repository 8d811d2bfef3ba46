"""Stimulus of shift_mac: every weight code, extremes, one beat, the longest sums, random dot products."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from hwsim.models.npu.stream_timing import Beat, Timing, pipeline_timing
from hwsim.models.numerics.integers import concatenate, mask
from hwsim.models.numerics.shift import shift_dot
from hwsim.rtl.streams import Mutant, Patterns, Scenario, sink_of

PARAMETER_SETS: list[dict[str, int]] = [
    {"LANES": 8, "WEIGHT_WIDTH": 3, "ACTIVATION_WIDTH": 8, "ACCUMULATOR_WIDTH": 32, "PIPELINE": 0},
    {"LANES": 5, "WEIGHT_WIDTH": 4, "ACTIVATION_WIDTH": 8, "ACCUMULATOR_WIDTH": 20, "PIPELINE": 1},
    {"LANES": 1, "WEIGHT_WIDTH": 2, "ACTIVATION_WIDTH": 4, "ACCUMULATOR_WIDTH": 8, "PIPELINE": 1},
]
BINS = frozenset(
    ["all_lowest", "all_highest", "all_zero", "alternating", "every_weight", "one_beat", "long", "random", "wraps"]
    + ["shift_lowest", "shift_highest", "weight_negative", "weight_positive"]
)
FRAME_BINS = [
    (name, lambda values, name=name: name != "wraps" or values["ACCUMULATOR_WIDTH"] <= 20) for name in sorted(BINS)
]
MUTANTS = [
    Mutant("sign ignored", "shift_term.v", "weight_i[WEIGHT_WIDTH-1] ? -shifted : shifted", "shifted"),
    Mutant("carry dropped in the negation", "shift_term.v", "? -shifted", "? ~shifted"),
    Mutant(
        "shift off by one",
        "shift_term.v",
        "wide << weight_i[WEIGHT_WIDTH-2:0]",
        "(wide << weight_i[WEIGHT_WIDTH-2:0]) << 1",
    ),
    Mutant(
        "sign extension dropped",
        "shift_term.v",
        "{(TERM_WIDTH-ACTIVATION_WIDTH){activation_i[ACTIVATION_WIDTH-1]}}",
        "{(TERM_WIDTH-ACTIVATION_WIDTH){1'b0}}",
    ),
    Mutant("last lane left out", "shift_mac.v", "index < LANES; index", "index < LANES - 1; index"),
    Mutant(
        "stall ignored", "stream_accumulator.v", "assign advance = !y_valid || y_ready_i;", "assign advance = 1'b1;"
    ),
    Mutant("first beat not loaded", "stream_accumulator.v", "if (rst_i) first <= 1'b1;", "if (rst_i) first <= 1'b0;"),
]


def _scenario(dots: list[tuple[list[int], list[int]]], parameters: Mapping[str, int], bins: set[str]) -> Scenario:
    lanes, width, weight_width = parameters["LANES"], parameters["ACTIVATION_WIDTH"], parameters["WEIGHT_WIDTH"]
    bits = parameters["ACCUMULATOR_WIDTH"]
    largest = (1 << weight_width - 1) - 1
    words: list[int] = []
    beats: list[Beat] = []
    expected = []
    for activations, codes in dots:
        result = shift_dot(activations, codes, weight_width, bits)
        expected.append(mask(result, bits))
        bins |= {"wraps"} if shift_dot(activations, codes, weight_width, 80) != result else set()
        bins |= {"one_beat"} if len(codes) == lanes else set()
        bins |= {"weight_negative" if code > largest else "weight_positive" for code in codes}
        bins |= {"shift_lowest" for code in codes if not code & largest}
        bins |= {"shift_highest" for code in codes if code & largest == largest}
        for start in range(0, len(codes), lanes):
            last = start + lanes == len(codes)
            fields = [(value, width) for value in activations[start : start + lanes]]
            fields += [(code, weight_width) for code in codes[start : start + lanes]] + [(int(last), 1)]
            words.append(concatenate(fields))
            beats.append(Beat(("x",), last))

    def timing(patterns: Patterns) -> Timing:
        return pipeline_timing(beats, 1 + parameters["PIPELINE"], patterns, sink_of(patterns))

    return Scenario({"x": words}, expected, timing, frozenset(bins))


def scenarios(parameters: Mapping[str, int], rng: random.Random) -> Iterator[Scenario]:
    """Directed corners, then constrained random dot products."""
    lanes = parameters["LANES"]
    low, high = -(1 << parameters["ACTIVATION_WIDTH"] - 1), (1 << parameters["ACTIVATION_WIDTH"] - 1) - 1
    codes = 1 << parameters["WEIGHT_WIDTH"]
    length = 4 * lanes
    yield _scenario([([low] * length, [codes - 1] * length)], parameters, {"all_lowest"})
    yield _scenario([([high] * length, [codes // 2 - 1] * length)], parameters, {"all_highest"})
    yield _scenario([([0] * length, [rng.randrange(codes) for _ in range(length)])], parameters, {"all_zero"})
    alternating = [0, codes - 1] * (length // 2)
    yield _scenario([([low, high] * (length // 2), alternating)], parameters, {"alternating"})
    each = [([value] * lanes, [code] * lanes) for code in range(codes) for value in (low, -1, 1, high)]
    yield _scenario(each, parameters, {"every_weight"})
    length = 60 * lanes
    yield _scenario([([low] * length, [codes // 2 - 1] * length)], parameters, {"long"})
    dots = []
    for _ in range(24):
        length = lanes * rng.randint(1, 5)
        dots.append(([rng.randint(low, high) for _ in range(length)], [rng.randrange(codes) for _ in range(length)]))
    yield _scenario(dots, parameters, {"random"})
