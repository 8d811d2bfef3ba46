"""FP8 bit for bit: decode, round, multiply-accumulate in FP32 in the hardware's order, and dot with one rounding.

A code of ``exponent_bits`` and ``mantissa_bits`` with exponent bias ``bias`` stands for significand x 2^shift x
2^-unit with ``unit = bias + mantissa_bits - 1``: a bias other than the format's own is a power-of-two scale that only
adds to exponents (a scale of 2^(own bias - bias)). Gaudi 2 offers biases 3, 7, 11 and 15 for E4M3 (scales 2^4, 1, 2^-4
and 2^-8), Gaudi 3 offers 0 to 62.

Sources: OCP 8-bit floating point specification 1.0 (E4M3 to 448, E5M2); ml_dtypes 0.6 for the codings
(``float8_e4m3fn``, ``float8_e4m3``, ``float8_e5m2``). That Gaudi 2's E4M3, which reaches 240, is coded in the IEEE
style with an infinity is an inference; it is a format of its own here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.errors import InputError, did_you_mean

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]

QUIET_NAN = 0x7FC00000
LARGEST_BIAS = 63


class Fp8Format(NamedTuple):
    """One 8-bit coding: its number for the Verilog, its field widths, own bias, and largest, infinite and NaN codes."""

    name: str
    number: int
    mantissa_bits: int
    bias: int
    largest_code: int
    infinite_code: int | None
    nan_code: int

    @property
    def maximum(self) -> float:
        """Largest finite value at the format's own bias."""
        return float(decode(np.uint8(self.largest_code), self.name))


FORMATS = {
    "e4m3_448": Fp8Format("e4m3_448", 0, 3, 7, 0x7E, None, 0x7F),
    "e4m3_240": Fp8Format("e4m3_240", 1, 3, 7, 0x77, 0x78, 0x7C),
    "e5m2": Fp8Format("e5m2", 2, 2, 15, 0x7B, 0x7C, 0x7E),
}
BY_NUMBER = tuple(FORMATS.values())

# Exponent biases whose scales the matrix engine takes for nothing.
GAUDI2_BIASES = (3, 7, 11, 15)
GAUDI3_BIASES = tuple(range(63))


def fp8_format(name: str) -> Fp8Format:
    """Look a format up: ``e4m3_448`` (OCP; Gaudi 3), ``e4m3_240`` (Gaudi 2) or ``e5m2``."""
    if name not in FORMATS:
        raise InputError(f"fp8 format '{name}' does not exist{did_you_mean(name, FORMATS)}; allowed: {list(FORMATS)}")
    return FORMATS[name]


def checked_bias(bias: int | None, chosen: Fp8Format) -> int:
    """Return the exponent bias, the format's own where none is given; allowed: 0 to 63."""
    if bias is None:
        return chosen.bias
    if isinstance(bias, bool) or bias != int(bias) or not 0 <= bias <= LARGEST_BIAS:
        raise InputError(f"fp8: bias(={bias!r}) must be a whole number from 0 to {LARGEST_BIAS}")
    return int(bias)


class Parts(NamedTuple):
    """Codes taken apart: value = (-1)^sign significand 2^shift 2^-unit; arrays of the codes' shape, unit an int."""

    sign: NDArray[np.int64]
    significand: NDArray[np.int64]
    shift: NDArray[np.int64]
    infinite: NDArray[np.bool_]
    nan: NDArray[np.bool_]
    unit: int


def parts(codes: ArrayLike, name: str = "e4m3_448", bias: int | None = None) -> Parts:
    """Take codes (any shape, 0 to 255) apart into sign, significand and shift."""
    chosen = fp8_format(name)
    code = np.asarray(codes).astype(np.int64)
    mantissa = chosen.mantissa_bits
    exponent = (code & 0x7F) >> mantissa
    fraction = code & ((1 << mantissa) - 1)
    normal = exponent != 0
    magnitude = code & 0x7F
    infinite = np.zeros(code.shape, bool) if chosen.infinite_code is None else magnitude == chosen.infinite_code
    nan = (magnitude > chosen.largest_code) & ~infinite
    return Parts(
        code >> 7,
        fraction + (normal.astype(np.int64) << mantissa),
        np.where(normal, exponent - 1, 0),
        infinite,
        nan,
        checked_bias(bias, chosen) + mantissa - 1,
    )


def decode(codes: ArrayLike, name: str = "e4m3_448", bias: int | None = None) -> Floats:
    """Values of FP8 codes, exact in float64.

    >>> decode([0x7E, 0x01, 0xB8], "e4m3_448").tolist()
    [448.0, 0.001953125, -1.0]
    >>> decode([0x38], "e4m3_240", bias=3).tolist()
    [16.0]
    """
    part = parts(codes, name, bias)
    value = np.ldexp(part.significand.astype(np.float64), (part.shift - part.unit).astype(np.int32))
    value = np.where(part.infinite, np.inf, np.where(part.nan, np.nan, value))
    return np.where(part.sign == 1, -value, value)


def encode(values: ArrayLike, name: str = "e4m3_448", bias: int | None = None, *, saturate: bool = True) -> Codes:
    """Round values (any shape) to FP8 codes: to nearest, ties to even, denormals kept.

    Beyond the largest value and for infinities: the largest value when ``saturate``, else infinity (``e4m3_448`` has
    none: NaN). NaN becomes the format's positive NaN.

    >>> encode([1.0, 500.0, -1e9, 0.0]).tolist()
    [56, 126, 254, 0]
    >>> encode([500.0], "e5m2", saturate=False).tolist()
    [96]
    """
    chosen = fp8_format(name)
    wide = np.asarray(values, np.float64)
    mantissa = chosen.mantissa_bits
    unit = checked_bias(bias, chosen) + mantissa - 1
    finite = np.where(np.isfinite(wide), np.abs(wide), 0.0)
    _, exponent = np.frexp(finite)
    shift = np.where(finite > 0.0, np.maximum(exponent - 1 - mantissa + unit, 0), 0)
    kept = np.rint(np.ldexp(finite, (unit - shift).astype(np.int32)))
    # Past the format's reach only the comparison below matters: keep the integers small.
    magnitude = (np.minimum(shift, 255).astype(np.int64) << mantissa) + kept.astype(np.int64)
    overflow = (magnitude > chosen.largest_code) | np.isinf(wide)
    beyond = chosen.nan_code if chosen.infinite_code is None else chosen.infinite_code
    magnitude = np.where(overflow, chosen.largest_code if saturate else beyond, magnitude)
    code = magnitude + (np.signbit(wide).astype(np.int64) << 7)
    return np.where(np.isnan(wide), chosen.nan_code, code).astype(np.uint8)


def multiply(
    a: ArrayLike, b: ArrayLike, a_format: str, b_format: str, a_bias: int | None = None, b_bias: int | None = None
) -> NDArray[np.float32]:
    """Exact products of codes as float32: every product of FP8 values with biases 0 to 63 is a float32."""
    with np.errstate(invalid="ignore"):
        return (decode(a, a_format, a_bias) * decode(b, b_format, b_bias)).astype(np.float32)


def float32_bits(values: ArrayLike) -> NDArray[np.uint32]:
    """Bit patterns of float32 values, every NaN as the one quiet NaN 0x7FC00000 that the hardware gives."""
    array = np.asarray(values, np.float32)
    return np.where(np.isnan(array), np.uint32(QUIET_NAN), array.view(np.uint32)).astype(np.uint32)


def accumulate(products: ArrayLike, partial_sums: int = 1) -> NDArray[np.float32]:
    """Sum float32 products over the last axis as rtl/fp8_mac does: rounded to nearest even at every addition.

    Product k joins partial sum k mod ``partial_sums`` (all start at +0); then the partial sums are added in pairs,
    (0, 1), (2, 3), ..., level by level. ``partial_sums`` is a power of two.
    """
    terms = np.asarray(products, np.float32)
    if partial_sums < 1 or partial_sums & (partial_sums - 1):
        raise InputError(f"fp8: partial_sums(={partial_sums}) must be a power of two >= 1")
    sums = np.zeros((partial_sums, *terms.shape[:-1]), np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        for index in range(terms.shape[-1]):
            sums[index % partial_sums] += terms[..., index]
        while len(sums) > 1:
            sums = sums[0::2] + sums[1::2]
    result: NDArray[np.float32] = sums[0]
    return result


def multiply_accumulate(
    a: ArrayLike,
    b: ArrayLike,
    a_format: str = "e4m3_448",
    b_format: str = "e4m3_448",
    a_bias: int | None = None,
    b_bias: int | None = None,
    *,
    partial_sums: int = 1,
) -> NDArray[np.float32]:
    """Dot product over the last axis of codes (..., k) with float32 accumulation, the golden model of rtl/fp8_mac.

    >>> float(multiply_accumulate([0x38, 0x40], [0x40, 0x40]))
    6.0
    """
    return accumulate(multiply(a, b, a_format, b_format, a_bias, b_bias), partial_sums)


def round_to_float32_bits(integer: int, exponent: int) -> int:
    """Bits of integer x 2^exponent rounded once to float32: to nearest, ties to even, denormals, overflow to infinity.

    >>> hex(round_to_float32_bits(3, -1))
    '0x3fc00000'
    >>> hex(round_to_float32_bits(-(2**24 + 1), 0))
    '0xcb800000'
    """
    sign = 0x80000000 if integer < 0 else 0
    size = abs(integer)
    if size == 0:
        return 0
    places = max(size.bit_length() - 24, -149 - exponent)
    if places > 0:
        kept, lost, half = size >> places, size & ((1 << places) - 1), 1 << (places - 1)
        kept += lost > half or (lost == half and kept & 1 == 1)
    else:
        kept = size << -places
    field = max(places + exponent + 149, 0)
    bits = (field << 23) + kept
    return sign | min(bits, 0x7F800000)


def exact_dot_bits(
    a: Sequence[int] | Codes,
    b: Sequence[int] | Codes,
    a_format: str = "e4m3_448",
    b_format: str = "e4m3_448",
    a_bias: int | None = None,
    b_bias: int | None = None,
) -> int:
    """Float32 bits of the dot product of two code vectors (k,) with one rounding at its end: rtl/fp8_dot's golden.

    The sum is exact in fixed point; an exact zero is +0. Any NaN, an infinity times zero, or infinities of both signs
    give the quiet NaN.

    >>> hex(exact_dot_bits([0x38, 0x40], [0x40, 0x40]))
    '0x40c00000'
    """
    left, right = parts(a, a_format, a_bias), parts(b, b_format, b_bias)
    zero = (left.infinite & (right.significand == 0) & ~right.nan & ~right.infinite) | (
        right.infinite & (left.significand == 0) & ~left.nan & ~left.infinite
    )
    negative = (left.sign ^ right.sign) == 1
    infinite = left.infinite | right.infinite
    up, down = bool((infinite & ~negative).any()), bool((infinite & negative).any())
    if bool((left.nan | right.nan | zero).any()) or (up and down):
        return QUIET_NAN
    if up or down:
        return 0x7F800000 if up else 0xFF800000
    total = sum(
        (-1 if minus else 1) * (x << shift)
        for minus, x, shift in zip(
            negative.tolist(),
            (left.significand * right.significand).tolist(),
            (left.shift + right.shift).tolist(),
            strict=True,
        )
    )
    return round_to_float32_bits(total, -(left.unit + right.unit))


class Quantised(NamedTuple):
    """Codes and the float64 scale, broadcastable to them, with value = decode(codes) x scale."""

    codes: Codes
    scale: Floats
    format: str

    def values(self) -> Floats:
        """Return the values that the codes stand for."""
        return decode(self.codes, self.format) * self.scale


SCALINGS = ("unit", "tensor", "channel", "power_of_two", "hardware")


def quantise(
    values: ArrayLike,
    name: str = "e4m3_448",
    scaling: str = "tensor",
    *,
    axis: int = -1,
    maximum: ArrayLike | None = None,
    biases: Sequence[int] = GAUDI2_BIASES,
    backoff: float = 1.0,
) -> Quantised:
    """Quantise a tensor to FP8 with a scale that brings its largest magnitude to the format's largest value.

    Parameters
    ----------
    scaling : ``unit`` (scale 1), ``tensor`` (one scale), ``channel`` (one scale along every axis but ``axis``, the
        reduced one), ``power_of_two`` (tensor, rounded up to a power of two), ``hardware`` (tensor, the smallest scale
        of ``biases`` that holds every value, or the largest there is)
    maximum : static scaling: the magnitude seen in calibration; dynamic (None): the tensor's own
    biases : exponent biases of the hardware scales, 2^(own bias - bias)
    backoff : aim at this fraction of the format's largest value

    Raises
    ------
    InputError : an unknown format or scaling, a backoff outside (0, 1]

    >>> float(quantise([896.0, 1.0], scaling="tensor").scale)
    2.0
    """
    chosen = fp8_format(name)
    if scaling not in SCALINGS:
        hint = did_you_mean(scaling, SCALINGS)
        raise InputError(f"fp8 scaling '{scaling}' does not exist{hint}; allowed: {list(SCALINGS)}")
    if not 0.0 < backoff <= 1.0:
        raise InputError(f"fp8: backoff(={backoff}) must be above 0 and at most 1")
    wide = np.asarray(values, np.float64)
    scale = _scale(wide, chosen, scaling, axis, maximum, biases, backoff)
    return Quantised(encode(wide / scale, name), scale, name)


def _scale(
    wide: Floats, chosen: Fp8Format, scaling: str, axis: int, maximum: Any, biases: Sequence[int], backoff: float
) -> Floats:
    """Scale of `quantise`: an array that broadcasts to the tensor."""
    if scaling == "unit":
        return np.ones(())
    if maximum is not None:
        largest = np.asarray(maximum, np.float64)
    elif scaling == "channel":
        largest = np.abs(wide).max(axis=axis, keepdims=True, initial=0.0)
    else:
        largest = np.asarray(np.abs(wide).max(initial=0.0))
    wanted = np.where(largest > 0.0, largest / (chosen.maximum * backoff), 1.0)
    if scaling == "power_of_two":
        return np.exp2(np.ceil(np.log2(wanted)))
    if scaling == "hardware":
        scales = np.sort(np.exp2([float(chosen.bias - checked_bias(bias, chosen)) for bias in biases]))
        index = np.minimum(np.searchsorted(scales, wanted), len(scales) - 1)
        return np.asarray(scales[index])
    return wanted
