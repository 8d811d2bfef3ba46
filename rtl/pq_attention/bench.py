"""Stimulus of pq_attention: whole heads (table, scores, weights, values), extremes, operations interleaved."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from hwsim.models.npu.stream_timing import Beat, Timing, pipeline_timing
from hwsim.models.numerics.product_quantization import (
    BUILD,
    COMBINE,
    QUERY,
    SCORE,
    WEIGH,
    Widths,
    execute,
    operation_word,
)
from hwsim.rtl.streams import Mutant, Patterns, Scenario, sink_of

PARAMETER_SETS: list[dict[str, int]] = [
    {
        "SUB_SPACES": 4,
        "SUB_DIM": 2,
        "CODE_BITS": 3,
        "VALUE_WIDTH": 8,
        "WEIGHT_WIDTH": 8,
        "BIN_WIDTH": 16,
        "SUM_WIDTH": 40,
    },
    {
        "SUB_SPACES": 3,
        "SUB_DIM": 4,
        "CODE_BITS": 2,
        "VALUE_WIDTH": 4,
        "WEIGHT_WIDTH": 5,
        "BIN_WIDTH": 7,
        "SUM_WIDTH": 20,
    },
    {
        "SUB_SPACES": 1,
        "SUB_DIM": 1,
        "CODE_BITS": 4,
        "VALUE_WIDTH": 6,
        "WEIGHT_WIDTH": 4,
        "BIN_WIDTH": 8,
        "SUM_WIDTH": 16,
    },
]
BINS = frozenset(
    ["all_lowest", "all_highest", "all_zero", "alternating", "random", "long", "bin_wraps", "same_code_again"]
    + ["query_restarts_the_table", "scores_between_weights", "scores_between_sums", "second_head"]
    + ["unknown_operation"]
)
LOADS_AFTER_RESET = "second_head"
_SUMS_IN_A_STALL = "if (valid_r && operation_r == COMBINE) sums"
MUTANTS = [
    Mutant("product unsigned", "sub_dot.v", "wire signed [VALUE_WIDTH-1:0] a;", "wire [VALUE_WIDTH-1:0] a;"),
    Mutant("last sub-space left out", "pq_attention.v", "index < SUB_SPACES; index", "index < SUB_SPACES - 1; index"),
    Mutant("bin not cleared", "pq_attention.v", "(clearing || operation_r == COMBINE) ?", "clearing ?"),
    Mutant("weight not accumulated", "pq_attention.v", ": old_bin + {", ": {BIN_WIDTH{1'b0}} + {"),
    Mutant("sum repeats in a stall", "pq_attention.v", "if (working && operation_r == COMBINE) sums", _SUMS_IN_A_STALL),
    Mutant("sums not restarted", "pq_attention.v", "(code_r == {CODE_BITS{1'b0}}) ?", "(1'b0) ?"),
    Mutant(
        "weight added in a stall", "pq_attention.v", "assign working = valid_r && advance;", "assign working = valid_r;"
    ),
    Mutant("query does not restart the table", "pq_attention.v", "rst_i || (accept && operation == QUERY)", "rst_i"),
    Mutant("bins not cleared by the reset", "pq_attention.v", "clearing || (working &&", "1'b0 || (working &&"),
    Mutant("bin read signed", "pq_attention.v", "signed_bin = {1'b0, bin}", "signed_bin = {bin[BIN_WIDTH-1], bin}"),
    Mutant("counter skips a space", "centroid_counter.v", "== SUB_SPACES - 1)", "== SUB_SPACES - 2)"),
]


def _widths(parameters: Mapping[str, int]) -> Widths:
    return Widths(**{name.lower(): value for name, value in parameters.items()})


class _Program:
    """Collects the operations of one scenario."""

    def __init__(self, widths: Widths, rng: random.Random) -> None:
        self.widths = widths
        self.words: list[int] = []
        self._rng = rng

    def _add(self, operation: int, payload: list[tuple[int, int]]) -> None:
        self.words.append(operation_word(operation, payload, self.widths))

    def _vector(self, length: int, values: list[int]) -> list[tuple[int, int]]:
        return [(self._rng.choice(values), self.widths.value_width) for _ in range(length)]

    def _codes(self, codes: list[int]) -> list[tuple[int, int]]:
        return [(self._rng.choice(codes), self.widths.code_bits) for _ in range(self.widths.sub_spaces)]

    def query(self, values: list[int]) -> None:
        self._add(QUERY, self._vector(self.widths.sub_spaces * self.widths.sub_dim, values))

    def build(self, values: list[int], count: int | None = None) -> None:
        for _ in range(self.widths.sub_spaces << self.widths.code_bits if count is None else count):
            self._add(BUILD, self._vector(self.widths.sub_dim, values))

    def score(self, codes: list[int], count: int = 1) -> None:
        for _ in range(count):
            self._add(SCORE, self._codes(codes))

    def weigh(self, codes: list[int], weights: list[int], count: int = 1) -> None:
        for _ in range(count):
            weight = (self._rng.choice(weights), self.widths.weight_width)
            self._add(WEIGH, [*self._codes(codes), weight])

    def combine(self, values: list[int], count: int | None = None) -> None:
        for _ in range(self.widths.sub_spaces << self.widths.code_bits if count is None else count):
            self._add(COMBINE, self._vector(self.widths.sub_dim, values))

    def nothing(self) -> None:
        self._add(self._rng.choice((5, 6, 7)), [(self._rng.randrange(256), 8)])

    def head(self, values: list[int], weights: list[int], tokens: int) -> None:
        """One query over ``tokens`` cached tokens, from the table to the values."""
        codes = list(range(1 << self.widths.code_bits))
        self.query(values)
        self.build(values)
        self.score(codes, tokens)
        self.weigh(codes, weights, tokens)
        self.combine(values)

    def scenario(self, bins: set[str]) -> Scenario:
        shift = self.widths.payload_bits
        last_code = (1 << self.widths.code_bits) - 1
        beats: list[Beat] = []
        combined = 0
        for word in self.words:
            operation = word >> shift
            whole = operation == COMBINE and combined & last_code == last_code
            combined += operation == COMBINE
            beats.append(Beat(("x",), operation == SCORE or whole))
        clearing = 1 << self.widths.code_bits

        def timing(patterns: Patterns) -> Timing:
            return pipeline_timing(beats, 2, patterns, sink_of(patterns), first_ready=clearing)

        return Scenario({"x": self.words}, execute(self.words, self.widths), timing, frozenset(bins))


def scenarios(parameters: Mapping[str, int], rng: random.Random) -> Iterator[Scenario]:
    """Directed corners, then random heads."""
    widths = _widths(parameters)
    low, high = -(1 << widths.value_width - 1), (1 << widths.value_width - 1) - 1
    most = (1 << widths.weight_width) - 1
    codes = list(range(1 << widths.code_bits))
    for name, values in {
        "all_lowest": [low],
        "all_highest": [high],
        "all_zero": [0],
        "alternating": [low, high],
    }.items():
        program = _Program(widths, rng)
        program.head(values, [most], 4)
        yield program.scenario({name})
    program = _Program(widths, rng)
    everything = list(range(low, high + 1))
    program.head(everything, [most], 3)
    program.weigh([codes[-1]], [most], (1 << widths.bin_width - widths.weight_width - 1) + 2)
    program.combine(everything)
    program.weigh([codes[-1]], [most], (1 << widths.bin_width - widths.weight_width) + 2)
    program.combine(everything)
    yield program.scenario({"bin_wraps", "same_code_again", "long"})
    program = _Program(widths, rng)
    program.query(everything)
    program.build(everything, count=3)
    program.query(everything)
    program.build(everything)
    for _ in range(8):
        program.weigh(codes, list(range(most + 1)))
        program.score(codes)
        program.nothing()
    program.combine(everything)
    yield program.scenario({"query_restarts_the_table", "scores_between_weights", "unknown_operation"})
    program = _Program(widths, rng)
    program.query(everything)
    program.build(everything)
    program.weigh(codes, [most], 6)
    for _ in range(widths.sub_spaces << widths.code_bits):  # every sum meets results that wait
        program.combine(everything, count=1)
        program.score(codes, rng.randint(0, 2))
        program.weigh(codes, [most], rng.randint(0, 1))
    yield program.scenario({"scores_between_sums"})
    program = _Program(widths, rng)
    for _ in range(2):
        program.head(everything, list(range(most + 1)), rng.randint(5, 12))
    yield program.scenario({"random", "second_head"})
