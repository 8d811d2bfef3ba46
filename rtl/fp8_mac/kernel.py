"""Declaration of fp8_mac; shape: ``lengths``, the terms of each dot product (one number or a list)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwsim.models.gaudi.rtl_cycles import fp8_mac_cycles, fp8_mac_timing
from hwsim.models.npu.stream_timing import Pattern, Timing, always
from hwsim.models.numerics import fp8
from hwsim.models.numerics.integers import concatenate
from hwsim.rtl.stream_kernel import Parameter, Parameters, StreamKernel, Words, sizes

TABLES = np.stack([fp8.decode(np.arange(256), name) for name in [*fp8.FORMATS, "e5m2"]])
OWN_BIASES = np.array([7, 7, 15, 15])


def products(words: np.ndarray) -> np.ndarray:
    """Float32 products of input words (n,), any format and bias in each."""
    values = []
    for code, form, bias in (
        (words & 0xFF, words >> 16 & 3, words >> 20 & 63),
        (words >> 8 & 0xFF, words >> 18 & 3, words >> 26 & 63),
    ):
        values.append(np.ldexp(TABLES[form, code], (OWN_BIASES[form] - bias).astype(np.int32)))
    with np.errstate(invalid="ignore"):
        return np.asarray(values[0] * values[1], np.float32)


def _golden(inputs: Words, values: Parameters) -> list[int]:
    words = np.array(inputs["x"], np.int64)
    terms = products(words)
    name = fp8.BY_NUMBER[values["OUTPUT_FORMAT"]].name
    results: list[int] = []
    start = 0
    for end in np.flatnonzero(words >> 32 & 1).tolist():
        total = fp8.accumulate(terms[start : end + 1], values["PARTIAL_SUMS"])
        code = fp8.encode(total, name, values["OUTPUT_BIAS"], saturate=bool(values["OUTPUT_SATURATE"]))
        results.append(concatenate([(int(fp8.float32_bits(total)), 32), (int(code), 8)]))
        start = end + 1
    return results


def _closed_form(shape: Mapping[str, object], values: Parameters) -> float:
    cycles: float = sum(fp8_mac_cycles(float(n), float(values["PARTIAL_SUMS"])) for n in sizes(shape, "lengths"))
    return cycles


def _timing(shape: Mapping[str, object], patterns: Mapping[str, Pattern], values: Parameters) -> Timing:
    source, sink = patterns.get("x", always), patterns.get("y", always)
    return fp8_mac_timing(sizes(shape, "lengths"), values["PARTIAL_SUMS"], source, sink)


# Widths of the streams, for the list of ports.
WIDTHS = {"x": "33", "y": "40"}

KERNEL = StreamKernel(
    name="fp8_mac",
    summary="FP8 multiply-accumulate in FP32, round to nearest even, exponent biases as free scales, FP8 result too",
    parameters=(
        Parameter("PARTIAL_SUMS", 1, (1, 2, 4), "adder latency and interleaved partial sums"),
        Parameter("OUTPUT_FORMAT", 0, (0, 1, 2), "FP8 result: E4M3 to 448, E4M3 to 240, E5M2"),
        Parameter("OUTPUT_BIAS", 7, range(64), "exponent bias of the FP8 result"),
        Parameter("OUTPUT_SATURATE", 1, (0, 1), "1: overflow gives the largest value"),
    ),
    streams=lambda _: {"x": 33, "y": 40},
    golden_words=_golden,
    closed_form=_closed_form,
    timing=_timing,
    shape_fields=("lengths",),
)
