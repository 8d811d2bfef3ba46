"""N:M sparse dot products, 0, 2, 4 or 8 kept of a block, and two products in one DSP multiplier (FlightLLM).

A row of k weights is cut into blocks of M. Each block keeps 0, 2, 4 or 8 weights, with their index in the block. The
packer sorts the blocks of a row by density and fills beats of ``chain`` products: 8 kept weights take 8 multipliers,
so a beat holds chain / 8, chain / 4 or chain / 2 blocks of one density. Blocks that keep nothing take no beat.

Two activations share a multiplier as ``a1 2^field + a0``. The product's low field is signed and grows into its guard
bits: `guard_limit` additions fit. Source: FlightLLM, arXiv 2401.03868.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.errors import InputError
from hwsim.models.fpga.sparse_chain_cycles import guard_limit
from hwsim.models.numerics.integers import concatenate, wrap

DENSITIES = (0, 2, 4, 8)


class SparseBeat(NamedTuple):
    """One beat: the density, and for each of the chain's products the weight and its index; then the blocks fed."""

    density: int
    weights: tuple[int, ...]
    indices: tuple[int, ...]
    blocks: tuple[int, ...]


def prune(weights: ArrayLike, densities: ArrayLike, block: int = 16) -> NDArray[np.int64]:
    """Keep the ``densities[b]`` largest magnitudes of each block of a row, shape (k,); the rest becomes zero."""
    row = np.array(weights, dtype=np.int64)
    if row.size % block:
        raise InputError(f"sparse row: {row.size} weights are not a multiple of the block of {block}")
    blocks = row.reshape(-1, block)
    for values, density in zip(blocks, np.asarray(densities).tolist(), strict=True):
        if density not in DENSITIES:
            raise InputError(f"sparse row: density(={density!r}) must be 0, 2, 4 or 8 of {block}")
        order = np.argsort(-np.abs(values), kind="stable")
        values[order[density:]] = 0
    return row


def compress(row: ArrayLike, chain: int, block: int = 16) -> list[SparseBeat]:
    """Beats of one row, shape (k,): blocks of density 8 first, then 4, then 2; one empty beat for an empty row.

    Raises
    ------
    InputError : a block keeps more than 8 weights
    """
    blocks = np.asarray(row, dtype=np.int64).reshape(-1, block)
    classes: dict[int, list[int]] = {8: [], 4: [], 2: []}
    for index, values in enumerate(blocks):
        kept = int(np.count_nonzero(values))
        if kept > 8:
            raise InputError(f"sparse row: block {index} keeps {kept} weights, at most 8 of {block} are allowed")
        if kept:
            classes[2 if kept <= 2 else 4 if kept <= 4 else 8].append(index)
    beats = []
    for density, members in classes.items():
        held = chain // density
        for start in range(0, len(members), held):
            beats.append(_beat(blocks, tuple(members[start : start + held]), density, chain))
    return beats or [SparseBeat(0, (0,) * chain, (0,) * chain, ())]


def _beat(blocks: NDArray[np.int64], members: tuple[int, ...], density: int, chain: int) -> SparseBeat:
    weights = [0] * chain
    indices = [0] * chain
    for place, member in enumerate(members):
        for offset, index in enumerate(np.flatnonzero(blocks[member]).tolist()):
            weights[place * density + offset] = int(blocks[member][index])
            indices[place * density + offset] = index
    return SparseBeat(density, tuple(weights), tuple(indices), members)


def beat_dot(beat: SparseBeat, fed: ArrayLike) -> int:
    """Sum of products of one beat; ``fed`` holds the blocks of one token's activations, shape (chain / 2, block)."""
    if beat.density == 0:
        return 0
    activations = np.asarray(fed)
    return sum(
        weight * int(activations[place // beat.density][index])
        for place, (weight, index) in enumerate(zip(beat.weights, beat.indices, strict=True))
        if weight
    )


def sparse_dot(activations: ArrayLike, row: ArrayLike, accumulator_bits: int = 32) -> int:
    """Result of the kernel for one token: sum of weight x activation over the row, wrapped."""
    products = np.asarray(activations, dtype=object).ravel() * np.asarray(row, dtype=object).ravel()
    return wrap(int(sum(products)), accumulator_bits)


def packed_dot(
    pairs: ArrayLike, weights: ArrayLike, activation_bits: int = 8, weight_bits: int = 8, field: int = 18
) -> tuple[int, int]:
    """Dot products of two tokens through packed multipliers, segment by segment, as the DSP cascade computes them.

    ``pairs`` has shape (k, 2), ``weights`` (k,). Equal to the two plain dot products as long as no segment is longer
    than `guard_limit`, which this function sees to.

    >>> packed_dot([[-128, -128]] * 9, [-128] * 9)
    (147456, 147456)
    """
    limit = guard_limit(activation_bits, weight_bits, field)
    operands = [(int(first), int(second)) for first, second in np.asarray(pairs)]
    factors = [int(weight) for weight in np.asarray(weights)]
    low = high = 0
    for start in range(0, len(factors), limit):
        segment = range(start, min(start + limit, len(factors)))
        total = sum(((operands[i][1] << field) + operands[i][0]) * factors[i] for i in segment)
        part = wrap(total, field)
        low += part
        high += (total - part) >> field
    return low, high


def beat_word(
    beat: SparseBeat,
    last: bool,
    tokens: ArrayLike,
    *,
    chain: int,
    block: int,
    activation_bits: int,
    weight_bits: int,
) -> int:
    """Input word {last, density, indices, weights, activations}; ``tokens`` has shape (tokens, chain / 2, block)."""
    index_bits = block.bit_length() - 1
    fields = [(int(value), activation_bits) for value in np.asarray(tokens).ravel()]
    fields += [(weight, weight_bits) for weight in beat.weights]
    fields += [(index, index_bits) for index in beat.indices]
    fields += [(DENSITIES.index(beat.density), 2), (int(last), 1)]
    return concatenate(fields)
