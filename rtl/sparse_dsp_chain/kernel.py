"""Declaration of sparse_dsp_chain; shape: ``beats`` of each row (one number or a list), or ``densities``: for each row
the list of what its blocks keep (0, 2, 4 or 8)."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.errors import InputError
from hwsim.models.fpga.sparse_chain_cycles import (
    guard_limit,
    segment_length,
    sparse_chain_cycles,
    sparse_row_beats,
)
from hwsim.models.npu.stream_timing import Beat, Pattern, Timing, always, pipeline_timing
from hwsim.models.numerics.integers import concatenate
from hwsim.models.numerics.sparse import DENSITIES, SparseBeat, beat_dot
from hwsim.rtl.stream_kernel import Parameter, Parameters, StreamKernel, Words, sizes
from hwsim.rtl.stream_packing import Reader


def _tokens(values: Parameters) -> int:
    return values["PACKED"] + 1


def _streams(values: Parameters) -> dict[str, int]:
    chain, block = values["CHAIN"], values["BLOCK"]
    weights = chain * (values["WEIGHT_WIDTH"] + block.bit_length() - 1)
    beat = 3 + weights + _tokens(values) * (chain // 2) * block * values["ACTIVATION_WIDTH"]
    return {"x": beat, "y": _tokens(values) * values["ACCUMULATOR_WIDTH"]}


def _golden(inputs: Words, values: Parameters) -> list[int]:
    chain, block, bits = values["CHAIN"], values["BLOCK"], values["ACCUMULATOR_WIDTH"]
    results: list[int] = []
    sums = [0] * _tokens(values)
    for word in inputs["x"]:
        reader = Reader(word)
        flat = reader.signed_list(values["ACTIVATION_WIDTH"], _tokens(values) * (chain // 2) * block)
        blocks = [flat[start : start + block] for start in range(0, len(flat), block)]
        weights = reader.signed_list(values["WEIGHT_WIDTH"], chain)
        indices = reader.unsigned_list(block.bit_length() - 1, chain)
        beat = SparseBeat(DENSITIES[reader.unsigned(2)], tuple(weights), tuple(indices), ())
        for token in range(len(sums)):
            sums[token] += beat_dot(beat, blocks[token * (chain // 2) : (token + 1) * (chain // 2)])
        if reader.unsigned(1):
            results.append(concatenate([(total, bits) for total in sums]))
            sums = [0] * len(sums)
    return results


def _segment(values: Parameters) -> int:
    widths = (values["ACTIVATION_WIDTH"], values["WEIGHT_WIDTH"], values["FIELD"])
    return segment_length(values["CHAIN"], bool(values["PACKED"]), *widths)


def _beats(shape: Mapping[str, object], values: Parameters) -> list[int]:
    rows = shape.get("densities")
    if rows is None:
        return sizes(shape, "beats")
    if not isinstance(rows, (list, tuple)) or not all(isinstance(row, (list, tuple)) for row in rows) or not rows:
        raise InputError(f"shape: densities(={rows!r}) must be a list of rows, each a list of 0, 2, 4 or 8")
    if any(density not in DENSITIES for row in rows for density in row):
        raise InputError("shape: densities must be 0, 2, 4 or 8")
    return [_row_beats(list(row), values["CHAIN"]) for row in rows]


def _row_beats(row: list[int], chain: int) -> int:
    eights, fours, twos = (float(row.count(density)) for density in (8, 4, 2))
    return round(sparse_row_beats(eights, fours, twos, float(chain)))


def _closed_form(shape: Mapping[str, object], values: Parameters) -> float:
    cycles: float = sparse_chain_cycles(float(sum(_beats(shape, values))), float(_segment(values)))
    return cycles


def _timing(shape: Mapping[str, object], patterns: Mapping[str, Pattern], values: Parameters) -> Timing:
    beats = [Beat(("x",), index == count - 1) for count in _beats(shape, values) for index in range(count)]
    return pipeline_timing(beats, _segment(values) + 2, patterns, patterns.get("y", always))


def _check(values: Parameters) -> str:
    least = values["ACTIVATION_WIDTH"] + values["WEIGHT_WIDTH"]
    if values["FIELD"] < least:
        return f"FIELD(={values['FIELD']}) must be {least} to 18"
    assert guard_limit(values["ACTIVATION_WIDTH"], values["WEIGHT_WIDTH"], values["FIELD"]) > 0
    return ""


KERNEL = StreamKernel(
    name="sparse_dsp_chain",
    summary="N:M sparse dot products, 0, 2, 4 or 8 of a block, on a DSP cascade; two tokens packed in a multiplier",
    parameters=(
        Parameter("CHAIN", 8, range(8, 65, 8), "DSPs"),
        Parameter("BLOCK", 16, (8, 16, 32), "activations a block (M)"),
        Parameter("ACTIVATION_WIDTH", 8, range(4, 9), "bits of a signed activation"),
        Parameter("WEIGHT_WIDTH", 8, range(2, 9), "bits of a signed weight"),
        Parameter("ACCUMULATOR_WIDTH", 32, range(24, 49), "bits of a result"),
        Parameter("PACKED", 1, (0, 1), "1: two tokens a multiplier, 0: one"),
        Parameter("FIELD", 18, range(6, 19), "bits of the packed low product with its guard bits"),
    ),
    streams=_streams,
    golden_words=_golden,
    closed_form=_closed_form,
    timing=_timing,
    shape_fields=("beats", "densities"),
    check=_check,
)
