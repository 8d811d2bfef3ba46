"""Declaration of gru_cell; shape: ``steps``, over all sequences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwsim.models.fpga.gru_cycles import gru_cycles, gru_timing
from hwsim.models.npu.stream_timing import Pattern, Timing, always
from hwsim.models.numerics import gru
from hwsim.models.numerics.integers import concatenate, wrap
from hwsim.rtl.stream_kernel import Parameter, Parameters, StreamKernel, Words, size


def gru_format(values: Parameters) -> gru.GruFormat:
    """Fixed-point formats of a full set of parameters."""
    return gru.GruFormat(*(values[name] for name in ("DATA", "FRACTION", "WEIGHT", "WEIGHT_FRACTION", "SLOPE")))


def _units(values: Parameters) -> int:
    return -(-values["HIDDEN"] // values["REUSE"])


def _golden(inputs: Words, values: Parameters) -> list[int]:
    form, reuse, units, width = gru_format(values), values["REUSE"], _units(values), values["INPUTS"]
    words = [wrap(word, form.weight_bits) for word in inputs["weight"]]
    weights = gru.unpacked_weights(words, width, values["HIDDEN"], reuse)
    if len(words) < weights.input_bias.size * (width + values["HIDDEN"] + 2):
        return []  # the kernel takes no data before all weights are loaded
    results: list[int] = []
    state = np.zeros(units * reuse, np.int64)
    x = inputs["x"]
    for start in range(0, len(x) - width + 1, width):
        beats = x[start : start + width]
        state = gru.step([wrap(word, form.data_bits) for word in beats], state, weights, form)
        last = beats[-1] >> form.data_bits & 1
        for group in range(reuse):
            fields = [(int(value), form.data_bits) for value in state[group * units : (group + 1) * units]]
            results.append(concatenate([*fields, (last if group == reuse - 1 else 0, 1)]))
        if last:
            state = np.zeros_like(state)
    return results


def _closed_form(shape: Mapping[str, object], values: Parameters) -> float:
    sizes = (float(values[name]) for name in ("INPUTS", "HIDDEN", "REUSE"))
    cycles: float = gru_cycles(float(size(shape, "steps")), *sizes)
    return cycles


def _timing(shape: Mapping[str, object], patterns: Mapping[str, Pattern], values: Parameters) -> Timing:
    return gru_timing(
        size(shape, "steps"),
        values["INPUTS"],
        values["HIDDEN"],
        values["REUSE"],
        source=patterns.get("x", always),
        weights=patterns.get("weight", always),
        sink=patterns.get("y", always),
    )


def _check(values: Parameters) -> str:
    for name, most in (
        ("REUSE", values["HIDDEN"]),
        ("FRACTION", values["DATA"] - 2),
        ("WEIGHT_FRACTION", values["WEIGHT"] - 1),
    ):
        if values[name] > most:
            return f"{name}(={values[name]}) must be 1 to {most}"
    return ""


# Widths of the streams, for the list of ports.
WIDTHS = {"x": "DATA + 1", "weight": "WEIGHT", "y": "ceil(HIDDEN/REUSE)*DATA + 1"}

KERNEL = StreamKernel(
    name="gru_cell",
    summary="gated recurrent unit over sequences in fixed point, hard sigmoid and tanh, REUSE rows a multiplier",
    parameters=(
        Parameter("INPUTS", 70, range(2, 1025), "elements of x"),
        Parameter("HIDDEN", 64, range(2, 1025), "elements of the state"),
        Parameter("REUSE", 1, range(1, 1025), "rows that share a multiplier, at most HIDDEN"),
        Parameter("DATA", 16, range(8, 25), "bits of an activation"),
        Parameter("FRACTION", 10, range(1, 23), "its fraction bits, at most DATA - 2"),
        Parameter("WEIGHT", 16, range(4, 25), "bits of a weight"),
        Parameter("WEIGHT_FRACTION", 14, range(1, 24), "its fraction bits, below WEIGHT"),
        Parameter("SLOPE", 13107, range(65536), "slope of the hard sigmoid, times 65536"),
    ),
    streams=lambda v: {"x": v["DATA"] + 1, "weight": v["WEIGHT"], "y": _units(v) * v["DATA"] + 1},
    golden_words=_golden,
    closed_form=_closed_form,
    timing=_timing,
    shape_fields=("steps",),
    check=_check,
)
