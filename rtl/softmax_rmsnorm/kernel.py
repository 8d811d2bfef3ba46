"""Declaration of softmax_rmsnorm; shape: ``beats`` of each row (or a list), ``function`` softmax or rms_norm."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwsim.errors import InputError
from hwsim.models.npu.special_function_cycles import rms_norm_cycles, softmax_cycles, special_function_timing
from hwsim.models.npu.stream_timing import Pattern, Timing, always
from hwsim.models.numerics import special_functions
from hwsim.models.numerics.integers import concatenate
from hwsim.rtl.stream_kernel import Parameter, Parameters, StreamKernel, Words, sizes
from hwsim.rtl.stream_packing import Reader


def special_format(values: Parameters) -> special_functions.SpecialFormat:
    """Fixed-point formats of a full set of parameters."""
    names = ("DATA", "FRACTION", "TABLE_BITS", "NORM_FRACTION", "EPSILON")
    return special_functions.SpecialFormat(*(values[name] for name in names))


def _golden(inputs: Words, values: Parameters) -> list[int]:
    form, lanes = special_format(values), values["LANES"]
    words: list[int] = []
    data: list[list[int]] = []
    keep: list[list[int]] = []
    for word in inputs["x"]:
        reader = Reader(word)
        data.append(reader.signed_list(form.data_bits, lanes))
        keep.append(reader.unsigned_list(1, lanes))
        norm, last = reader.unsigned(1), reader.unsigned(1)
        if len(data) > values["DEPTH"]:
            raise InputError(f"kernel softmax_rmsnorm: a row must have at most DEPTH(={values['DEPTH']}) beats")
        if last:
            words += _row(np.array(data, np.int64), np.array(keep, bool), bool(norm), form)
            data, keep = [], []
    return words


def _row(data: np.ndarray, keep: np.ndarray, norm: bool, form: special_functions.SpecialFormat) -> list[int]:
    results = np.zeros(data.shape, np.int64)
    if keep.any():
        results[keep] = (special_functions.rms_norm if norm else special_functions.softmax)(data[keep], form)
    return [
        concatenate([*((int(value), form.data_bits) for value in beat), (int(index == len(results) - 1), 1)])
        for index, beat in enumerate(results)
    ]


def _norm(shape: Mapping[str, object]) -> bool:
    function = shape.get("function", "softmax")
    if function not in ("softmax", "rms_norm"):
        raise InputError(f"shape: function(={function!r}) must be softmax or rms_norm")
    return function == "rms_norm"


def _closed_form(shape: Mapping[str, object], _: Parameters) -> float:
    formula = rms_norm_cycles if _norm(shape) else softmax_cycles
    cycles: float = sum(formula(float(beats), 1.0) for beats in sizes(shape, "beats"))
    return cycles


def _timing(shape: Mapping[str, object], patterns: Mapping[str, Pattern], _: Parameters) -> Timing:
    rows = [(beats, _norm(shape)) for beats in sizes(shape, "beats")]
    return special_function_timing(rows, patterns.get("x", always), patterns.get("y", always))


def _check(values: Parameters) -> str:
    data = values["DATA"]
    if values["FRACTION"] > data - 4:
        return f"FRACTION(={values['FRACTION']}) must be 1 to {data - 4}"
    if values["NORM_FRACTION"] >= data:
        return f"NORM_FRACTION(={values['NORM_FRACTION']}) must be 0 to {data - 1}"
    return ""


# Widths of the streams, for the list of ports.
WIDTHS = {"x": "LANES*(DATA + 1) + 2", "y": "LANES*DATA + 1"}

KERNEL = StreamKernel(
    name="softmax_rmsnorm",
    summary="softmax and RMS norm of a row: exponent by table and interpolation, inverses by Newton, LANES a cycle",
    parameters=(
        Parameter("LANES", 16, range(1, 65), "numbers a cycle"),
        Parameter("DEPTH", 64, range(2, 4097), "beats of the longest row"),
        Parameter("DATA", 16, range(8, 17), "bits of a number"),
        Parameter("FRACTION", 8, range(1, 13), "its fraction bits, at most DATA - 4"),
        Parameter("TABLE_BITS", 6, range(1, 9), "log2 of the exponent table's intervals"),
        Parameter("NORM_FRACTION", 11, range(16), "fraction bits of the RMS norm, below DATA"),
        Parameter("EPSILON", 1, range(1, 65536), "added to the mean square, in units of 2^(-2 FRACTION)"),
    ),
    streams=lambda v: {"x": v["LANES"] * (v["DATA"] + 1) + 2, "y": v["LANES"] * v["DATA"] + 1},
    golden_words=_golden,
    closed_form=_closed_form,
    timing=_timing,
    shape_fields=("beats", "function"),
    check=_check,
)
