"""Declaration of ternary_mac; shape: ``lengths``, the terms of each dot product (one number or a list)."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.models.npu.stream_timing import Beat, Pattern, Timing, always, lane_mac_cycles, pipeline_timing
from hwsim.models.numerics.integers import mask, wrap
from hwsim.models.numerics.ternary import packed_bits, ternary_dot, unpack
from hwsim.rtl.stream_kernel import Parameter, Parameters, StreamKernel, Words, sizes
from hwsim.rtl.stream_packing import Reader


def _streams(values: Parameters) -> dict[str, int]:
    packed = packed_bits(values["LANES"], values["TRITS_PER_BYTE"])
    beat = 1 + packed + values["LANES"] * values["ACTIVATION_WIDTH"]
    return {"x": beat, "bias": values["ACCUMULATOR_WIDTH"], "y": values["ACCUMULATOR_WIDTH"]}


def _golden(inputs: Words, values: Parameters) -> list[int]:
    lanes, trits, bits = values["LANES"], values["TRITS_PER_BYTE"], values["ACCUMULATOR_WIDTH"]
    results: list[int] = []
    activations: list[int] = []
    digits: list[int] = []
    biases = iter(inputs["bias"])
    for word in inputs["x"]:
        reader = Reader(word)
        activations += reader.signed_list(values["ACTIVATION_WIDTH"], lanes)
        digits += unpack(reader.unsigned(packed_bits(lanes, trits)), lanes, trits)
        if reader.unsigned(1):
            bias = next(biases, None)
            if bias is None:
                break
            results.append(mask(ternary_dot(activations, digits, wrap(bias, bits), bits), bits))
            activations, digits = [], []
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
        beats += [Beat(("x", "bias") if i == 0 else ("x",), i == count - 1) for i in range(count)]
    return pipeline_timing(beats, 1 + values["PIPELINE"], patterns, patterns.get("y", always))


def _check(values: Parameters) -> str:
    least = values["ACTIVATION_WIDTH"] + 2 + (values["LANES"] - 1).bit_length()
    width = values["ACCUMULATOR_WIDTH"]
    return f"ACCUMULATOR_WIDTH(={width}) must be {least} to 64" if width < least else ""


KERNEL = StreamKernel(
    name="ternary_mac",
    summary="dot products with weights -1, 0, 1 at 2 or 1.6 bits: adders only, the dead-zone bias added once",
    parameters=(
        Parameter("LANES", 16, range(1, 257), "weights a cycle"),
        Parameter("ACTIVATION_WIDTH", 8, range(2, 17), "bits of a signed activation"),
        Parameter("ACCUMULATOR_WIDTH", 32, range(4, 65), "bits of bias and result"),
        Parameter("TRITS_PER_BYTE", 4, (4, 5), "weight packing: 2 or 1.6 bits a weight"),
        Parameter("PIPELINE", 0, (0, 1), "registers between lane sum and accumulator"),
    ),
    streams=_streams,
    golden_words=_golden,
    closed_form=_closed_form,
    timing=_timing,
    shape_fields=("lengths",),
    check=_check,
)
