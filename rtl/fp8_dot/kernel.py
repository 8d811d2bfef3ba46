"""Declaration of fp8_dot; shape: ``beats``, the beats of each vector (one number or a list)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwsim.errors import InputError
from hwsim.models.gaudi.rtl_cycles import fp8_dot_cycles, fp8_dot_timing
from hwsim.models.npu.stream_timing import Pattern, Timing, always
from hwsim.models.numerics import fp8
from hwsim.models.numerics.integers import mask
from hwsim.rtl.stream_kernel import Parameter, Parameters, StreamKernel, Words, sizes
from hwsim.rtl.stream_packing import Reader


def _format(number: int, values: Parameters) -> str:
    if number >= 2 and not values["E5M2"]:
        raise InputError("kernel fp8_dot: a beat holds E5M2 operands; with E5M2(=0) they must be E4M3")
    return fp8.BY_NUMBER[min(number, 2)].name


def _golden(inputs: Words, values: Parameters) -> list[int]:
    lanes, longest = values["LANES"], 1 << values["GUARD"]
    results: list[int] = []
    a: list[int] = []
    b: list[int] = []
    control: int | None = None
    for word in inputs["x"]:
        reader = Reader(word)
        a += reader.unsigned_list(8, lanes)
        b += reader.unsigned_list(8, lanes)
        beat = reader.unsigned(16)
        if control is not None and beat != control:
            raise InputError("kernel fp8_dot: formats and biases must be equal on all beats of a vector")
        control = beat
        if len(a) > longest * lanes:
            raise InputError(f"kernel fp8_dot: a vector must have at most {longest} beats at GUARD(={values['GUARD']})")
        if reader.unsigned(1):
            a_format, b_format = (_format(beat >> shift & 3, values) for shift in (0, 2))
            biases = mask(beat >> 4, 6), mask(beat >> 10, 6)
            results.append(
                fp8.exact_dot_bits(np.array(a, np.uint8), np.array(b, np.uint8), a_format, b_format, *biases)
            )
            a, b, control = [], [], None
    return results


def _closed_form(shape: Mapping[str, object], values: Parameters) -> float:
    cycles: float = fp8_dot_cycles(float(sum(sizes(shape, "beats"))), float(values["LANES"]))
    return cycles


def _timing(shape: Mapping[str, object], patterns: Mapping[str, Pattern], values: Parameters) -> Timing:
    lasts = [beat == count - 1 for count in sizes(shape, "beats") for beat in range(count)]
    return fp8_dot_timing(lasts, values["LANES"], patterns.get("x", always), patterns.get("y", always))


# Widths of the streams, for the list of ports.
WIDTHS = {"x": "16*LANES + 17", "y": "32"}

KERNEL = StreamKernel(
    name="fp8_dot",
    summary="FP8 dot product, exact in fixed point, rounded once to FP32, pipelined: LANES products a cycle",
    parameters=(
        Parameter("LANES", 16, range(2, 65), "products a cycle"),
        Parameter("E5M2", 1, (0, 1), "1: E5M2 operands too; 0: E4M3 only, a narrower sum"),
        Parameter("GUARD", 6, range(1, 11), "log2 of the beats of the longest vector"),
    ),
    streams=lambda values: {"x": 16 * values["LANES"] + 17, "y": 32},
    golden_words=_golden,
    closed_form=_closed_form,
    timing=_timing,
    shape_fields=("beats",),
)
