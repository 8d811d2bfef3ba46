"""The in-flash compute core: parameters, streams, packing, stimulus, mutants."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.errors import InputError
from hwsim.models.flash.gemv_cycles import gemv_cycles
from hwsim.models.numerics.handshake import Stalls
from hwsim.models.numerics.integer_matmul import Integers, integer_matmul, packed
from hwsim.rtl.record import Case, Kernel, Mutant, Parameter, Stream


def golden(inputs: Mapping[str, Any], *, ACCUMULATOR_BITS: int, **_: int) -> dict[str, Integers]:
    """``y`` (vectors, rows): ``weight`` (vectors, rows, k) times ``x`` (vectors, k); ``read`` passes unchanged."""
    products = [
        integer_matmul(weight, np.asarray(vector)[:, None], accumulator_bits=ACCUMULATOR_BITS)[:, 0]
        for weight, vector in zip(inputs["weight"], inputs["x"], strict=True)
    ]
    return {"y": np.array(products), "read": np.asarray(inputs["read"])}


def cycles(shape: Mapping[str, int], stalls: Stalls | None, *, LANES: int, BUFFER_BYTES: int, **_: int) -> int:
    """Cycles of shape {vectors, beats, rows, reads}: beats of a row, read beats after every row."""
    if shape["beats"] > BUFFER_BYTES // LANES:
        raise InputError(
            f"flash_gemv: beats(={shape['beats']}) must be at most BUFFER_BYTES / LANES (={BUFFER_BYTES // LANES})"
        )
    sizes = {name: shape[name] for name in ("vectors", "beats", "rows", "reads")}
    return gemv_cycles(stalls, **sizes, lanes=LANES)


def pack(inputs: Mapping[str, Any], *, LANES: int, **_: int) -> dict[str, list[int]]:
    """Beats of the activation stream and of the page stream; k is a multiple of LANES, ``read`` holds LANES bytes."""
    width = LANES * 8
    activation: list[int] = []
    page: list[int] = []
    for vector, matrix, reads in zip(inputs["x"], inputs["weight"], inputs["read"], strict=True):
        activation += [packed(part, 8) for part in np.reshape(vector, (-1, LANES))]
        activation[-1] |= 1 << width
        for row, (weights, slices) in enumerate(zip(matrix, reads, strict=True)):
            page += [packed(part, 8) for part in np.reshape(weights, (-1, LANES))]
            page[-1] |= (row == len(matrix) - 1) << (width + 1)
            page += [packed(part, 8) | 1 << width for part in slices]
    return {"activation": activation, "page": page}


def pack_results(
    inputs: Mapping[str, Any], outputs: Mapping[str, Any], *, LANES: int, ACCUMULATOR_BITS: int, **_: int
) -> dict[str, list[int]]:
    """Beats of the result stream: after every row its sum, then the read beats, marked on top."""
    mark = 1 << max(LANES * 8, ACCUMULATOR_BITS)
    beats: list[int] = []
    for sums, reads in zip(outputs["y"], outputs["read"], strict=True):
        for value, slices in zip(sums, reads, strict=True):
            beats += [packed([value], ACCUMULATOR_BITS), *(packed(part, 8) | mark for part in slices)]
    return {"result": beats}


def cases(generator: random.Random, *, LANES: int, BUFFER_BYTES: int, **_: int) -> Sequence[Case]:
    """Corners (extremes, alternating, one beat, the whole buffer), then random shapes."""
    noise = np.random.default_rng(generator.getrandbits(32))
    longest = BUFFER_BYTES // LANES

    def case(name: str, vectors: int, beats: int, rows: int, reads: int, *bins: str, fill: int | None = None) -> Case:
        def values(*shape: int) -> Integers:
            return noise.integers(-128, 128, shape) if fill is None else np.full(shape, fill, np.int64)

        k = beats * LANES
        inputs = {"x": values(vectors, k), "weight": values(vectors, rows, k)}
        inputs["read"] = noise.integers(-128, 128, (vectors, rows, reads, LANES))
        return Case(name, inputs, {"vectors": vectors, "beats": beats, "rows": rows, "reads": reads}, bins)

    found = [
        case("one row", 1, min(4, longest), 1, 0, "no_reads"),
        case("both lowest", 1, longest, 2, 1, "lowest_times_lowest", fill=-128),
        case("zero", 1, 2, 2, 1, "zero", fill=0),
        case("one beat", 3, 1, 3, 2, "one_beat_a_row", "reload_under_reads"),
        case("whole buffer", 1, longest, 2, 1, "longest_row"),
        case("vectors", 3, 3, 2, 2, "reload_under_reads", "interleaved_reads"),
    ]
    for index in range(3):
        sizes = generator.randint(1, 3), generator.randint(1, min(9, longest)), generator.randint(1, 5)
        found.append(case(f"random {index}", *sizes, generator.randint(0, 4), "random_shape"))
    return found


def check(*, LANES: int, BUFFER_BYTES: int, **_: int) -> None:
    """Refuse a buffer of less than two beats."""
    if BUFFER_BYTES < 2 * LANES:
        raise InputError(f"flash_gemv: BUFFER_BYTES(={BUFFER_BYTES}) must be >= 2 * LANES (={2 * LANES})")


_FILE = "flash_gemv.v"
_WIDE = {"LANES": 5, "BUFFER_BYTES": 2048}
KERNEL = Kernel(
    name="flash_gemv",
    description="in-flash compute core: INT8 matrix-vector product beside the page buffer, read slices interleaved",
    system="Cambricon-LLM",
    folder=Path(__file__).resolve().parent,
    sources=("vector_buffer.v", "flash_gemv.v"),
    common=("delay_line.v", "adder_tree.v"),
    parameters=(
        Parameter("LANES", 4, range(1, 65), "values a beat"),
        Parameter("BUFFER_BYTES", 2048, range(2, 16385), "vector buffer, bytes"),
        Parameter("ACCUMULATOR_BITS", 32, range(24, 49), "bits of a sum"),
    ),
    streams=(
        Stream("activation", "input", "LANES*8 + 1", "{last, value LANES-1 .. value 0}"),
        Stream("page", "input", "LANES*8 + 2", "{done, read, value LANES-1 .. value 0}"),
        Stream("result", "output", "max(LANES*8, ACCUMULATOR_BITS) + 1", "{read, sum or read beat}"),
    ),
    golden_model=golden,
    cycle_model=cycles,
    pack=pack,
    pack_results=pack_results,
    cases=cases,
    check=check,
    parameter_sets=(
        {"LANES": 4, "BUFFER_BYTES": 64}, {"LANES": 1, "BUFFER_BYTES": 7},
        {"LANES": 5, "BUFFER_BYTES": 2048}, {"LANES": 16, "BUFFER_BYTES": 600, "ACCUMULATOR_BITS": 24},
    ),
    coverage_bins=(
        "no_reads", "lowest_times_lowest", "zero", "one_beat_a_row", "reload_under_reads", "longest_row",
        "interleaved_reads", "random_shape",
    ),
    mutants=(
        Mutant("lost sign", _FILE, "wire signed [7:0]  a =", "wire [7:0]  a ="),
        Mutant("row one beat short", _FILE, "{AWIDTH{1'b0}} : place + STEP", "STEP : place + STEP"),
        Mutant("sum not cleared", _FILE, "control[1] ? {ACCUMULATOR_BITS{1'b0}} : total", "total"),
        Mutant("stall ignored", _FILE, "!result_valid_o || result_ready_i", "1'b1"),
        Mutant("vector not freed", _FILE, "if (weight && done) loaded <= 1'b0;", ""),
        Mutant("read before its turn", _FILE, "control[0] ? read_beat", "control[1] ? read_beat"),
        Mutant("sum of 24 bits", _FILE, "total};", "{(ACCUMULATOR_BITS-23){total[23]}}, total[22:0]};", _WIDE),
        Mutant("dropped carry", _FILE, "total = accumulator +", "total = accumulator ^"),
    ),
)  # fmt: skip
