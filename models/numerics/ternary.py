"""Ternary weights {-1, 0, 1}: packing at 2 and 1.6 bits, the dead-zone bias, and the dot product bit for bit.

Packing at 2 bits stores each digit in two's complement (01 = +1, 11 = -1, 00 = 0; the unused 10 reads as 0). Packing
at 1.6 bits stores five digits a byte: with v the base-3 number of the digits + 1, the byte is ceil(256 v / 243), so
that each digit is the carry of 3 x remainder and no division is needed to read it (the idea of ggml's TQ1_0).

Tequila (arXiv 2509.23809) turns the weights that were rounded to zero into a bias, known before any input is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.errors import InputError
from hwsim.models.numerics.integers import wrap

DIGITS_PER_BYTE = {4: "two bits a weight", 5: "1.6 bits a weight"}


def ternarise(weights: ArrayLike, threshold: float) -> NDArray[np.int64]:
    """Round weights to {-1, 0, 1}: zero inside the dead zone ``|w| <= threshold``, the sign outside."""
    values = np.asarray(weights, dtype=np.float64)
    return np.where(np.abs(values) > threshold, np.sign(values), 0).astype(np.int64)


def dead_zone_bias(weights: ArrayLike, threshold: float, factor: float) -> NDArray[np.float64]:
    """Bias of a (rows, k) weight matrix: ``factor`` times the row sums of the weights inside the dead zone (Tequila).

    Shape (rows,); in the weights' own unit, to be scaled and rounded to the accumulator's unit by the caller.
    """
    values = np.asarray(weights, dtype=np.float64)
    inside: NDArray[np.float64] = np.where(np.abs(values) <= threshold, values, 0.0)
    bias: NDArray[np.float64] = factor * inside.sum(axis=-1)
    return bias


def packed_bits(lanes: int, trits_per_byte: int) -> int:
    """Bits that ``lanes`` packed weights take: 2 each, or 8 for each five begun.

    >>> packed_bits(16, 4), packed_bits(16, 5)
    (32, 32)
    """
    if trits_per_byte not in DIGITS_PER_BYTE:
        raise InputError(f"ternary packing: trits_per_byte(={trits_per_byte!r}) must be 4 or 5")
    return 2 * lanes if trits_per_byte == 4 else 8 * -(-lanes // 5)


def pack(digits: ArrayLike, trits_per_byte: int) -> int:
    """Pack one beat of digits, first lane in the low bits, into one word of `packed_bits` bits."""
    lanes = [int(digit) for digit in np.asarray(digits).ravel()]
    if any(digit not in (-1, 0, 1) for digit in lanes):
        raise InputError(f"ternary packing: digits must be -1, 0 or 1, got {sorted(set(lanes))}")
    packed_bits(len(lanes), trits_per_byte)
    word = 0
    if trits_per_byte == 4:
        for lane, digit in enumerate(lanes):
            word |= (digit & 3) << (2 * lane)
        return word
    for index in range(0, len(lanes), 5):
        five = (lanes[index : index + 5] + [0] * 4)[:5]
        value = 0
        for digit in five:
            value = 3 * value + digit + 1
        word |= -(-256 * value // 243) << (8 * (index // 5))
    return word


def unpack(word: int, lanes: int, trits_per_byte: int) -> list[int]:
    """Read ``lanes`` digits out of a packed word; every word has a meaning.

    >>> unpack(pack([1, -1, 0, 0, 1, -1], 5), 6, 5)
    [1, -1, 0, 0, 1, -1]
    """
    packed_bits(lanes, trits_per_byte)
    digits = []
    if trits_per_byte == 4:
        for lane in range(lanes):
            code = (word >> (2 * lane)) & 3
            digits.append({0: 0, 1: 1, 2: 0, 3: -1}[code])
        return digits
    for lane in range(lanes):
        byte = (word >> (8 * (lane // 5))) & 255
        digits.append((3 * (byte * 3 ** (lane % 5) % 256) >> 8) - 1)
    return digits


def ternary_dot(activations: ArrayLike, digits: ArrayLike, bias: int = 0, accumulator_bits: int = 32) -> int:
    """Result of the kernel: bias + sum of digit x activation, wrapped to a signed ``accumulator_bits`` number."""
    products = np.asarray(activations, dtype=object) * np.asarray(digits, dtype=object)
    return wrap(int(bias) + int(sum(products.ravel())), accumulator_bits)
