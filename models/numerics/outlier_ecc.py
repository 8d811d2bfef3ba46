"""Error protection of pages of INT8 values: majority copies of the outliers (Cambricon-LLM), SEC-DED for comparison.

Cambricon-LLM keeps, in the spare area of a page, the addresses of its largest values and two more copies of each; a
reader takes the bitwise majority of three. A value that is not protected but is larger than the page's threshold must
be an error and reads as zero. The address carries a Hamming code (one error corrected), the threshold nine copies.
With 16,384 values a page and 1 % protected: 163 x (14 + 5 + 2 x 8) + 9 x 8 bits = 722 bytes, the published figure
(arXiv 2409.15654; that the difference to the copies and addresses is the code and the nine thresholds is our reading).

`hamming_columns` and `secded_columns` are the one source of the matrices, for this module, the Verilog and the docs
(``python -m hwsim.rtl.ecc_columns`` writes the Verilog).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from hwsim.errors import InputError
from hwsim.models.numerics.integers import concatenate, mask, split, wrap

THRESHOLD_COPIES = 9


def check_bits(data_bits: int, detect_two: bool = False) -> int:
    """Check bits of a code over ``data_bits``: Hamming, or with double errors detected (odd-weight columns).

    >>> check_bits(14), check_bits(32, detect_two=True)
    (5, 7)
    """
    if data_bits < 1:
        raise InputError(f"error code: data_bits(={data_bits!r}) must be >= 1")
    bits = 2
    while (2 ** (bits - 1) if detect_two else 2**bits - 1) - bits < data_bits:
        bits += 1
    return bits


def hamming_columns(count: int) -> list[int]:
    """Syndromes of the first ``count`` data bits: the whole numbers that are no power of two.

    >>> hamming_columns(5)
    [3, 5, 6, 7, 9]
    """
    columns: list[int] = []
    value = 3
    while len(columns) < count:
        if value & (value - 1):
            columns.append(value)
        value += 1
    return columns


def secded_columns(data_bits: int) -> list[int]:
    """Syndromes of the data bits of a Hsiao code: odd weights, the lightest first, so that two errors sum to an even.

    >>> [bin(column).count("1") for column in secded_columns(11)].count(3)
    10
    """
    bits = check_bits(data_bits, detect_two=True)
    columns: list[int] = []
    for weight in range(3, bits + 1, 2):
        columns += sorted(sum(1 << place for place in places) for places in combinations(range(bits), weight))
    return columns[:data_bits]


def encode(data: int, columns: Sequence[int]) -> int:
    """Check bits of a data word: the exclusive or of the columns of its ones."""
    check = 0
    for place, column in enumerate(columns):
        if data >> place & 1:
            check ^= column
    return check


def hamming_correct(data: int, check: int, columns: Sequence[int]) -> int:
    """Data word with its one wrong bit turned back, if the syndrome names one."""
    syndrome = encode(data, columns) ^ check
    return data ^ (1 << columns.index(syndrome)) if syndrome in columns else data


def secded_decode(data: int, check: int, columns: Sequence[int]) -> tuple[int, int, int]:
    """Data word, ``corrected`` (one error, in data or check) and ``failed`` (more, detected; the data as it came)."""
    syndrome = encode(data, columns) ^ check
    if syndrome == 0:
        return data, 0, 0
    if syndrome in columns:
        return data ^ (1 << columns.index(syndrome)), 1, 0
    if syndrome & (syndrome - 1) == 0:
        return data, 1, 0
    return data, 0, 1


def majority(words: Sequence[int]) -> int:
    """Bitwise majority of an odd number of words.

    >>> bin(majority([0b1100, 0b1010, 0b1001]))
    '0b1000'
    """
    width = max(words).bit_length()
    return sum(1 << place for place in range(width) if 2 * sum(word >> place & 1 for word in words) > len(words))


def protect(values: ArrayLike, protected: int, bits: int = 8) -> tuple[int, list[int]]:
    """Spare area of a page: the threshold word (nine copies) and the ``protected`` entries, in order of address.

    The threshold is the largest magnitude that is not protected. An entry is {copy, copy, check bits, address}.
    """
    page = [int(value) for value in np.asarray(values).ravel()]
    if not 0 <= protected < len(page):
        raise InputError(f"page: protected(={protected!r}) must be 0 to {len(page) - 1} of {len(page)} values")
    order = sorted(range(len(page)), key=lambda address: (-abs(page[address]), address))
    threshold = mask(abs(page[order[protected]]), bits)
    address_bits = max((len(page) - 1).bit_length(), 1)
    columns = hamming_columns(address_bits)
    entries = [
        concatenate(
            [
                (address, address_bits),
                (encode(address, columns), check_bits(address_bits)),
                (page[address], bits),
                (page[address], bits),
            ]
        )
        for address in sorted(order[:protected])
    ]
    return concatenate([(threshold, bits)] * THRESHOLD_COPIES), entries


def entry_bits(values: int, bits: int = 8) -> int:
    """Bits of one entry of a page of ``values`` values: two copies, check bits and address.

    >>> entry_bits(16384)
    35
    """
    address_bits = max((values - 1).bit_length(), 1)
    return address_bits + check_bits(address_bits) + 2 * bits


def entry_address(entry: int, values: int) -> int:
    """Address that an entry names, its one wrong bit corrected."""
    address_bits = max((values - 1).bit_length(), 1)
    check = mask(entry >> address_bits, check_bits(address_bits))
    return hamming_correct(mask(entry, address_bits), check, hamming_columns(address_bits))


def correct_page(
    values: ArrayLike, threshold_word: int, entries: Sequence[int], *, lanes: int = 1, bits: int = 8
) -> list[int]:
    """Page as the in-flash unit reads it, signed values; ``lanes`` values a beat.

    Entries are taken in order: one behind the beat being read is dropped, one ahead waits and holds those after it.
    """
    page = [int(value) for value in np.asarray(values).ravel()]
    threshold = majority(split(threshold_word, bits, THRESHOLD_COPIES))
    queue = list(entries)
    corrected: list[int] = []
    for start in range(0, len(page), lanes):
        patches: dict[int, tuple[int, int]] = {}
        while queue and (address := entry_address(queue[0], len(page))) < start + lanes:
            copies = split(queue.pop(0) >> (entry_bits(len(page), bits) - 2 * bits), bits, 2)
            if address >= start:
                patches[address] = (copies[0], copies[1])
        for address in range(start, start + lanes):
            value = page[address]
            if address in patches:
                corrected.append(wrap(majority([mask(value, bits), *patches[address]]), bits))
            else:
                corrected.append(0 if abs(value) > threshold else value)
    return corrected


def spare_bytes(values: int, protected: int, bits: int = 8) -> float:
    """Bytes of the spare area that the protection takes.

    >>> round(spare_bytes(16384, 163))
    722
    """
    return (protected * entry_bits(values, bits) + THRESHOLD_COPIES * bits) / 8
