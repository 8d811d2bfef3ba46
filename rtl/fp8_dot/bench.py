"""Stimulus of fp8_dot: specials, exact cancellation, ties, biases, vectors of one and of many beats, random."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from hwsim.models.gaudi.rtl_cycles import fp8_dot_timing
from hwsim.models.npu.stream_timing import Timing, always
from hwsim.models.numerics import fp8
from hwsim.models.numerics.integers import concatenate
from hwsim.rtl.streams import Mutant, Patterns, Scenario, sink_of

SYSTEM = "Gaudi FP8"
PARAMETER_SETS: list[dict[str, int]] = [
    {"LANES": 16, "E5M2": 1, "GUARD": 6},
    {"LANES": 5, "E5M2": 0, "GUARD": 1},
    {"LANES": 3, "E5M2": 1, "GUARD": 3},
]
BINS = frozenset(
    [f"{side}_{name}" for side in "ab" for name in ("e4m3_448", "e4m3_240")]
    + ["nan", "infinity", "opposite_infinities", "infinity_times_zero", "zero_by_cancellation", "denormal_result"]
    + ["tie_to_even", "tie_up", "all_largest", "all_zero", "alternating", "one_beat", "many_beats", "longest"]
    + ["last_lane_only", "bias_0", "bias_62", "bias_mixed", "exact_where_fp32_is_not", "random"]
)
MUTANTS = [
    Mutant("sign of b lost", "fp8_term.v", "a_sign ^ b_sign", "a_sign"),
    Mutant("shift of b lost", "fp8_term.v", "{1'b0, a_shift} + {1'b0, b_shift}", "{1'b0, a_shift}"),
    Mutant("top lane dropped", "fp8_tree.v", "2 * index + 1 < BELOW", "2 * index + 2 < BELOW"),
    Mutant(
        "terms not sign-extended",
        "fp8_tree.v",
        "{(TOTAL-WIDTH){terms_i[index*WIDTH+WIDTH-1]}}",
        "{(TOTAL-WIDTH){1'b0}}",
    ),
    Mutant("one guard bit", "fp8_dot.v", "WHOLE  = TOTAL + GUARD", "WHOLE  = TOTAL + 1"),
    Mutant("tree one bit narrow", "fp8_dot.v", "TOTAL  = WIDTH + LEVELS", "TOTAL  = WIDTH + LEVELS - 1"),
    Mutant("ties up", "fp8_round.v", "half && (rest || kept[0])", "half"),
    Mutant("no rounding", "fp8_round.v", "{30'd0, up}", "31'd0 & {30'd0, up}"),
    Mutant("denormal off by one", "fp8_round.v", "3'd1 - field[2:0]", "3'd2 - field[2:0]"),
    Mutant("beats not added", "fp8_dot.v", "fresh ? extended : whole + extended", "extended"),
    Mutant("flags not kept over beats", "fp8_dot.v", "whole_flags | leaving[11:9]", "leaving[11:9]"),
    Mutant("infinities do not cancel to NaN", "fp8_round.v", "nan_i || (plus_infinite_i && minus_infinite_i)", "nan_i"),
    Mutant("bias of b lost", "fp8_dot.v", "+ {2'd0, control[15:10]}", "+ 8'd7"),
    Mutant("step ignores a waiting result", "fp8_dot.v", "y_ready_i || !y_valid_o", "1'b1"),
    Mutant(
        "reset leaves beats in flight", "fp8_dot.v", "beside[SIDE*index + SIDE-1] <= 1'b0", "beside[SIDE*index] <= 1'b1"
    ),
]


class Vector(NamedTuple):
    """Codes a, b of shape (beats, lanes); format numbers and exponent biases of both."""

    a: np.ndarray
    b: np.ndarray
    formats: tuple[int, int] = (0, 0)
    biases: tuple[int, int] = (7, 7)


def words(vector: Vector) -> list[int]:
    """Input words of a vector, one a beat."""
    control = [*zip(vector.formats, (2, 2), strict=True), *zip(vector.biases, (6, 6), strict=True)]
    return [
        concatenate([*((int(code), 8) for code in (*a, *b)), *control, (int(beat == len(vector.a) - 1), 1)])
        for beat, (a, b) in enumerate(zip(vector.a, vector.b, strict=True))
    ]


def golden(vector: Vector) -> int:
    """Output word of a vector: FP32 bits."""
    a_name, b_name = (fp8.BY_NUMBER[number].name for number in vector.formats)
    codes = vector.a.reshape(-1).astype(np.uint8), vector.b.reshape(-1).astype(np.uint8)
    return fp8.exact_dot_bits(*codes, a_name, b_name, *vector.biases)


def _bins(vector: Vector, result: int) -> set[str]:
    names = [fp8.BY_NUMBER[number].name for number in vector.formats]
    a, b = (fp8.decode(c, n, q) for c, n, q in zip((vector.a, vector.b), names, vector.biases, strict=True))
    bins = {f"{side}_{name}" for side, name in zip("ab", names, strict=True)} & BINS
    with np.errstate(invalid="ignore"):
        products = a * b
    bins |= {"nan"} if np.isnan(a).any() or np.isnan(b).any() else set()
    bins |= {"infinity"} if result & 0x7FFFFFFF == 0x7F800000 else set()
    bins |= {"opposite_infinities"} if {np.inf, -np.inf} <= set(products[np.isinf(products)].tolist()) else set()
    bins |= {"infinity_times_zero"} if (np.isnan(products) & ~np.isnan(a) & ~np.isnan(b)).any() else set()
    bins |= {"zero_by_cancellation"} if result == 0 and products.any() else set()
    bins |= {"all_zero"} if not products.any() else set()
    bins |= {"denormal_result"} if 0 < result & 0x7FFFFFFF < 0x00800000 else set()
    bins |= {"one_beat"} if len(a) == 1 else {"many_beats"}
    bins |= {"last_lane_only"} if products[..., -1].all() and not products[..., :-1].any() else set()
    bins |= {f"bias_{bias}" for bias in (0, 62) if bias in vector.biases}
    bins |= {"bias_mixed"} if vector.biases[0] != vector.biases[1] else set()
    with np.errstate(invalid="ignore"):
        rounded = int(fp8.float32_bits(fp8.accumulate(products.reshape(-1).astype(np.float32))))
    return bins | ({"exact_where_fp32_is_not"} if rounded != result else set())


def _scenario(vectors: Sequence[Vector], parameters: Mapping[str, int], bins: set[str]) -> Scenario:
    expected = [golden(vector) for vector in vectors]
    bins = bins.union(*(_bins(vector, result) for vector, result in zip(vectors, expected, strict=True)))
    lasts = [beat == len(vector.a) - 1 for vector in vectors for beat in range(len(vector.a))]

    def timing(patterns: Patterns) -> Timing:
        return fp8_dot_timing(lasts, parameters["LANES"], patterns.get("x", always), sink_of(patterns))

    return Scenario({"x": [w for vector in vectors for w in words(vector)]}, expected, timing, frozenset(bins))


ONE = 0x38


def _placed(lanes: int, beats: int, *terms: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Codes that are zero but for the given (a, b), spread from the last place down; more beats if they need it."""
    beats = max(beats, -(-len(terms) // lanes))
    a = np.zeros(beats * lanes, np.int64)
    b = np.full(beats * lanes, ONE, np.int64)
    for index, (left, right) in enumerate(terms):
        a[-1 - index], b[-1 - index] = left, right
    return a.reshape(beats, lanes), b.reshape(beats, lanes)


def _directed(parameters: Mapping[str, int]) -> Iterator[tuple[str, list[Vector]]]:
    lanes, beats = parameters["LANES"], 1 << parameters["GUARD"]
    infinity, minus_infinity = (0x78, ONE), (0xF8, ONE)
    ieee = (1, 1)
    yield (
        "specials",
        [
            Vector(*_placed(lanes, count, *terms), ieee)
            for count in (1, 2)
            for terms in (
                [infinity],
                [minus_infinity],
                [infinity, minus_infinity],
                [(0x78, 0x00)],
                [(0x00, 0x78)],
                [(0x7A, ONE)],
                [(ONE, 0xFF)],
                [infinity, infinity],
                [(0x7F, 0x00)],
                [(0x78, 0xF8), (0x01, 0x01)],
            )
        ]
        + [
            Vector(*_placed(lanes, 2, *[(0, ONE)] * lanes, pair), ieee) for pair in (infinity, (0x79, ONE), (0xF8, ONE))
        ],
    )
    yield (
        "zeros",
        [
            Vector(*_placed(lanes, 1)),
            Vector(*_placed(lanes, 1, (0x80, ONE))),
            Vector(*_placed(lanes, 2, (0x5A, 0x63), (0x5A, 0xE3))),
        ],
    )
    # 2^16 + 2^-8: its half is lost exactly; the smallest product 2^-18 decides.
    big, half = (0x78, 0x78), (0x18, 0x18)
    yield "tie_to_even", [Vector(*_placed(lanes, 1, big, half)), Vector(*_placed(lanes, 1, (0xF8, 0x78), half))]
    last = (0x20, 0x18)
    yield "tie_up", [Vector(*_placed(lanes, 1, big, half, last)), Vector(*_placed(lanes, 1, big, half, (1, 1)))]
    yield "below_tie", [Vector(*_placed(lanes, 1, big, half, (1, 0x81)))]
    full = np.full((1, lanes), 0x7E)
    yield "all_largest", [Vector(full, full), Vector(full | 0x80, full), Vector(full, full, (0, 0), (0, 62))]
    if parameters["E5M2"]:
        widest = np.full((beats, lanes), 0x7B)
        yield "widest", [Vector(widest[:count], widest[:count] | s, (2, 2)) for count in (1, beats) for s in (0, 0x80)]
    sign = np.arange(lanes)[None, :] % 2 * 0x80
    yield "alternating", [Vector(full | sign, full), Vector(full, full | sign)]
    longest = np.full((beats, lanes), 0x7E)
    yield "longest", [Vector(longest, longest), Vector(longest, longest | 0x80)]
    small = [np.full((1, lanes), code) for code in (1, 2, 0x13)]
    yield "small", [Vector(x, y | 0x80, (0, 0), (p, 63)) for x in small for y in small for p in (55, 60, 62, 63)]
    yield "smallest", [Vector(*_placed(lanes, 1, (code, 0x81)), (0, 0), (62, 63)) for code in (1, 7, 0x1F)]
    yield "exact", [Vector(*_placed(lanes, 1, (0x7E, 0x7E), (1, 1), (0xFE, 0x7E)))]


def _random(parameters: Mapping[str, int], rng: random.Random) -> Vector:
    lanes = parameters["LANES"]
    beats = rng.choice((1, 1, 1, 2, 1 << parameters["GUARD"] if rng.random() < 0.2 else 1))
    number = 2 + parameters["E5M2"]
    form = (rng.randrange(number), rng.randrange(number))
    mild = rng.random() < 0.8
    codes = []
    for _ in "ab":
        flat = np.array([rng.randrange(256) for _ in range(beats * lanes)]).reshape(beats, lanes)
        codes.append(np.where(flat & 0x78 >= 0x70, flat & 0x8F | 0x30, flat) if mild else flat)
    if rng.random() < 0.2:
        codes[0][:, 1], codes[1][:, 1] = codes[0][:, 0], codes[1][:, 0] ^ 0x80
    bias = rng.choice(((3, 7), (7, 7), (11, 15), (rng.randrange(64), rng.randrange(64))))
    return Vector(codes[0], codes[1], form, bias)


def scenarios(parameters: Mapping[str, int], rng: random.Random) -> Iterator[Scenario]:
    """Directed corners, then random vectors."""
    for name, vectors in _directed(parameters):
        yield _scenario(vectors, parameters, {name} & BINS)
    for _ in range(3):
        yield _scenario([_random(parameters, rng) for _ in range(60)], parameters, {"random"})
