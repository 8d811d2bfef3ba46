"""Which block-scaled product of a collection was the first to need its kernel, so that the board stood idle before it.

DeepGEMM compiles a kernel when a product first needs it. A kernel belongs to n, k, its tile, its cluster and its
pipeline; the library chooses these by a model of the cycles that the traffic through L2 and shared memory takes, of all
tiles that fit: the rule of its ``csrc/jit_kernels/heuristics/sm90.hpp`` (MIT; github.com/deepseek-ai/DeepGEMM), told
anew here for fp8 operands, block scales and bf16 results. vLLM hands products of fewer than 32 rows to another library,
whose kernels belong to n, k and the width of the tile along m.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hwsim.validation.targets import Floats, Integers

FEW_ROWS = 32  # from here on the products are DeepGEMM's
PADDED_ROWS = 3  # so many and fewer have kernels of their own: seen in rows not held out, the reason is not known
SMS = 132
TILE_ROWS, TILE_COLUMNS = (64, 128, 16, 32, 256), range(16, 193, 16)
CLUSTERS = ((1, 1), (1, 2), (2, 1))  # SMs along m and n that share loads
DEPTH_BYTES = 128  # of k in a step, which a block of scales spans
SHARED_BYTES, MOST_STAGES, FEWEST_STAGES = 232448, 16, 3
LARGE_TILE = 128 * 192  # smaller ones need a stage more
L2_BYTES, SHARED_RATE = min(64 * SMS, int(8e6 / 1.3e3)), 128 * SMS  # bytes a cycle of all SMs
SWAPPED_ROWS, SWAPPED_COLUMNS = 64, range(16, 129, 8)  # of few rows: the tile along n, and along m


def compiled(m: Integers, n: Integers, k: Integers) -> NDArray[np.bool_]:
    """Tell for products in the order in which they ran whether each was the first to need its kernel.

    >>> compiled(np.array([256, 256, 225]), np.array([512, 512, 512]), np.array([1024, 1024, 1024])).tolist()
    [True, False, False]
    """
    many = m >= FEW_ROWS
    few = np.where(m > PADDED_ROWS, -_swapped(m, n), m - 1000)
    kernel = np.where(many, _kernel(m, n, k), few)
    keys = np.stack([n, k, kernel], axis=1)
    first = np.zeros(len(m), dtype=bool)
    first[np.unique(keys, axis=0, return_index=True)[1]] = True
    return first


def _candidates() -> Iterator[tuple[int, int, int, int]]:
    for along_m, along_n in CLUSTERS:
        for rows in TILE_ROWS:
            for columns in TILE_COLUMNS:
                over = columns - DEPTH_BYTES
                unrolls = over <= 0 or columns % over == 0 or DEPTH_BYTES % over == 0
                if unrolls and min(rows, columns) <= 128:
                    yield along_m, along_n, rows, columns


def _kernel(m: Integers, n: Integers, k: Integers) -> Integers:
    """A number for the tile, cluster and pipeline that DeepGEMM chooses for each product."""
    best = np.full(len(m), np.inf)
    found = np.zeros(len(m), dtype=np.int64)
    for number, (along_m, along_n, rows, columns) in enumerate(_candidates()):
        stages = _stages(k, rows, columns)
        fits = stages >= (FEWEST_STAGES if rows * columns >= LARGE_TILE else FEWEST_STAGES + 1)
        if rows < 64:  # small tiles are for few rows
            fits &= m <= rows
        tiles = -(-m // rows) * -(-n // columns)
        rounds = -(-tiles // SMS)
        if along_m * along_n > 1:
            fits &= rounds > 1
        cycles = _cycles(k, rows, columns, along_m, along_n, tiles) * (rounds * SMS / tiles)
        better = fits & (np.floor(cycles) < best)
        best[better] = np.floor(cycles)[better]
        found[better] = (number * (MOST_STAGES + 1) + stages)[better]
    return found


def _stages(k: Integers, rows: int, columns: int) -> Integers:
    """Steps of k that fit into shared memory beside the tile of results, barriers and the scales of the weights."""
    scales = -(-k // DEPTH_BYTES) * 4 * (1 if DEPTH_BYTES % columns == 0 else 2)
    beside = -(-rows * columns * 2 // 1024) * 1024 + 16 * MOST_STAGES + -(-scales // 8) * 8
    step = (rows + columns) * DEPTH_BYTES + -(-rows * 4 // 128) * 128
    return np.minimum((SHARED_BYTES - beside) // step, MOST_STAGES)


def _cycles(k: Integers, rows: int, columns: int, along_m: int, along_n: int, tiles: Integers) -> Floats:
    """Cycles of the slower of L2 and shared memory, with all SMs at work."""
    results = 2 * rows * columns
    from_l2 = k * (rows // along_n + columns // along_m) + results
    shared = k * (rows + columns) + k * (max(64, rows) + columns) + 2 * results
    slower: Floats = np.maximum(shared * tiles // SHARED_RATE, from_l2 * tiles // L2_BYTES).astype(np.float64)
    return slower


def _swapped(m: Integers, n: Integers) -> Integers:
    """Width along m of the tile that takes the fewest rounds, then fills the last one best, then is narrowest."""
    found, best_rounds, best_last = (np.full(len(m), value) for value in (0, np.iinfo(np.int64).max, 0))
    for columns in SWAPPED_COLUMNS:
        tiles = -(-n // SWAPPED_ROWS) * -(-m // columns)
        rounds, last = -(-tiles // SMS), (tiles - 1) % SMS + 1
        better = (rounds < best_rounds) | ((rounds == best_rounds) & (last > best_last))
        found, best_rounds, best_last = (
            np.where(better, new, old)
            for new, old in ((columns, found), (rounds, best_rounds), (last, best_last))
        )  # fmt: skip
    return found
