"""Closed forms of the FP8, softmax, norm and GRU kernels: compiled as called, exact without stalls, monotone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.cost import compiled
from hwsim.errors import InputError
from hwsim.models.fpga import gru_cycles as gru
from hwsim.models.gaudi import rtl_cycles as fp8
from hwsim.models.npu import special_function_cycles as special
from hwsim.models.npu.stream_timing import Pattern

FORMULAS: list[tuple[Callable[..., float], tuple[float, ...]]] = [
    (fp8.fp8_mac_cycles, (100.0, 4.0)),
    (fp8.fp8_mac_stream_cycles, (3.0, 100.0, 2.0)),
    (fp8.fp8_dot_cycles, (9.0, 33.0)),
    (gru.gru_cycles, (73.0, 70.0, 64.0, 2.0)),
    (gru.gru_weight_words, (70.0, 64.0, 3.0)),
    (special.softmax_cycles, (1000.0, 16.0)),
    (special.rms_norm_cycles, (1000.0, 16.0)),
]
stalls = st.lists(st.booleans(), min_size=1, max_size=12).filter(any)


def repeating(bits: list[bool]) -> Pattern:
    return lambda cycle: bits[cycle % len(bits)]


@pytest.mark.parametrize(("formula", "arguments"), FORMULAS)
def test_a_formula_gives_the_same_when_compiled(formula: Callable[..., float], arguments: tuple[float, ...]) -> None:
    assert compiled(formula)(*arguments) == formula(*arguments)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.sampled_from([1, 2, 4]), stalls, stalls)
def test_fp8_mac_is_never_faster_under_stalls_and_exact_without(
    lengths: list[int], sums: int, source: list[bool], sink: list[bool]
) -> None:
    free = fp8.fp8_mac_timing(lengths, sums).cycles
    assert free == sum(fp8.fp8_mac_cycles(length, sums) for length in lengths)
    stalled = fp8.fp8_mac_timing(lengths, sums, repeating(source), repeating(sink))
    assert stalled.cycles >= free
    assert len(stalled.accepted) == sum(lengths) and len(stalled.results) == len(lengths)


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=1, max_size=3), stalls, stalls)
def test_softmax_and_norm_are_never_faster_under_stalls_and_exact_without(
    rows: list[tuple[int, bool]], source: list[bool], sink: list[bool]
) -> None:
    free = special.special_function_timing(rows).cycles
    assert free == sum((special.rms_norm_cycles if root else special.softmax_cycles)(beats, 1) for beats, root in rows)
    assert special.special_function_timing(rows, repeating(source), repeating(sink)).cycles >= free


@given(st.integers(1, 3), st.integers(2, 6), st.integers(2, 6), st.data(), stalls, stalls)
def test_the_gru_is_never_faster_under_stalls_and_exact_without(
    steps: int, inputs: int, hidden: int, data: st.DataObject, source: list[bool], sink: list[bool]
) -> None:
    reuse = data.draw(st.integers(1, hidden))
    free = gru.gru_timing(steps, inputs, hidden, reuse).cycles
    assert free == gru.gru_cycles(steps, inputs, hidden, reuse)
    stalled = gru.gru_timing(steps, inputs, hidden, reuse, source=repeating(source), sink=repeating(sink))
    assert stalled.cycles >= free


def test_a_pattern_that_never_offers_is_refused() -> None:
    with pytest.raises(InputError, match="must be 1 at times"):
        fp8.fp8_mac_timing([1], 1, lambda _: False)
