"""FP8 arithmetic against ml_dtypes, exact rationals and the laws of rounding."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.models.numerics import fp8

ML_DTYPES = {"e4m3_448": "float8_e4m3fn", "e4m3_240": "float8_e4m3", "e5m2": "float8_e5m2"}
names = st.sampled_from(sorted(fp8.FORMATS))
codes = st.integers(0, 255)


def reals(seed: int) -> np.ndarray:
    """Random float32 values over and past the range of every format, with every tie between neighbours."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(50_000) * np.exp2(rng.integers(-24, 19, 50_000))
    ties = []
    for name in fp8.FORMATS:
        grid = np.sort(fp8.decode(np.arange(256), name))
        grid = grid[np.isfinite(grid)]
        ties.append((grid[1:] + grid[:-1]) / 2)
    edges = [0.0, -0.0, np.inf, -np.inf, np.nan, 464.0, 464.1, 248.0, 247.9, 61440.0, 61439.0]
    return np.concatenate([values, *ties, edges]).astype(np.float32)


@pytest.mark.parametrize("name", sorted(ML_DTYPES))
def test_all_codes_and_all_ties_are_those_of_ml_dtypes(
    name: str, require_package: Callable[[str, str], ModuleType]
) -> None:
    dtype = getattr(require_package("ml_dtypes", "rtl"), ML_DTYPES[name])
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(fp8.decode(every, name), every.view(dtype).astype(np.float64))
    values = reals(1)
    numbers = ~np.isnan(values)
    ours, theirs = fp8.encode(values, name, saturate=False), values.astype(dtype).view(np.uint8)
    np.testing.assert_array_equal(ours[numbers] & 0x7F, theirs[numbers] & 0x7F)
    np.testing.assert_array_equal((ours >> 7)[np.isfinite(values)], (theirs >> 7)[np.isfinite(values)])
    assert np.isnan(fp8.decode(ours[~numbers], name)).all()


@given(names, codes, st.integers(0, 63))
def test_decoding_then_encoding_gives_the_code_back_at_any_bias(name: str, code: int, bias: int) -> None:
    value = fp8.decode(code, name, bias)
    if np.isfinite(value):
        assert int(fp8.encode(value, name, bias)) == code


@given(names, codes, st.integers(0, 63))
def test_a_bias_is_a_power_of_two_scale(name: str, code: int, bias: int) -> None:
    own = fp8.FORMATS[name].bias
    np.testing.assert_array_equal(fp8.decode(code, name, bias), fp8.decode(code, name) * 2.0 ** (own - bias))


def test_gaudi_2_biases_are_the_published_scales() -> None:
    assert [float(fp8.decode(0x38, "e4m3_240", bias)) for bias in fp8.GAUDI2_BIASES] == [16.0, 1.0, 1 / 16, 1 / 256]


@given(names, st.floats(-1e6, 1e6, width=32))
def test_rounding_is_to_the_nearest_value_and_saturates(name: str, value: float) -> None:
    result = float(fp8.decode(fp8.encode(value, name), name))
    grid = fp8.decode(np.arange(256), name)
    grid = grid[np.isfinite(grid)]
    clipped = float(np.clip(value, grid.min(), grid.max()))
    assert abs(result - clipped) == np.abs(grid - clipped).min()


@given(st.integers(-(2**90), 2**90), st.integers(-200, 60))
def test_one_rounding_to_float32_is_that_of_the_exact_rational(integer: int, exponent: int) -> None:
    bits = fp8.round_to_float32_bits(integer, exponent)
    value = Fraction(integer) * Fraction(2) ** exponent
    got = np.uint32(bits).view(np.float32)
    if np.isinf(got):
        assert abs(value) >= Fraction(2) ** 128 - Fraction(2) ** 103
        return
    error = abs(Fraction(float(got)) - value)
    for other in (np.nextafter(got, np.float32(np.inf)), np.nextafter(got, np.float32(-np.inf))):
        if np.isfinite(other):
            away = abs(Fraction(float(other)) - value)
            assert error < away or (error == away and bits & 1 == 0)


pairs = st.lists(st.tuples(codes, codes), min_size=1, max_size=40)


@given(names, names, pairs, st.integers(0, 63), st.integers(0, 63))
def test_the_exact_dot_product_is_the_rational_sum_rounded_once(
    a_name: str, b_name: str, terms: list[tuple[int, int]], a_bias: int, b_bias: int
) -> None:
    a, b = (np.array(side, np.uint8) for side in zip(*terms, strict=True))
    left, right = fp8.decode(a, a_name, a_bias), fp8.decode(b, b_name, b_bias)
    bits = fp8.exact_dot_bits(a, b, a_name, b_name, a_bias, b_bias)
    with np.errstate(invalid="ignore"):
        products = left * right
        special = float(products.sum())
    if not np.isfinite(products).all():
        assert bits == int(fp8.float32_bits(special))
        return
    total = sum((Fraction(float(p)) for p in products), Fraction(0))
    scaled = total * 2**200
    assert scaled.denominator == 1
    assert bits == fp8.round_to_float32_bits(int(scaled), -200)


@given(names, names, codes, codes, st.integers(0, 63), st.integers(0, 63))
def test_every_product_is_a_float32(a_name: str, b_name: str, a: int, b: int, a_bias: int, b_bias: int) -> None:
    with np.errstate(invalid="ignore"):
        exact = fp8.decode(a, a_name, a_bias) * fp8.decode(b, b_name, b_bias)
    np.testing.assert_array_equal(fp8.multiply(a, b, a_name, b_name, a_bias, b_bias).astype(np.float64), exact)


def test_partial_sums_change_the_order_of_additions_as_the_kernel_does() -> None:
    terms = np.array([2.0**24, 1.0, 1.0, 1.0], np.float32)
    assert float(fp8.accumulate(terms, 1)) == 2.0**24
    assert float(fp8.accumulate(terms, 2)) == 2.0**24 + 2
    assert float(fp8.accumulate(terms, 4)) == np.float32(2.0**24) + np.float32(2.0)


@pytest.mark.parametrize("scaling", fp8.SCALINGS)
def test_a_scale_keeps_every_value_within_half_a_step_of_the_format(scaling: str) -> None:
    rng = np.random.default_rng(2)
    values = rng.standard_normal((8, 64)) * np.exp2(rng.integers(-2, 3, (8, 1)))
    quantised = fp8.quantise(values, "e4m3_240", scaling)
    error = np.abs(quantised.values() - values)
    smallest = float(fp8.decode(1, "e4m3_240")) * np.broadcast_to(quantised.scale, values.shape)
    assert (error <= np.maximum(np.abs(values) / 16, smallest / 2) * (1 + 1e-12)).all()


def test_scales_are_what_their_names_say() -> None:
    values = np.array([[1.0, 3.0], [0.5, -700.0]])
    assert float(fp8.quantise(values, "e4m3_240", "unit").scale) == 1.0
    assert float(fp8.quantise(values, "e4m3_240", "tensor").scale) == 700 / 240
    assert float(fp8.quantise(values, "e4m3_240", "power_of_two").scale) == 4.0
    assert float(fp8.quantise(values, "e4m3_240", "hardware").scale) == 16.0
    assert float(fp8.quantise(values, "e4m3_240", "hardware", biases=fp8.GAUDI3_BIASES).scale) == 4.0
    assert float(fp8.quantise(values, "e4m3_240", "tensor", maximum=960.0).scale) == 4.0
    np.testing.assert_array_equal(fp8.quantise(values, scaling="channel").scale, [[3 / 448], [700 / 448]])
    assert float(fp8.quantise(np.zeros(3)).scale) == 1.0


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: fp8.fp8_format("e4m3"), "e4m3_448"),
        (lambda: fp8.decode(1, "e5m2", bias=64), "bias(=64)"),
        (lambda: fp8.accumulate(np.ones(3), 3), "partial_sums(=3)"),
        (lambda: fp8.quantise([1.0], scaling="chanel"), "channel"),
        (lambda: fp8.quantise([1.0], backoff=0.0), "backoff(=0.0)"),
    ],
)
def test_bad_input_is_one_line_that_names_it(call: Callable[[], object], named: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert named in str(caught.value) and "\n" not in str(caught.value)
