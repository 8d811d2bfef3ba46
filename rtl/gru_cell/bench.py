"""Stimulus of gru_cell: saturating sums, both ends and the middle of the gates, short and long sequences, random."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from hwsim.models.fpga.gru_cycles import gru_timing
from hwsim.models.npu.stream_timing import Timing, always
from hwsim.models.numerics import gru
from hwsim.models.numerics.integers import concatenate, mask
from hwsim.rtl.streams import Mutant, Patterns, Scenario, sink_of

SYSTEM = "LFADS"
LOADED_STREAMS = ("weight",)
LOADS_AFTER_RESET = "back_to_back_sequences"
PARAMETER_SETS: list[dict[str, int]] = [
    {"INPUTS": 5, "HIDDEN": 7, "REUSE": 3},
    {"INPUTS": 6, "HIDDEN": 4, "REUSE": 1},
    {
        "INPUTS": 3,
        "HIDDEN": 4,
        "REUSE": 4,
        "DATA": 12,
        "FRACTION": 8,
        "WEIGHT": 10,
        "WEIGHT_FRACTION": 8,
        "SLOPE": 10923,
    },
]
BINS = frozenset(
    ["zero_weights", "largest_weights", "smallest_weights", "alternating", "random"]
    + ["sum_saturates_high", "sum_saturates_low", "gate_0", "gate_1", "gate_between", "tanh_1", "tanh_minus_1"]
    + ["one_step", "long", "back_to_back_sequences", "state_kept"]
)
MUTANTS = [
    Mutant("bias not aligned", "gru_row.v", "input_word, {FRACTION{1'b0}}}", "{FRACTION{1'b0}}, input_word}"),
    Mutant("state bias lost", "gru_row.v", "state_sum_o <= state_bias", "state_sum_o <= {SUM{1'b0}}"),
    Mutant("last input dropped", "gru_cell.v", "step <= LAST_INPUT;", "step < LAST_INPUT;"),
    Mutant("no saturation", "gru_quantise.v", "fits ? kept[TO-1:0]", "1'b1 ? kept[TO-1:0]"),
    Mutant("saturation of the wrong sign", "gru_quantise.v", "{wide_i[FROM-1], {(TO-1)", "{!wide_i[FROM-1], {(TO-1)"),
    Mutant("sigmoid not clipped at 1", "gru_hard_sigmoid.v", ": over ?", ": 1'b0 ?"),
    Mutant("gates swapped", "gru_unit.v", "keep       <= update;", "keep       <= reset;"),
    Mutant("z h + z c", "gru_unit.v", "mixed    = weighted + base", "mixed    = weighted - base"),
    Mutant(
        "new state seen too early",
        "gru_cell.v",
        "if (s5_last_group) begin\n                current <= upcoming;",
        "if (1'b1) begin\n                current <= upcoming;",
    ),
    Mutant("state not cleared", "gru_cell.v", "fresh <= s5_ending", "fresh <= 1'b0"),
    Mutant("drain one group early", "gru_cell.v", "if (commit && s5_last_group) drain", "if (s_valid[3]) drain"),
    Mutant("output overwritten in a stall", "gru_cell.v", "y_ready_i || !y_valid_o", "1'b1"),
    Mutant("bank overwritten", "gru_cell.v", "loaded && !full[write_bank]", "loaded"),
    Mutant("reset keeps a full bank", "gru_cell.v", "            full        <= 2'b00;\n", ""),
]


def gru_format(parameters: Mapping[str, int]) -> gru.GruFormat:
    """Fixed-point formats of a parameter set."""
    given = parameters.get
    return gru.GruFormat(
        given("DATA", 16),
        given("FRACTION", 10),
        given("WEIGHT", 16),
        given("WEIGHT_FRACTION", 14),
        given("SLOPE", 13107),
    )


def result_words(states: np.ndarray, ends: Sequence[int], reuse: int, form: gru.GruFormat) -> list[int]:
    """Output words of states (steps, hidden); ``ends`` are the steps after which a sequence ends."""
    units = -(-states.shape[1] // reuse)
    words = []
    for step, state in enumerate(states):
        padded = np.zeros(units * reuse, np.int64)
        padded[: len(state)] = state
        # Rows of zeros past the last unit: both gates 1/2, no candidate, so their state stays zero.
        for group in range(reuse):
            last = step + 1 in ends and group == reuse - 1
            fields = [(int(v), form.data_bits) for v in padded[group * units : (group + 1) * units]]
            words.append(concatenate([*fields, (int(last), 1)]))
    return words


def _bins(data: np.ndarray, states: np.ndarray, weights: gru.GruWeights, form: gru.GruFormat) -> set[str]:
    before = np.vstack([np.zeros_like(states[:1]), states[:-1]])
    total = (data @ weights.input[:2].transpose(0, 2, 1) + before @ weights.state[:2].transpose(0, 2, 1)) + (
        (weights.input_bias + weights.state_bias)[:2, None] << form.data_fraction
    )
    narrow = total >> form.weight_fraction
    limit = 1 << (form.data_bits - 1)
    gates = gru.hard_sigmoid(gru.saturate(narrow, form.data_bits), form)
    one = 1 << form.data_fraction
    found = {
        "sum_saturates_high": (narrow >= limit).any(),
        "sum_saturates_low": (narrow < -limit).any(),
        "gate_0": (gates == 0).any(),
        "gate_1": (gates == one).any(),
        "gate_between": ((gates > 0) & (gates < one)).any(),
        "tanh_1": (states == one).any(),
        "tanh_minus_1": (states == -one).any(),
        "state_kept": (states != 0).any(),
    }
    return {name for name, hit in found.items() if hit}


def _scenario(
    sequences: Sequence[np.ndarray], weights: gru.GruWeights, parameters: Mapping[str, int], bins: set[str]
) -> Scenario:
    form, reuse = gru_format(parameters), parameters["REUSE"]
    states = [gru.sequence(data, weights, form) for data in sequences]
    for data, state in zip(sequences, states, strict=True):
        bins |= _bins(data, state, weights, form)
        bins |= {"one_step"} if len(data) == 1 else {"long"} if len(data) >= 20 else set()
    bins |= {"back_to_back_sequences"} if len(sequences) > 1 else set()
    ends = np.cumsum([len(data) for data in sequences]).tolist()
    x = [
        concatenate([(int(value), form.data_bits), (int(step + 1 in ends), 1)])
        for step, row in enumerate(np.concatenate(sequences))
        for value in row
    ]
    packed = [mask(int(value), form.weight_bits) for value in gru.packed_weights(weights, reuse)]
    expected = result_words(np.concatenate(states), ends, reuse, form)
    steps, inputs, hidden = ends[-1], parameters["INPUTS"], parameters["HIDDEN"]

    def timing(patterns: Patterns) -> Timing:
        source, loading = patterns.get("x", always), patterns.get("weight", always)
        return gru_timing(steps, inputs, hidden, reuse, source=source, weights=loading, sink=sink_of(patterns))

    return Scenario({"x": x, "weight": packed}, expected, timing, frozenset(bins))


def _weights(parameters: Mapping[str, int], fill: int | tuple[int, int], rng: np.random.Generator) -> gru.GruWeights:
    """Weights of one value, or random between two."""
    inputs, hidden = parameters["INPUTS"], parameters["HIDDEN"]
    low, high = (fill, fill) if isinstance(fill, int) else fill
    shapes = ((3, hidden, inputs), (3, hidden), (3, hidden, hidden), (3, hidden))
    return gru.GruWeights(*(rng.integers(low, high + 1, shape) for shape in shapes))


def scenarios(parameters: Mapping[str, int], rng: random.Random) -> Iterator[Scenario]:
    """Directed corners, then random sequences."""
    form, inputs = gru_format(parameters), parameters["INPUTS"]
    draw = np.random.default_rng(rng.randrange(1 << 32))
    top, heavy = (1 << (form.data_bits - 1)) - 1, (1 << (form.weight_bits - 1)) - 1

    def data(low: int, high: int, steps: int) -> np.ndarray:
        return draw.integers(low, high + 1, (steps, inputs))

    high, low = data(top, top, 2), data(-top - 1, -top - 1, 2)
    mixed = np.where(np.arange(inputs) % 2 == 0, top, -top - 1)[None, :].repeat(3, axis=0)
    for name, fill in (("zero_weights", 0), ("largest_weights", heavy), ("smallest_weights", -heavy - 1)):
        yield _scenario(
            [high, low, high[:1], mixed], _weights(parameters, fill, draw), parameters, {name, "alternating"}
        )
    for sign in (1, -1):  # the update gate shut, the reset gate open, the candidate at an end
        gates = np.array([-heavy, heavy, sign * heavy])
        bias = np.repeat(gates[:, None], parameters["HIDDEN"], axis=1)
        zeros = _weights(parameters, 0, draw)
        yield _scenario([data(-top, top, 2)], zeros._replace(input_bias=bias, state_bias=bias), parameters, set())
    one = 1 << form.data_fraction
    for span, steps in ((heavy // 4, (1, 24, 3)), (heavy // 16, (2, 9)), (heavy, (6, 5))):
        weights = _weights(parameters, (-span, span), draw)
        drawn = [data(max(-2 * one, -top - 1), min(2 * one, top), count) for count in steps]
        yield _scenario(drawn, weights, parameters, {"random"})
