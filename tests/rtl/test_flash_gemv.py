"""The in-flash compute core: its closed form, its golden model, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.errors import HwsimError
from hwsim.models.flash.gemv_cycles import gemv_cycles
from hwsim.rtl.discovery import read_kernel

KERNEL = read_kernel("flash_gemv")


@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 5), st.integers(0, 9), st.integers(1, 64))
@settings(max_examples=150, deadline=None)
def test_the_stepped_model_without_stalls_is_the_closed_form(
    vectors: int, beats: int, rows: int, reads: int, lanes: int
) -> None:
    sizes = {"vectors": vectors, "beats": beats, "rows": rows, "reads": reads, "lanes": lanes}
    never_reached = {"page": [0] * 10_000 + [1]}
    assert gemv_cycles(never_reached, **sizes) == gemv_cycles(None, **sizes)


def test_the_golden_model_is_a_product_and_passes_reads() -> None:
    inputs = {"x": [[1, -2, 3, 4]], "weight": [[[1, 1, 1, 1], [-128, 0, 0, 2]]], "read": np.zeros((1, 2, 0, 4))}
    assert KERNEL.golden(inputs)["y"].tolist() == [[6, -120]]


def test_rows_that_the_buffer_does_not_hold_and_sizes_below_one_are_one_clear_line() -> None:
    sizes = {"vectors": 1, "beats": 3, "rows": 1, "reads": 0}
    assert KERNEL.cycles(sizes, LANES=4, BUFFER_BYTES=12) == 3 + 3 + 2 + 2
    with pytest.raises(HwsimError, match=r"beats\(=3\) must be at most BUFFER_BYTES / LANES \(=2\)"):
        KERNEL.cycles(sizes, LANES=4, BUFFER_BYTES=8)
    with pytest.raises(HwsimError, match=r"rows\(=0\) must be a whole number >= 1"):
        KERNEL.cycles({**sizes, "rows": 0})


def test_a_buffer_that_holds_no_two_beats_is_one_clear_line() -> None:
    with pytest.raises(HwsimError, match=r"BUFFER_BYTES\(=4\) must be >= 2 \* LANES"):
        KERNEL.values({"LANES": 4, "BUFFER_BYTES": 4})
