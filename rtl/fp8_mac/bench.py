"""Stimulus of fp8_mac: every special of FP8, ties, cancellation, denormals, biases, long and short vectors, random."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from hwsim.models.gaudi.rtl_cycles import fp8_mac_timing
from hwsim.models.npu.stream_timing import Timing, always
from hwsim.models.numerics import fp8
from hwsim.models.numerics.integers import concatenate
from hwsim.rtl.streams import Mutant, Patterns, Scenario, sink_of

SYSTEM = "Gaudi FP8"
PARAMETER_SETS: list[dict[str, int]] = [
    {"PARTIAL_SUMS": 4, "OUTPUT_FORMAT": 2, "OUTPUT_BIAS": 15, "OUTPUT_SATURATE": 1},
    {"PARTIAL_SUMS": 2, "OUTPUT_FORMAT": 1, "OUTPUT_BIAS": 11, "OUTPUT_SATURATE": 0},
    {"PARTIAL_SUMS": 1, "OUTPUT_FORMAT": 0, "OUTPUT_BIAS": 7, "OUTPUT_SATURATE": 1},
]
BINS = frozenset(
    [f"{side}_{name}" for side in "ab" for name in fp8.FORMATS]
    + ["nan_operand", "infinite_operand", "infinity_times_zero", "opposite_infinities", "denormal_operand"]
    + ["zero_operand", "minus_zero_product", "extreme", "alternating", "bias_0", "bias_62", "gaudi_2_biases"]
    + ["nan_result", "infinite_result", "denormal_result", "zero_by_cancellation", "tie_to_even", "tie_up"]
    + ["fp8_overflow", "fp8_denormal", "fp8_zero", "one_term", "fewer_terms_than_sums", "long", "random"]
)
MUTANTS = [
    Mutant("sign of b lost", "fp8_multiply.v", "a_sign ^ b_sign", "a_sign"),
    Mutant("bias of b lost", "fp8_multiply.v", "- $signed({4'd0, b_bias_i})", "- 10'sd7"),
    Mutant("denormal product flushed", "fp8_multiply.v", "{sign, 8'd0, denormal[22:0]}", "{sign, 31'd0}"),
    Mutant(
        "denormal operand shifted",
        "fp8_decode.v",
        "normal ? exponent - 5'd1 : 5'd0",
        "exponent - {4'd0, normal} + {4'd0, !normal}",
    ),
    Mutant("240 format has no infinity", "fp8_decode.v", "format_i != 2'd0", "format_i[1]"),
    Mutant("ties away from zero", "fp32_add.v", "(normalised[1] || normalised[0] || normalised[3])", "1'b1"),
    Mutant("no rounding", "fp32_add.v", "{31'd0, up}", "32'd0 & {31'd0, up}"),
    Mutant("sticky bit dropped", "fp32_add.v", "| (spread[26:0] != 27'd0)", "& (spread[26:0] != 27'd0)"),
    Mutant("alignment two places short", "fp32_add.v", "(distance > 8'd27) ? 5'd27", "(distance > 8'd25) ? 5'd25"),
    Mutant("carry dropped", "fp32_add.v", "{1'b0, exponent} + 9'd1", "{1'b0, exponent}"),
    Mutant("minus zero from a difference", "fp32_add.v", "!(aligned[60] && magnitude == 28'd0)", "1'b1"),
    Mutant("partial sums start warm", "fp8_mac.v", "warm ? ring : 32'd0", "ring"),
    Mutant("flush one short", "fp8_mac.v", "if (count == SUMS - 3'd1) begin", "if (count == (SUMS - 3'd1) >> 1) begin"),
    Mutant("beat taken while closed", "fp8_mac.v", "take      = x_valid_i && open", "take      = x_valid_i"),
    Mutant("result dropped in a stall", "fp8_mac.v", "default: if (y_ready_i)", "default: if (1'b1)"),
    Mutant(
        "reset forgets the slot",
        "fp8_mac.v",
        "            slot          <= 2'd0;\n            warm          <= 1'b0;\n",
        "",
    ),
    Mutant("output rounds down", "fp32_to_fp8.v", "spread[24] && (", "1'b0 && ("),
    Mutant("output overflow wraps", "fp32_to_fp8.v", "magnitude > {9'd0, LARGEST}", "magnitude > 16'h7f"),
]


class Term(NamedTuple):
    """One beat: codes, format numbers, exponent biases."""

    a: int
    b: int
    a_format: int = 0
    b_format: int = 0
    a_bias: int = 7
    b_bias: int = 7


def word(term: Term, last: bool) -> int:
    """Input word of a beat."""
    return concatenate([*zip(term, (8, 8, 2, 2, 6, 6), strict=True), (int(last), 1)])


def golden(terms: Sequence[Term], parameters: Mapping[str, int]) -> int:
    """Output word of a vector: FP32 below, FP8 above."""
    products = [
        fp8.multiply(t.a, t.b, fp8.BY_NUMBER[t.a_format].name, fp8.BY_NUMBER[t.b_format].name, t.a_bias, t.b_bias)
        for t in terms
    ]
    total = fp8.accumulate(np.array(products, np.float32), parameters["PARTIAL_SUMS"])
    code = fp8.encode(
        total,
        fp8.BY_NUMBER[parameters["OUTPUT_FORMAT"]].name,
        parameters["OUTPUT_BIAS"],
        saturate=bool(parameters["OUTPUT_SATURATE"]),
    )
    return concatenate([(int(fp8.float32_bits(total)), 32), (int(code), 8)])


def _operand_bins(term: Term) -> set[str]:
    bins = {f"a_{fp8.BY_NUMBER[term.a_format].name}", f"b_{fp8.BY_NUMBER[term.b_format].name}"}
    a = float(fp8.decode(term.a, fp8.BY_NUMBER[term.a_format].name, term.a_bias))
    b = float(fp8.decode(term.b, fp8.BY_NUMBER[term.b_format].name, term.b_bias))
    for value, code, number in ((a, term.a, term.a_format), (b, term.b, term.b_format)):
        form = fp8.BY_NUMBER[number]
        bins |= {"nan_operand"} if np.isnan(value) else {"infinite_operand"} if np.isinf(value) else set()
        bins |= {"zero_operand"} if value == 0.0 else set()
        bins |= {"denormal_operand"} if 0 < code & 0x7F < 1 << form.mantissa_bits else set()
        bins |= {"extreme"} if code & 0x7F == form.largest_code else set()
    bins |= {"infinity_times_zero"} if (np.isinf(a) and b == 0.0) or (np.isinf(b) and a == 0.0) else set()
    bins |= {"minus_zero_product"} if a * b == 0.0 and np.signbit(a * b) else set()
    bins |= {f"bias_{bias}" for bias in (0, 62) if bias in (term.a_bias, term.b_bias)}
    return bins | ({"gaudi_2_biases"} if term.a_bias in (3, 11, 15) and term.b_bias in (3, 11, 15) else set())


def _result_bins(terms: Sequence[Term], result: int, parameters: Mapping[str, int]) -> set[str]:
    single, code = result & 0x7FFFFFFF, result >> 32 & 0x7F
    form = fp8.BY_NUMBER[parameters["OUTPUT_FORMAT"]]
    bins = {"nan_result"} if single > 0x7F800000 else {"infinite_result"} if single == 0x7F800000 else set()
    bins |= {"denormal_result"} if 0 < single < 0x00800000 else set()
    bins |= {"zero_by_cancellation"} if single == 0 and any(t.a & 0x7F and t.b & 0x7F for t in terms) else set()
    bins |= {"fp8_denormal"} if 0 < code < 1 << form.mantissa_bits else set()
    bins |= {"fp8_zero"} if code == 0 and single else set()
    bins |= {"one_term"} if len(terms) == 1 else set()
    bins |= {"fewer_terms_than_sums"} if len(terms) < max(parameters["PARTIAL_SUMS"], 2) else set()
    maximum = form.maximum * 2.0 ** (form.bias - parameters["OUTPUT_BIAS"])
    finite = single < 0x7F800000
    value = float(np.uint32(single).view(np.float32)) if finite else 0.0
    return bins | ({"fp8_overflow"} if value > maximum else set())


def _scenario(vectors: Sequence[Sequence[Term]], parameters: Mapping[str, int], bins: set[str]) -> Scenario:
    expected = [golden(terms, parameters) for terms in vectors]
    for terms, result in zip(vectors, expected, strict=True):
        bins |= _result_bins(terms, result, parameters).union(*map(_operand_bins, terms))
    words = [word(term, index == len(terms) - 1) for terms in vectors for index, term in enumerate(terms)]
    lengths = [len(terms) for terms in vectors]

    def timing(patterns: Patterns) -> Timing:
        return fp8_mac_timing(lengths, parameters["PARTIAL_SUMS"], patterns.get("x", always), sink_of(patterns))

    return Scenario({"x": words}, expected, timing, frozenset(bins))


ONE = 0x38
SPECIALS = [
    (0x7E, 0),
    (0x7F, 0),
    (0x01, 0),
    (0x77, 1),
    (0x78, 1),
    (0x7F, 1),
    (0x7B, 2),
    (0x7C, 2),
    (0x7D, 2),
    (0x01, 2),
]


def directed(partial_sums: int) -> Iterator[tuple[str, list[list[Term]]]]:
    """Named corner vectors."""
    specials = [*SPECIALS, (0x00, 0), (0x80, 1), (ONE, 0), (0xFE, 0), (0xF8, 1), (0xFC, 2)]
    yield "specials", [[Term(a, b, fa, fb)] for a, fa in specials for b, fb in specials]
    plus, minus = Term(0x78, ONE, 1, 0), Term(0xF8, ONE, 1, 0)
    yield "opposite_infinities", [[plus, Term(ONE, ONE), *[Term(0, 0)] * partial_sums, minus], [plus, plus], [minus]]
    tie = Term(ONE, ONE, 0, 0, 19, 19)  # 2^-24, half of the last place of 1.0
    gap = [Term(0, ONE)] * (partial_sums - 1)
    above = Term(ONE, ONE, 0, 0, 19, 18)
    yield "tie_to_even", [[Term(ONE, ONE), *gap, tie], [Term(ONE, ONE), *gap, tie, *gap, Term(1, 1, 0, 0, 20, 20)]]
    yield (
        "tie_up",
        [
            [Term(ONE, ONE), *gap, above, *gap, tie],
            [Term(0xB8, ONE), *gap, Term(0xB8, ONE, 0, 0, 19, 18), *gap, Term(0xB8, ONE, 0, 0, 19, 19)],
        ],
    )
    yield (
        "sticky",
        [[Term(0x3F, ONE), *gap, Term(0xB9, ONE, 0, 0, 7 + place, 7)] for place in range(10, 40)]
        + [[Term(ONE, ONE), *gap, Term(0xB8, 0x39, 0, 0, 19, 8 + place)] for place in range(18)],
    )
    yield (
        "cancellation",
        [
            [Term(0x5A, 0x63), *gap, Term(0xDA, 0x63)],
            [Term(0xDA, 0x63), *gap, Term(0x5A, 0x63)],
            [Term(0x80, ONE)],
            [Term(0x80, ONE), Term(0x80, ONE)],
        ],
    )
    yield "denormal_result", [[Term(a, b, 0, 0, 63, 63)] * 2 for a in (1, 3, 8, 0x2F) for b in (1, 9, 0x83)]
    yield "bias_62", [[Term(a, 0x41, 0, 2, 62, 62), Term(a, 0x41, 2, 0, 0, 0)] for a in (0x11, 0x92)]
    yield "gaudi_2_biases", [[Term(0x39, 0x45, 1, 1, p, q)] * 3 for p in fp8.GAUDI2_BIASES for q in fp8.GAUDI2_BIASES]
    yield "alternating", [[Term((0x7E, 0xFE)[i % 2], 0x7E) for i in range(length)] for length in (1, 2, 3, 4, 5, 8)]
    yield "long", [[Term(0x7E, 0x7E)] * 150, [Term(0x09, 0x81)] * 97]
    yield (
        "fp8_roundings",
        [
            [Term(0x30 + step, 0x38 + more, 1, 1, bias, 7)]
            for step in range(8)
            for more in range(8)
            for bias in (3, 7, 12)
        ],
    )
    yield "fp8_small", [[Term(step, 0x2C + more, 1, 1, 9, 7)] for step in range(1, 40, 3) for more in (0, 1, 3)]


def _random_vector(rng: random.Random) -> list[Term]:
    mild = rng.random() < 0.8
    formats = rng.randrange(3), rng.randrange(3)
    terms = []
    for _ in range(rng.randint(1, 12)):
        a, b = rng.randrange(256), rng.randrange(256)
        if mild:
            a, b = (code & 0x8F | 0x30 if code & 0x78 >= 0x70 else code for code in (a, b))
        biases = (rng.choice((3, 7, 11, 15)), 7) if mild else (rng.randrange(63), rng.randrange(63))
        terms.append(Term(a, b, *formats, *biases))
    return terms


def scenarios(parameters: Mapping[str, int], rng: random.Random) -> Iterator[Scenario]:
    """Directed corners, then random vectors."""
    for name, vectors in directed(parameters["PARTIAL_SUMS"]):
        yield _scenario(vectors, parameters, {name} & BINS)
    for _ in range(3):
        yield _scenario([_random_vector(rng) for _ in range(40)], parameters, {"random"})
