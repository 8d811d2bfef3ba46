"""Declaration of shift_mac; shape: ``lengths``, the terms of each dot product (one number or a list)."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.models.npu.stream_timing import Beat, Pattern, Timing, always, lane_mac_cycles, pipeline_timing
from hwsim.models.numerics.integers import mask
from hwsim.models.numerics.shift import shift_dot
from hwsim.rtl.stream_kernel import Parameter, Parameters, StreamKernel, Words, sizes
from hwsim.rtl.stream_packing import Reader


def _streams(values: Parameters) -> dict[str, int]:
    beat = 1 + values["LANES"] * (values["WEIGHT_WIDTH"] + values["ACTIVATION_WIDTH"])
    return {"x": beat, "y": values["ACCUMULATOR_WIDTH"]}


def _golden(inputs: Words, values: Parameters) -> list[int]:
    lanes, bits = values["LANES"], values["ACCUMULATOR_WIDTH"]
    results: list[int] = []
    activations: list[int] = []
    codes: list[int] = []
    for word in inputs["x"]:
        reader = Reader(word)
        activations += reader.signed_list(values["ACTIVATION_WIDTH"], lanes)
        codes += reader.unsigned_list(values["WEIGHT_WIDTH"], lanes)
        if reader.unsigned(1):
            results.append(mask(shift_dot(activations, codes, values["WEIGHT_WIDTH"], bits), bits))
            activations, codes = [], []
    return results


def _closed_form(shape: Mapping[str, object], values: Parameters) -> float:
    lengths = sizes(shape, "lengths")
    padded = sum(-(-length // values["LANES"]) * values["LANES"] for length in lengths)
    cycles: float = lane_mac_cycles(float(padded), float(values["LANES"]), float(values["PIPELINE"]))
    return cycles


def _timing(shape: Mapping[str, object], patterns: Mapping[str, Pattern], values: Parameters) -> Timing:
    beats = []
    for length in sizes(shape, "lengths"):
        count = -(-length // values["LANES"])
        beats += [Beat(("x",), i == count - 1) for i in range(count)]
    return pipeline_timing(beats, 1 + values["PIPELINE"], patterns, patterns.get("y", always))


def _check(values: Parameters) -> str:
    largest_shift = (1 << values["WEIGHT_WIDTH"] - 1) - 1
    least = values["ACTIVATION_WIDTH"] + largest_shift + 1 + (values["LANES"] - 1).bit_length()
    width = values["ACCUMULATOR_WIDTH"]
    return f"ACCUMULATOR_WIDTH(={width}) must be {least} to 64" if width < least else ""


KERNEL = StreamKernel(
    name="shift_mac",
    summary="dot products with zero-free power-of-two weights of 2 to 4 bits: shifts and adders only",
    parameters=(
        Parameter("LANES", 16, range(1, 257), "weights a cycle"),
        Parameter("WEIGHT_WIDTH", 3, range(2, 5), "bits of a weight, sign and exponent"),
        Parameter("ACTIVATION_WIDTH", 8, range(2, 17), "bits of a signed activation"),
        Parameter("ACCUMULATOR_WIDTH", 32, range(4, 65), "bits of the result"),
        Parameter("PIPELINE", 0, (0, 1), "registers between lane sum and accumulator"),
    ),
    streams=_streams,
    golden_words=_golden,
    closed_form=_closed_form,
    timing=_timing,
    shape_fields=("lengths",),
    check=_check,
)
