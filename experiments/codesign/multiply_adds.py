"""What a multiply-add a cycle takes in each characterised kernel, and why the search offers it or not."""

from __future__ import annotations

from typing import Any, NamedTuple

from hwsim.models.catalog.kernel_fits import FOLDER, predicted
from hwsim.rtl import kernel


class Way(NamedTuple):
    """A kernel at a reference size, its multiply-adds a cycle, what they multiply, and whether a design may use it."""

    kernel: str
    parameters: dict[str, int]
    multiply_adds: int
    what: str
    offered: str


_INT4 = {"OPERAND_BITS": 4, "ACCUMULATOR_BITS": 24}
_LANES = "no: attention multiplies two activations, and an NPU record has one kind of array"
WAYS = (
    Way("systolic_array", {"ROWS": 4, "COLUMNS": 40}, 160, "int8 x int8, output-stationary", "yes"),
    Way("systolic_array", {"ROWS": 4, "COLUMNS": 40, **_INT4}, 160, "int4 x int4, output-stationary", "yes"),
    Way(
        "systolic_array", {"ROWS": 4, "COLUMNS": 40, "DATAFLOW": 1}, 160, "int8 x int8, weight-stationary",
        "on request: the accumulator of partial sums is not in the kernel",
    ),
    Way("ternary_mac", {"LANES": 16}, 16, "ternary x int8", _LANES),
    Way("shift_mac", {"LANES": 16}, 16, "3-bit power of two x int8", _LANES),
    Way("fp8_mac", {}, 1, "fp8 x fp8, fp32 sums", "no: K + 3 cycles a dot product is none of the NPU's cycle counts"),
)  # fmt: skip


def multiply_adds() -> list[dict[str, Any]]:
    """Resources a multiply-add, by the fits alone; a kernel that is not characterised (yet) has none."""
    found = []
    for way in WAYS:
        values = {one.name: one.default for one in kernel(way.kernel).parameters} | way.parameters
        counts = predicted(FOLDER / way.kernel, values)
        each = {kind: counts[kind] / way.multiply_adds for kind in ("lut", "ff", "dsp", "cells") if kind in counts}
        found.append({"kernel": way.kernel, "what": way.what, "offered": way.offered, "each": each})
    return found
