"""Softmax, RMS norm and the GRU in fixed point against floating point, within their stated bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hwsim.errors import InputError
from hwsim.models.fpga import gru_cycles
from hwsim.models.numerics import gru
from hwsim.models.numerics import special_functions as special

rows = arrays(np.int64, st.integers(1, 300), elements=st.integers(-32768, 32767))
near = arrays(np.int64, st.integers(1, 1024), elements=st.integers(-700, 700))


@given(st.one_of(rows, near))
def test_softmax_is_within_its_bound_of_the_exact_one(row: np.ndarray) -> None:
    exact = np.exp((row - row.max()) / 256)
    exact /= exact.sum()
    assert np.abs(special.softmax(row) / 2**15 - exact).max() <= 2**-13


@given(st.one_of(rows, near))
def test_rms_norm_is_within_its_bound_of_the_exact_one(row: np.ndarray) -> None:
    exact = row / np.sqrt((row.astype(np.float64) ** 2).mean() + 1) * 2**11
    exact = np.clip(exact, -(2**15), 2**15 - 1)
    assert (np.abs(special.rms_norm(row) - exact) <= 0.5 + np.abs(exact) * 2**-18).all()


@given(st.integers(1, 2**44))
def test_the_reciprocal_is_exact_to_22_bits(value: int) -> None:
    r, place = special.reciprocal(value)
    assert abs(r * value / 2.0 ** (special.PLACES + place) - 1) < 2**-22


@given(st.integers(1, 2**44), st.integers(1, 2**11))
def test_the_inverse_root_is_exact_to_21_bits(total: int, count: int) -> None:
    r, half = special.inverse_root_of_mean(total, count)
    assert abs(r / 2.0 ** (special.PLACES + half) * np.sqrt(total / count) - 1) < 2**-21


def test_a_larger_table_is_closer() -> None:
    distance = np.arange(0, 4096)
    exact = np.exp(-distance / 256)
    errors = []
    for bits in range(2, 9):
        form = special.DEFAULT_FORMAT._replace(table_bits=bits)
        errors.append(float(np.abs(special.exponent(distance, form) / 2**24 - exact).max()))
    assert all(finer < coarser for coarser, finer in zip(errors[:5], errors[1:5], strict=False))
    assert errors[4] < 2**-15


@pytest.mark.parametrize("function", [special.softmax, special.rms_norm])
def test_an_empty_row_is_refused(function: object) -> None:
    with pytest.raises(InputError, match="empty"):
        function([])  # type: ignore[operator]


def test_a_gru_in_fixed_point_follows_the_one_in_floating_point() -> None:
    rng = np.random.default_rng(3)
    inputs, hidden, steps = 12, 9, 20
    shapes = ((3, hidden, inputs), (3, hidden), (3, hidden, hidden), (3, hidden))
    real = [rng.normal(0, 0.4, shape) for shape in shapes]
    data = rng.normal(0, 1.0, (steps, inputs))
    form = gru.DEFAULT_FORMAT
    fixed = gru.GruWeights(*(gru.to_fixed(part, form.weight_bits, form.weight_fraction) for part in real))
    got = gru.sequence(gru.to_fixed(data, form.data_bits, form.data_fraction), fixed) / 2**form.data_fraction
    state = np.zeros(hidden)
    for row, result in zip(data, got, strict=True):
        sums, kept = real[0] @ row + real[1], real[2] @ state + real[3]
        update, reset = np.clip(0.2 * (sums[:2] + kept[:2]) + 0.5, 0, 1)
        candidate = 2 * np.clip(0.2 * (sums[2] + reset * kept[2]) + 0.5, 0, 1) - 1
        state = update * state + (1 - update) * candidate
        assert np.abs(result - state).max() < 0.02


@given(st.integers(2, 9), st.integers(2, 9), st.data())
def test_unpacking_gives_the_packed_weights_back(inputs: int, hidden: int, data: st.DataObject) -> None:
    reuse = data.draw(st.integers(1, hidden))
    rng = np.random.default_rng(inputs * 100 + hidden)
    shapes = ((3, hidden, inputs), (3, hidden), (3, hidden, hidden), (3, hidden))
    weights = gru.GruWeights(*(rng.integers(-9, 9, shape) for shape in shapes))
    words = gru.packed_weights(weights, reuse)
    assert len(words) == gru_cycles.gru_weight_words(inputs, hidden, reuse)
    back = gru.unpacked_weights(words, inputs, hidden, reuse)
    for part, unpacked in zip(weights, back, strict=True):
        np.testing.assert_array_equal(unpacked[:, :hidden], part)


def test_a_sequence_of_the_wrong_width_is_refused() -> None:
    weights = gru.GruWeights(*(np.zeros(s, np.int64) for s in ((3, 2, 4), (3, 2), (3, 2, 2), (3, 2))))
    with pytest.raises(InputError, match=r"\(steps, 4\)"):
        gru.sequence(np.zeros((3, 5)), weights)


def test_lfads_takes_the_cycles_its_published_latency_suggests() -> None:
    """Encoder and decoder of 73 steps: 73 (70 + o) + 73 (64 + o) with o = 6 (arXiv 2402.04274: 41.97 us a trial)."""
    encoder = gru_cycles.gru_cycles(73, 70, 64, 1) - 70
    decoder = gru_cycles.gru_cycles(73, 64, 64, 1) - 64
    assert encoder + decoder == 73 * 76 + 73 * 70
