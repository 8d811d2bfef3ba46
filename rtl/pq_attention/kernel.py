"""Declaration of pq_attention; shape: ``tokens`` of one whole head and query: query, table, scores, weights, values."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.models.npu.stream_timing import Beat, Pattern, Timing, always, pipeline_timing, pq_attention_cycles
from hwsim.models.numerics.product_quantization import Widths, execute
from hwsim.rtl.stream_kernel import Parameter, Parameters, StreamKernel, Words, size


def widths_of(values: Parameters) -> Widths:
    """The golden model's record of the kernel's parameters."""
    return Widths(**{name.lower(): value for name, value in values.items()})


def _streams(values: Parameters) -> dict[str, int]:
    return {"x": widths_of(values).payload_bits + 3, "y": values["SUB_DIM"] * values["SUM_WIDTH"]}


def _golden(inputs: Words, values: Parameters) -> list[int]:
    return execute(inputs["x"], widths_of(values))


def _closed_form(shape: Mapping[str, object], values: Parameters) -> float:
    tokens = float(size(shape, "tokens"))
    cycles: float = pq_attention_cycles(float(values["SUB_SPACES"]), float(values["CODE_BITS"]), tokens)
    return cycles


def _timing(shape: Mapping[str, object], patterns: Mapping[str, Pattern], values: Parameters) -> Timing:
    tokens = size(shape, "tokens")
    codes = 1 << values["CODE_BITS"]
    quiet = Beat(("x",), False)
    result = Beat(("x",), True)
    beats = [quiet] * (1 + values["SUB_SPACES"] * codes) + [result] * tokens + [quiet] * tokens
    beats += ([quiet] * (codes - 1) + [result]) * values["SUB_SPACES"]
    return pipeline_timing(beats, 2, patterns, patterns.get("y", always), first_ready=codes)


def _check(values: Parameters) -> str:
    score = 2 * values["VALUE_WIDTH"] + (values["SUB_DIM"] - 1).bit_length() + (values["SUB_SPACES"] - 1).bit_length()
    least = max(score, values["BIN_WIDTH"] + values["VALUE_WIDTH"] + 1) + 1
    if values["BIN_WIDTH"] <= values["WEIGHT_WIDTH"]:
        return f"BIN_WIDTH(={values['BIN_WIDTH']}) must be above WEIGHT_WIDTH(={values['WEIGHT_WIDTH']})"
    if values["SUM_WIDTH"] < least:
        return f"SUM_WIDTH(={values['SUM_WIDTH']}) must be {least} to 64"
    return ""


KERNEL = StreamKernel(
    name="pq_attention",
    summary="attention over product-quantised keys and values: table build, look-up, accumulate",
    parameters=(
        Parameter("SUB_SPACES", 4, range(1, 65), "sub-spaces (M)"),
        Parameter("SUB_DIM", 2, range(1, 17), "dimensions a sub-space"),
        Parameter("CODE_BITS", 8, range(1, 13), "bits a code"),
        Parameter("VALUE_WIDTH", 8, range(2, 17), "bits of signed query and centroid elements"),
        Parameter("WEIGHT_WIDTH", 8, range(1, 17), "bits of an unsigned attention weight"),
        Parameter("BIN_WIDTH", 16, range(2, 33), "bits of an unsigned bin"),
        Parameter("SUM_WIDTH", 40, range(5, 65), "bits of a signed result"),
    ),
    streams=_streams,
    golden_words=_golden,
    closed_form=_closed_form,
    timing=_timing,
    shape_fields=("tokens",),
    check=_check,
)
