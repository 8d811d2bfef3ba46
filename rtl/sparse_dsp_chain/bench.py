"""Stimulus of sparse_dsp_chain: every density, empty rows, extremes at the guard bits, random pruned rows."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from hwsim.models.fpga.sparse_chain_cycles import segment_length
from hwsim.models.npu.stream_timing import Beat, Timing, pipeline_timing
from hwsim.models.numerics.integers import concatenate, mask
from hwsim.models.numerics.sparse import beat_word, compress, prune, sparse_dot
from hwsim.rtl.streams import Mutant, Patterns, Scenario, sink_of

PARAMETER_SETS: list[dict[str, int]] = [
    {"CHAIN": 8, "BLOCK": 16, "ACTIVATION_WIDTH": 8, "WEIGHT_WIDTH": 8, "ACCUMULATOR_WIDTH": 32, "PACKED": 1},
    {"CHAIN": 16, "BLOCK": 16, "ACTIVATION_WIDTH": 8, "WEIGHT_WIDTH": 4, "ACCUMULATOR_WIDTH": 24, "PACKED": 1},
    {"CHAIN": 8, "BLOCK": 8, "ACTIVATION_WIDTH": 6, "WEIGHT_WIDTH": 8, "ACCUMULATOR_WIDTH": 24, "PACKED": 0},
]
BINS = frozenset(
    ["density_0", "density_2", "density_4", "density_8", "mixed_row", "empty_row", "one_beat", "full_beat", "part_beat"]
    + ["lowest_times_lowest", "lowest_times_highest", "opposite_tokens", "all_zero", "alternating", "long", "random"]
)
MUTANTS = [
    Mutant(
        "segment one too long",
        "sparse_dsp_chain.v",
        ">> (ACTIVATION_WIDTH + WEIGHT_WIDTH - 2);",
        ">> (ACTIVATION_WIDTH + WEIGHT_WIDTH - 3);",
    ),
    Mutant(
        "borrow dropped",
        "sparse_dsp_chain.v",
        "+ {{(ACCUMULATOR_WIDTH-1){1'b0}}, word[FIELD-1]};",
        "+ {ACCUMULATOR_WIDTH{1'b0}};",
    ),
    Mutant(
        "low field read unsigned",
        "sparse_dsp_chain.v",
        "{(ACCUMULATOR_WIDTH-FIELD){word[FIELD-1]}}",
        "{(ACCUMULATOR_WIDTH-FIELD){1'b0}}",
    ),
    Mutant("density 4 takes the block of density 2", "index_mux.v", "block = block_four_i", "block = block_two_i"),
    Mutant(
        "density 0 not gated",
        "index_mux.v",
        "default: block = {BLOCK*ACTIVATION_WIDTH{1'b0}};",
        "default: block = block_two_i;",
    ),
    Mutant("operands one cycle early", "chain_segment.v", ".DEPTH(place)", ".DEPTH((place == 3) ? 2 : place)"),
    Mutant(
        "product unsigned",
        "dsp_slice.v",
        "{(P_WIDTH-A_WIDTH-B_WIDTH){product[A_WIDTH+B_WIDTH-1]}}",
        "{(P_WIDTH-A_WIDTH-B_WIDTH){1'b0}}",
    ),
    Mutant("delay line runs through a stall", "operand_delay.v", "if (enable_i) words", "if (1'b1) words"),
]
Row = tuple[NDArray[np.int64], NDArray[np.int64]]


def _tokens(parameters: Mapping[str, int]) -> int:
    return parameters["PACKED"] + 1


def _scenario(rows: list[Row], parameters: Mapping[str, int], bins: set[str], rng: random.Random) -> Scenario:
    chain, block, bits = parameters["CHAIN"], parameters["BLOCK"], parameters["ACCUMULATOR_WIDTH"]
    width = parameters["ACTIVATION_WIDTH"]
    words: list[int] = []
    beats: list[Beat] = []
    expected = []
    for activations, row in rows:
        blocks = activations.reshape(_tokens(parameters), -1, block)
        packed = compress(row, chain, block)
        for index, beat in enumerate(packed):
            # places that no block takes are fed noise: their weights are zero
            noise = [rng.randrange(1 << width) for _ in range(_tokens(parameters) * (chain // 2) * block)]
            fed = np.array(noise, dtype=np.int64).reshape(_tokens(parameters), chain // 2, block)
            for place, member in enumerate(beat.blocks):
                fed[:, place] = blocks[:, member]
            weights = beat if beat.density else beat._replace(weights=(1,) * chain)
            last = index == len(packed) - 1
            words.append(
                beat_word(
                    weights,
                    last,
                    fed,
                    chain=chain,
                    block=block,
                    activation_bits=width,
                    weight_bits=parameters["WEIGHT_WIDTH"],
                )
            )
            beats.append(Beat(("x",), last))
            bins |= {
                f"density_{beat.density}",
                "full_beat" if len(beat.blocks) * beat.density == chain else "part_beat",
            }
        bins |= {"one_beat"} if len(packed) == 1 else set()
        bins |= {"empty_row"} if not row.any() else set()
        bins |= {"mixed_row"} if len({beat.density for beat in packed}) > 1 else set()
        expected.append(concatenate([(mask(sparse_dot(token, row, bits), bits), bits) for token in activations]))
    packed_mode = bool(parameters["PACKED"])
    depth = segment_length(chain, packed_mode, width, parameters["WEIGHT_WIDTH"], parameters.get("FIELD", 18)) + 2

    def timing(patterns: Patterns) -> Timing:
        return pipeline_timing(beats, depth, patterns, sink_of(patterns))

    return Scenario({"x": words}, expected, timing, frozenset(bins))


def _full(parameters: Mapping[str, int], blocks: int, density: int, weight: int, values: tuple[int, ...]) -> Row:
    """Row whose blocks keep ``density`` equal weights, every token's activations equal."""
    block = parameters["BLOCK"]
    row = np.zeros(blocks * block, dtype=np.int64)
    for start in range(0, row.size, block):
        row[start + block - density : start + block] = weight
    activations = np.array([[value] * row.size for value in values[: _tokens(parameters)]], dtype=np.int64)
    return activations, row


def scenarios(parameters: Mapping[str, int], rng: random.Random) -> Iterator[Scenario]:
    """Directed corners, then random rows pruned to random densities."""
    block = parameters["BLOCK"]
    low, high = -(1 << parameters["ACTIVATION_WIDTH"] - 1), (1 << parameters["ACTIVATION_WIDTH"] - 1) - 1
    least, most = -(1 << parameters["WEIGHT_WIDTH"] - 1), (1 << parameters["WEIGHT_WIDTH"] - 1) - 1
    for name, weight, values in (
        ("lowest_times_lowest", least, (low, low)),
        ("lowest_times_highest", most, (low, low)),
        ("opposite_tokens", least, (low, high)),
        ("opposite_tokens", least, (high, low)),
        ("all_zero", most, (0, 0)),
    ):
        yield _scenario([_full(parameters, 4, d, weight, values) for d in (8, 4, 2, 0)], parameters, {name}, rng)
    activations, row = _full(parameters, 2, 8, least, (low, high))
    activations[:, 1::2] = high
    yield _scenario([(activations, row)], parameters, {"alternating"}, rng)
    yield _scenario([_full(parameters, 24, 8, least, (low, low))], parameters, {"long"}, rng)
    for _ in range(5):
        rows = []
        for _ in range(6):
            blocks = rng.randint(1, 9)
            drawn = [[rng.randint(low, high) for _ in range(blocks * block)] for _ in range(_tokens(parameters))]
            weights = [
                rng.choice([w for w in (least, most, rng.randint(least, most)) if w]) for _ in range(blocks * block)
            ]
            densities = [rng.choice((0, 2, 4, 8)) for _ in range(blocks)]
            rows.append((np.array(drawn, dtype=np.int64), prune(weights, densities, block)))
        yield _scenario(rows, parameters, {"random"}, rng)
