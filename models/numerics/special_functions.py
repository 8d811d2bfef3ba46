"""Softmax and RMS norm in fixed point, bit for bit as rtl/softmax_rmsnorm computes them.

Softmax of x (``data_bits`` with ``fraction`` fraction bits):

    d = max(x) - x,  exp(-d) = 2^-n 2^-f  with  n + f = d log2(e)
    2^-f: a table of 2^table_bits + 1 entries and linear interpolation
    1 / sum: Newton's r <- r (2 - m r) on the mantissa m of the sum, from a linear seed
    p = exp(-d) / sum with data_bits - 1 fraction bits, unsigned, rounded to nearest

RMS norm: y = x / sqrt(mean(x^2) + epsilon), signed with ``norm_fraction`` fraction bits, rounded to nearest, saturated;
1 / count by the same Newton, the inverse root by r <- r (3 - m r^2) / 2. The gain belongs to the next matrix.

Error bounds (tests/numerics hold them): softmax within 2^-13 of the exact value at 16 bits and 6 table bits; RMS norm
within half a unit of the last place + 2^-18 of the value.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.errors import InputError

Integers = NDArray[np.int64]

EXPONENT_FRACTION = 24  # fraction bits of a table entry and of the sum of exponentials
STORED_FRACTION = 16  # fraction bits of an exponential as it waits for the sum
LOG2_E = 47274  # log2(e) with 15 fraction bits
PLACES = 24  # fraction bits of Newton's numbers
LARGEST_TABLE_BITS = 8
ITERATIONS = 3

# Linear seeds, PLACES fraction bits: intercept and slope. 1/m on [1, 2): 24/17 x 2 - 8/17 x 2 m with m halved twice;
# 1/sqrt(m) on [1, 2) and [2, 4): the chord lowered by half its largest distance from the curve.
RECIPROCAL_SEED = (round(24 / 17 * 2**PLACES), round(8 / 17 * 2**PLACES))
ROOT_SEEDS = (
    (round(1.2793 * 2**PLACES), round(0.2929 * 2**PLACES)),
    (round(0.9046 * 2**PLACES), round(0.10355 * 2**PLACES)),
)


class SpecialFormat(NamedTuple):
    """Bits and fraction bits of data and results, table size, epsilon in units of the squared data's last place."""

    data_bits: int = 16
    fraction: int = 8
    table_bits: int = 6
    norm_fraction: int = 11
    epsilon: int = 1


DEFAULT_FORMAT = SpecialFormat()


def exponent_table(table_bits: int = LARGEST_TABLE_BITS) -> Integers:
    """2^(-i / 2^table_bits) for i from 0 to 2^table_bits, EXPONENT_FRACTION fraction bits.

    >>> exponent_table(1).tolist()
    [16777216, 11863283, 8388608]
    """
    if not 1 <= table_bits <= LARGEST_TABLE_BITS:
        raise InputError(f"special functions: table_bits(={table_bits}) must be from 1 to {LARGEST_TABLE_BITS}")
    steps = np.arange((1 << table_bits) + 1) / (1 << table_bits)
    return np.rint(np.ldexp(np.exp2(-steps), EXPONENT_FRACTION)).astype(np.int64)


def exponent(distance: ArrayLike, form: SpecialFormat = DEFAULT_FORMAT) -> Integers:
    """exp(-distance) for distances >= 0 with the data's fraction, as EXPONENT_FRACTION fraction bits.

    >>> exponent([0, 256]).tolist()[0] == 2**24
    True
    """
    scaled = (np.asarray(distance, np.int64) * LOG2_E) >> (form.fraction - 1)
    whole, part = np.minimum(scaled >> 16, 31), scaled & 0xFFFF
    rest_bits = 16 - form.table_bits
    index, rest = part >> rest_bits, part & ((1 << rest_bits) - 1)
    table = exponent_table(form.table_bits)
    value = table[index] - (((table[index] - table[index + 1]) * rest) >> rest_bits)
    return np.asarray((((value << 1) >> whole) + 1) >> 1, np.int64)


def mantissa(value: int) -> tuple[int, int]:
    """Leading 1 + PLACES bits of a positive integer (the rest cut off) and the place of its leading bit.

    >>> mantissa(3)
    (25165824, 1)
    """
    place = value.bit_length() - 1
    return ((value << PLACES) >> place), place


def reciprocal(value: int) -> tuple[int, int]:
    """1 / value = r 2^-PLACES 2^-place as (r, place), by Newton's iteration.

    >>> reciprocal(4)[1]
    2
    """
    m, place = mantissa(value)
    r = RECIPROCAL_SEED[0] - ((RECIPROCAL_SEED[1] * m) >> PLACES)
    for _ in range(ITERATIONS):
        r = (r * ((2 << PLACES) - ((m * r) >> PLACES))) >> PLACES
    return r, place


def inverse_root_of_mean(total: int, count: int) -> tuple[int, int]:
    """sqrt(count / total) = r 2^-PLACES 2^-half as (r, half), by two Newton iterations; total and count > 0."""
    inverse, count_place = reciprocal(count)
    m, place = mantissa(total)
    q, power = (m * inverse) >> PLACES, place - count_place
    if q < 1 << PLACES:
        q, power = q << 1, power - 1
    if power & 1:
        q, power = q << 1, power - 1
    seed = ROOT_SEEDS[q >> (PLACES + 1) != 0]
    r = seed[0] - ((seed[1] * q) >> PLACES)
    for _ in range(ITERATIONS):
        r = (r * ((3 << PLACES) - ((q * ((r * r) >> PLACES)) >> PLACES))) >> (PLACES + 1)
    return r, power // 2


def softmax(data: ArrayLike, form: SpecialFormat = DEFAULT_FORMAT) -> Integers:
    """Probabilities of a row (n,) of integers, unsigned with data_bits - 1 fraction bits.

    >>> softmax([0, 0]).tolist()
    [16384, 16384]
    """
    row = np.asarray(data, np.int64)
    if row.size == 0:
        raise InputError("special functions: the row is empty")
    exponentials = exponent(row.max() - row, form)
    drop = EXPONENT_FRACTION - STORED_FRACTION
    stored = (exponentials + (1 << (drop - 1))) >> drop
    inverse, place = reciprocal(int(exponentials.sum()))
    shift = place + 17 - form.data_bits
    return np.asarray((stored * inverse + (1 << (shift - 1))) >> shift, np.int64)


def rms_norm(data: ArrayLike, form: SpecialFormat = DEFAULT_FORMAT) -> Integers:
    """Norm of a row (n,) of integers, signed with norm_fraction fraction bits, saturated to data_bits.

    >>> rms_norm([256, -256]).tolist()
    [2048, -2048]
    """
    row = np.asarray(data, np.int64)
    if row.size == 0:
        raise InputError("special functions: the row is empty")
    total = int((row * row).sum()) + row.size * form.epsilon
    inverse, half = inverse_root_of_mean(total, row.size)
    shift = PLACES - form.norm_fraction + half
    result = (row * inverse + (1 << (shift - 1))) >> shift
    limit = 1 << (form.data_bits - 1)
    return np.asarray(np.clip(result, -limit, limit - 1), np.int64)
