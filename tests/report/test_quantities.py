from __future__ import annotations

import doctest
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.report import page, quantities
from hwsim.report.quantities import quantity, share, significant

SCALES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
          "P": 1e15, "E": 1e18}  # fmt: skip


@given(st.floats(min_value=1e-14, max_value=1e20), st.sampled_from(["s", "B", "FLOP/s", "J", "W", "B/s"]))
def test_a_quantity_reads_back_to_three_digits(value: float, unit: str) -> None:
    number, text = quantity(value, unit).replace(",", "").split(" ")
    prefix = text.removesuffix(unit)
    assert math.isclose(float(number) * SCALES[prefix], value, rel_tol=0.0051)
    assert len(re.sub(r"\D", "", number).strip("0")) <= 3


@given(st.floats(min_value=1e-12, max_value=1e17))
def test_a_prefixed_number_lies_between_one_and_a_thousand(value: float) -> None:
    assert 1.0 <= float(quantity(value, "J").split(" ")[0]) <= 999.0


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_significant_digits_lose_less_than_half_a_per_cent(value: float) -> None:
    assert math.isclose(float(significant(value).replace(",", "")), value, rel_tol=0.0051)


@pytest.mark.parametrize(("part", "text"), [(1e-9, "<0.1 %"), (0.0, "0 %"), (0.9999, "100 %"), (0.931, "93.1 %")])
def test_a_small_share_is_never_shown_as_nothing(part: float, text: str) -> None:
    assert share(part) == text


@pytest.mark.parametrize("module", [quantities, page])
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]
