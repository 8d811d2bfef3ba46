"""Formats: bits with scales counted, and names that do not exist."""

from __future__ import annotations

import pytest

from hwsim.errors import InputError
from hwsim.formats import number_format


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("fp32", 32), ("tf32", 32), ("bf16", 16), ("fp16", 16), ("fp8_e4m3", 8), ("fp8_e5m2", 8), ("int8", 8),
        ("int4", 4), ("int3", 3), ("int2", 2), ("ternary", 2), ("ternary:1.67", 1.67), ("shift2", 2), ("shift3", 3),
        ("shift4", 4),
        ("mxfp8", 8.25), ("mxfp4", 4.25), ("nvfp4", 4.5), ("int4:g128", 4.125), ("int4:g32", 4.5),
        ("int4:g128:zp", 4 + 16 / 128 + 4 / 128), ("int8:g64", 8.25),
    ],
)  # fmt: skip
def test_stored_bits_count_scales_and_zero_points(text: str, bits: float) -> None:
    assert number_format(text).bits == pytest.approx(bits, rel=1e-12)


@pytest.mark.parametrize("text", ["fp7", "int4:g0", "int4:x", "bf16:g128", "int4:zp", "ternary:1.2", "", "int4:g-1"])
def test_a_format_that_does_not_exist_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match="number format"):
        number_format(text)


def test_a_misspelt_format_gets_a_guess() -> None:
    with pytest.raises(InputError, match="did you mean 'fp8_e4m3'"):
        number_format("fp8_e4m4")
