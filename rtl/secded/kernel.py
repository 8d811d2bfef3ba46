"""Declaration of secded; shape: ``words``."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.models.flash.ecc_cycles import secded_cycles
from hwsim.models.npu.stream_timing import Beat, Pattern, Timing, always, pipeline_timing
from hwsim.models.numerics.integers import concatenate
from hwsim.models.numerics.outlier_ecc import check_bits, encode, secded_columns, secded_decode
from hwsim.rtl.stream_kernel import Parameter, Parameters, StreamKernel, Words, size


def _streams(values: Parameters) -> dict[str, int]:
    data = values["DATA_WIDTH"]
    word = data + check_bits(data, detect_two=True)
    return {"x": data, "y": word} if values["ENCODE"] else {"x": word, "y": data + 2}


def _golden(inputs: Words, values: Parameters) -> list[int]:
    data = values["DATA_WIDTH"]
    columns = secded_columns(data)
    if values["ENCODE"]:
        return [word | encode(word, columns) << data for word in inputs["x"]]
    decoded = [secded_decode(word & (1 << data) - 1, word >> data, columns) for word in inputs["x"]]
    return [concatenate([(word, data), (corrected, 1), (failed, 1)]) for word, corrected, failed in decoded]


def _closed_form(shape: Mapping[str, object], _: Parameters) -> float:
    cycles: float = secded_cycles(float(size(shape, "words")))
    return cycles


def _timing(shape: Mapping[str, object], patterns: Mapping[str, Pattern], _: Parameters) -> Timing:
    return pipeline_timing([Beat(("x",), True)] * size(shape, "words"), 1, patterns, patterns.get("y", always))


KERNEL = StreamKernel(
    name="secded",
    summary="words that correct one wrong bit and detect two (Hsiao), for comparison with outlier_ecc",
    parameters=(
        Parameter("DATA_WIDTH", 32, range(4, 65), "data bits of a word"),
        Parameter("ENCODE", 0, (0, 1), "1: encode, 0: decode"),
    ),
    streams=_streams,
    golden_words=_golden,
    closed_form=_closed_form,
    timing=_timing,
    shape_fields=("words",),
)
