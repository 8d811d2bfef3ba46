"""Zero-free power-of-two weights (DenseShift, ICCV 2023): (-1)^sign 2^exponent in 2, 3 or 4 bits.

A code of b bits is {sign, exponent}: 2 bits hold +-1 and +-2, 3 bits +-1 to +-8, 4 bits +-1 to +-128. There is no
zero: a dot product shorter than the lanes is filled with zero activations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.errors import InputError
from hwsim.models.numerics.integers import wrap


def _largest_exponent(bits: int) -> int:
    if bits not in (2, 3, 4):
        raise InputError(f"shift weights: bits(={bits!r}) must be 2, 3 or 4")
    return int(2 ** (bits - 1) - 1)


def shift_weight(code: int, bits: int) -> int:
    """The weight that a code stands for.

    >>> [shift_weight(code, 2) for code in range(4)]
    [1, 2, -1, -2]
    """
    largest = _largest_exponent(bits)
    exponent = code & largest
    return -(1 << exponent) if code >> (bits - 1) & 1 else 1 << exponent


def shift_quantise(weights: ArrayLike, scale: float, bits: int) -> NDArray[np.int64]:
    """Codes of the powers of two nearest to ``weights / scale`` on the logarithmic axis, clipped to the range."""
    largest = _largest_exponent(bits)
    values = np.asarray(weights, dtype=np.float64) / scale
    exponents = np.clip(np.rint(np.log2(np.maximum(np.abs(values), 2.0**-60))), 0, largest)
    return (exponents + np.where(values < 0, 1 << (bits - 1), 0)).astype(np.int64)


def shift_dot(activations: ArrayLike, codes: ArrayLike, bits: int, accumulator_bits: int = 32) -> int:
    """Result of the kernel: sum of (-1)^sign 2^exponent x activation, wrapped to signed ``accumulator_bits``."""
    pairs = zip(np.asarray(activations).ravel(), np.asarray(codes).ravel(), strict=True)
    return wrap(sum(int(value) * shift_weight(int(code), bits) for value, code in pairs), accumulator_bits)
