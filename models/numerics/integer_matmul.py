"""Signed integer matrix products with a wrapping accumulator: the golden model of the integer arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.errors import InputError

Integers = NDArray[np.int64]


def wrap(values: Integers, bits: int) -> Integers:
    """Two's complement of ``bits`` bits.

    >>> int(wrap(np.array(2**31), 32))
    -2147483648
    """
    if bits >= 64:
        return values
    half = 1 << (bits - 1)
    return ((values + half) & ((1 << bits) - 1)) - half


def integer_matmul(a: Any, b: Any, *, operand_bits: int = 8, accumulator_bits: int = 32) -> Integers:
    """Product of (m, k) and (k, n) signed integers, summed in ``accumulator_bits`` bits that wrap around.

    Raises
    ------
    InputError : shapes that do not match, a value that is not whole or outside the operand's range
    """
    left, right = _integers("a", a), _integers("b", b)
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[0]:
        raise InputError(f"integer_matmul: shapes {left.shape} and {right.shape} must be (m, k) and (k, n)")
    half = 1 << (operand_bits - 1)
    for name, values in (("a", left), ("b", right)):
        if values.size and (values.min() < -half or values.max() >= half):
            raise InputError(f"integer_matmul: {name} holds values outside {-half}..{half - 1}")
    return wrap(left @ right, accumulator_bits)


def _integers(name: str, values: Any) -> Integers:
    given = np.asarray(values)
    whole = given.astype(np.int64)
    if not np.array_equal(given, whole):
        raise InputError(f"integer_matmul: {name} holds values that are not whole numbers")
    return whole


def packed(values: Iterable[int], bits: int) -> int:
    """One beat: value i in bits ``i*bits`` and up, two's complement.

    >>> hex(packed([1, -1], 8))
    '0xff01'
    """
    mask = (1 << bits) - 1
    return sum((int(value) & mask) << (index * bits) for index, value in enumerate(values))


def unpacked(beat: int, bits: int, count: int) -> Sequence[int]:
    """Signed values of a beat; the inverse of `packed`.

    >>> unpacked(0xff01, 8, 2)
    [1, -1]
    """
    half, mask = 1 << (bits - 1), (1 << bits) - 1
    return [(((beat >> (index * bits)) & mask) ^ half) - half for index in range(count)]
