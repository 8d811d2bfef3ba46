"""Two's complement words: wrap, encode, decode and concatenate, on Python integers of any width."""

from __future__ import annotations

from collections.abc import Iterable


def mask(value: int, bits: int) -> int:
    """The low ``bits`` bits of a number, as an unsigned word.

    >>> mask(-1, 8)
    255
    """
    return int(value) & ((1 << bits) - 1)


def wrap(value: int, bits: int) -> int:
    """The signed number that a ``bits`` wide register holds after a value was stored in it.

    >>> wrap(128, 8), wrap(-129, 8)
    (-128, 127)
    """
    word = mask(value, bits)
    return word - (1 << bits) if word >> (bits - 1) else word


def concatenate(fields: Iterable[tuple[int, int]]) -> int:
    """Join (value, bits) fields into one word, the first field in the low bits.

    >>> hex(concatenate([(-1, 8), (2, 4)]))
    '0x2ff'
    """
    word = 0
    offset = 0
    for value, bits in fields:
        word |= mask(value, bits) << offset
        offset += bits
    return word


def split(word: int, bits: int, count: int) -> list[int]:
    """Cut a word into ``count`` unsigned fields of ``bits`` bits, low bits first."""
    return [(word >> (bits * index)) & ((1 << bits) - 1) for index in range(count)]
