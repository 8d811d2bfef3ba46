"""Attention over product-quantised keys and values (MILLION, arXiv 2504.03661), on integers, bit for bit.

A head's dimensions are cut into sub-spaces; each holds 2^b centroids. A query meets the key centroids once, in a table;
a cached key's score is the sum of the table's entries at its codes. The attention weights are summed in one bin a value
centroid, and each bin meets its centroid once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.models.numerics.integers import concatenate, mask, wrap

QUERY, BUILD, SCORE, WEIGH, COMBINE = range(5)


class Widths(NamedTuple):
    """Shape and word widths of the kernel, as its parameters name them."""

    sub_spaces: int
    sub_dim: int
    code_bits: int
    value_width: int = 8
    weight_width: int = 8
    bin_width: int = 16
    sum_width: int = 40

    @property
    def payload_bits(self) -> int:
        """Bits of the payload: the query or the codes with a weight, whichever is wider."""
        codes = self.sub_spaces * self.code_bits + self.weight_width
        return max(self.sub_spaces * self.sub_dim * self.value_width, codes)


def quantise(vectors: ArrayLike, codebook: ArrayLike) -> NDArray[np.int64]:
    """Codes of (tokens, dimensions) vectors: the nearest centroid of each sub-space, the lowest where equal.

    ``codebook`` has shape (sub-spaces, centroids, sub-dimensions); the codes (tokens, sub-spaces).
    """
    book = np.asarray(codebook, dtype=np.int64)
    spaces, _, dimensions = book.shape
    pieces = np.asarray(vectors, dtype=np.int64).reshape(-1, spaces, 1, dimensions)
    distances = ((pieces - book[None]) ** 2).sum(axis=-1)
    codes: NDArray[np.int64] = distances.argmin(axis=-1)
    return codes


def score_table(query: ArrayLike, codebook: ArrayLike) -> NDArray[np.int64]:
    """Table (sub-spaces, centroids) of the query's products with the key centroids."""
    book = np.asarray(codebook, dtype=np.int64)
    table: NDArray[np.int64] = np.einsum("sd,scd->sc", np.asarray(query, dtype=np.int64).reshape(len(book), -1), book)
    return table


def scores(table: ArrayLike, codes: ArrayLike) -> NDArray[np.int64]:
    """Scores (tokens,) of cached keys: the sum of the table's entries at their codes."""
    entries = np.asarray(table)
    picked: NDArray[np.int64] = entries[np.arange(len(entries)), np.asarray(codes)].sum(axis=-1)
    return picked


def weighted_values(weights: ArrayLike, codes: ArrayLike, codebook: ArrayLike, bin_width: int) -> NDArray[np.int64]:
    """Result (sub-spaces, sub-dimensions): weights summed in bins, modulo 2^bin_width, each bin times its centroid."""
    book = np.asarray(codebook, dtype=np.int64)
    bins = np.zeros(book.shape[:2], dtype=np.int64)
    for weight, token in zip(np.asarray(weights).tolist(), np.asarray(codes), strict=True):
        bins[np.arange(len(book)), token] += weight
    result: NDArray[np.int64] = np.einsum("sc,scd->sd", bins % (1 << bin_width), book)
    return result


def operation_word(operation: int, payload: Sequence[tuple[int, int]], widths: Widths) -> int:
    """Input word {operation, payload}; the payload as (value, bits) fields, low bits first."""
    return concatenate([(concatenate(payload), widths.payload_bits), (operation, 3)])


def execute(operations: Sequence[int], widths: Widths) -> list[int]:
    """Output words of a stream of input words, as the kernel gives them after a reset.

    The table must have been built before a score is asked for; an entry that was never built reads as zero here and is
    undefined in the kernel.
    """
    spaces, dimensions, bits = widths.sub_spaces, widths.sub_dim, widths.code_bits
    centroids = spaces << bits
    query = [0] * (spaces * dimensions)
    table = [0] * centroids
    bins = [0] * centroids
    sums = [0] * dimensions
    built = combined = 0
    results: list[int] = []

    def vector(word: int, length: int) -> list[int]:
        return [wrap(word >> (widths.value_width * i), widths.value_width) for i in range(length)]

    for word in operations:
        operation, payload = word >> widths.payload_bits, mask(word, widths.payload_bits)
        codes = [(space << bits) + (payload >> (bits * space)) % (1 << bits) for space in range(spaces)]
        if operation == QUERY:
            query, built = vector(payload, spaces * dimensions), 0
        elif operation == BUILD:
            start = (built >> bits) * dimensions
            piece = query[start : start + dimensions]
            table[built] = sum(a * b for a, b in zip(piece, vector(payload, dimensions), strict=True))
            built = (built + 1) % centroids
        elif operation == SCORE:
            results.append(mask(sum(table[code] for code in codes), widths.sum_width))
        elif operation == WEIGH:
            weight = mask(payload >> (spaces * bits), widths.weight_width)
            for code in codes:
                bins[code] = mask(bins[code] + weight, widths.bin_width)
        elif operation == COMBINE:
            code = combined % (1 << bits)
            sums = [0] * dimensions if code == 0 else sums
            sums = [sums[i] + bins[combined] * value for i, value in enumerate(vector(payload, dimensions))]
            bins[combined] = 0
            combined = (combined + 1) % centroids
            if code == (1 << bits) - 1:
                results.append(concatenate([(total, widths.sum_width) for total in sums]))
    return results
