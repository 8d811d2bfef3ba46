"""Stimulus of secded: every word with one wrong bit, every pair of wrong bits of a word, random words."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from hwsim.models.npu.stream_timing import Beat, Timing, pipeline_timing
from hwsim.models.numerics.integers import concatenate, mask
from hwsim.models.numerics.outlier_ecc import check_bits, encode, secded_columns, secded_decode
from hwsim.rtl.streams import Mutant, Patterns, Scenario, sink_of

PARAMETER_SETS: list[dict[str, int]] = [
    {"DATA_WIDTH": 32, "ENCODE": 0},
    {"DATA_WIDTH": 8, "ENCODE": 0},
    {"DATA_WIDTH": 64, "ENCODE": 1},
]
BINS = frozenset(
    ["all_zero", "all_ones", "alternating", "random", "encoded", "every_single_error", "every_double_error"]
    + ["sound", "corrected", "failed"]
)
REACHED_BY_ENCODING = {"encoded": 1, **dict.fromkeys(("corrected", "failed", "sound"), 0)}
REACHED_BY_ENCODING |= {"every_double_error": 0, "every_single_error": 0}
FRAME_BINS = [
    (name, lambda values, name=name: values["ENCODE"] == REACHED_BY_ENCODING.get(name, values["ENCODE"]))
    for name in sorted(BINS)
]
MUTANTS = [
    Mutant("check bit errors fail", "secded.v", "one_check || |flips", "|flips"),
    Mutant("no correction", "secded.v", "x_data_i[DATA_WIDTH-1:0] ^ flips", "x_data_i[DATA_WIDTH-1:0]"),
    Mutant("two errors pass", "secded.v", "!one_check && !(|flips)", "1'b0"),
    Mutant("last data bit left out", "secded.v", "place < DATA_WIDTH; place", "place < DATA_WIDTH - 1; place"),
    Mutant("stall ignored", "secded.v", "assign advance = !y_valid || y_ready_i;", "assign advance = 1'b1;"),
    Mutant(
        "a column of even weight",
        "secded_columns.v",
        "8'd11, 8'd7\n            };\n        end\n        if (CHECK == 8)",
        "8'd11, 8'd6\n            };\n        end\n        if (CHECK == 8)",
    ),
]


def _scenario(words: Sequence[int], parameters: Mapping[str, int], bins: set[str]) -> Scenario:
    width = parameters["DATA_WIDTH"]
    columns = secded_columns(width)
    expected = []
    for word in words:
        data = mask(word, width)
        if parameters["ENCODE"]:
            expected.append(concatenate([(data, width), (encode(data, columns), check_bits(width, detect_two=True))]))
            bins |= {"encoded"}
            continue
        decoded, corrected, failed = secded_decode(data, word >> width, columns)
        expected.append(concatenate([(decoded, width), (corrected, 1), (failed, 1)]))
        bins |= {"corrected" if corrected else "failed" if failed else "sound"}

    def timing(patterns: Patterns) -> Timing:
        return pipeline_timing([Beat(("x",), True)] * len(words), 1, patterns, sink_of(patterns))

    return Scenario({"x": list(words)}, expected, timing, frozenset(bins))


def scenarios(parameters: Mapping[str, int], rng: random.Random) -> Iterator[Scenario]:
    """Corners, then all single and double errors of one random word, then random words."""
    width = parameters["DATA_WIDTH"]
    columns = secded_columns(width)
    check = check_bits(width, detect_two=True)

    def sound(data: int) -> int:
        return data if parameters["ENCODE"] else data | encode(data, columns) << width

    corners = {"all_zero": 0, "all_ones": (1 << width) - 1, "alternating": int("01" * (width // 2), 2)}
    for name, data in corners.items():
        yield _scenario([sound(data)], parameters, {name})
    if not parameters["ENCODE"]:
        word = sound(rng.randrange(1 << width))
        places = range(width + check)
        yield _scenario([word ^ 1 << place for place in places], parameters, {"every_single_error"})
        doubles = [word ^ 1 << one ^ 1 << two for one, two in combinations(places, 2)]
        yield _scenario(doubles, parameters, {"every_double_error"})
    yield _scenario([sound(rng.randrange(1 << width)) for _ in range(60)], parameters, {"random"})
