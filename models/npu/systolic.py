"""Cycles of a matrix product on a systolic array of R x C multipliers: three dataflows, three named counts.

An (m, k) by (k, n) product is cut into tiles that the array holds. ``T`` is the number of tiles and ``L`` the beats
that one tile streams:

- output-stationary: T = ceil(m/R) ceil(n/C), L = k
- weight-stationary: T = ceil(k/R) ceil(n/C), L = m
- input-stationary:  T = ceil(k/R) ceil(m/C), L = n

The counts differ in what they call the end of a tile:

- ``scale_sim``: SCALE-Sim 3.0's, tiles one after the other: T (L + S) - 1 with S = R + C - 2 (output-stationary) or
  2 R + C - 2 (the other two, which load R rows first).
- ``rtl_single_tile``: first accepted beat to last result of the kernels, tiles one after the other:
  T (L + 2 R + C - 2). Output-stationary counts R more a tile than SCALE-Sim, the results shifted out through the rows;
  weight-stationary the same. Over the layer SCALE-Sim counts one less.
- ``rtl_stream``: the next tile enters while the last one drains (output-stationary) or while its weights are
  double-buffered (weight-stationary): (T - 1) max(L, R) + L + 2 R + C - 2.

So ``rtl_single_tile - scale_sim = 1 + R T`` (output-stationary) or 1, and
``rtl_single_tile - rtl_stream = (T - 1) (L + 2 R + C - 2 - max(L, R))``.

Sources: SCALE-Sim (Samajdar et al., ISPASS 2020, doi 10.1109/ISPASS48437.2020.00016; package scalesim 3.0.0).
Input-stationary is checked against SCALE-Sim only.
"""

from __future__ import annotations

from math import ceil

from hwsim.cost import cost_function
from hwsim.errors import InputError, did_you_mean

DATAFLOW_CODES = {"output_stationary": 0.0, "weight_stationary": 1.0, "input_stationary": 2.0}
COUNT_CODES = {"scale_sim": 0.0, "rtl_single_tile": 1.0, "rtl_stream": 2.0}


@cost_function
def tile_count(dataflow: float, m: float, n: float, k: float, rows: float, columns: float) -> float:
    """Tiles that an array of (rows, columns) cuts the product into."""
    if dataflow == 0.0:
        return ceil(m / rows) * ceil(n / columns)
    if dataflow == 1.0:
        return ceil(k / rows) * ceil(n / columns)
    return ceil(k / rows) * ceil(m / columns)


@cost_function
def streamed_beats(dataflow: float, m: float, n: float, k: float) -> float:
    """Beats that one tile streams through the array."""
    if dataflow == 0.0:
        return k
    return m if dataflow == 1.0 else n


@cost_function
def tiled_cycles(dataflow: float, count: float, tiles: float, beats: float, rows: float, columns: float) -> float:
    """Cycles of ``tiles`` tiles of ``beats`` beats on one array; codes as in `DATAFLOW_CODES` and `COUNT_CODES`."""
    alone = beats + 2.0 * rows + columns - 2.0
    if count == 0.0:
        loaded = 0.0 if dataflow == 0.0 else rows
        return tiles * (beats + loaded + rows + columns - 2.0) - 1.0
    if count == 1.0:
        return tiles * alone
    return (tiles - 1.0) * max(beats, rows) + alone


@cost_function
def array_cycles(dataflow: float, count: float, m: float, n: float, k: float, rows: float, columns: float) -> float:
    """Cycles of the product on one array; codes as in `DATAFLOW_CODES` and `COUNT_CODES`."""
    tiles = tile_count(dataflow, m, n, k, rows, columns)
    return tiled_cycles(dataflow, count, tiles, streamed_beats(dataflow, m, n, k), rows, columns)


def cycles(dataflow: str, count: str, *, m: int, n: int, k: int, rows: int, columns: int) -> int:
    """Cycles of an (m, k) by (k, n) product on one array of ``rows`` x ``columns`` multipliers.

    Parameters
    ----------
    dataflow : output_stationary, weight_stationary or input_stationary
    count : scale_sim, rtl_single_tile or rtl_stream

    Raises
    ------
    InputError : an unknown dataflow or count, or a size that is not a whole number above 0

    >>> cycles("output_stationary", "scale_sim", m=512, n=512, k=512, rows=32, columns=32)
    146943
    >>> cycles("weight_stationary", "scale_sim", m=512, n=512, k=512, rows=32, columns=32)
    155135
    """
    for what, name, known in (("dataflow", dataflow, DATAFLOW_CODES), ("count", count, COUNT_CODES)):
        if name not in known:
            raise InputError(f"{what} '{name}' does not exist{did_you_mean(name, known)}; allowed: {', '.join(known)}")
    for what, size in (("m", m), ("n", n), ("k", k), ("rows", rows), ("columns", columns)):
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise InputError(f"systolic array: {what}(={size!r}) must be a whole number >= 1")
    return round(array_cycles(DATAFLOW_CODES[dataflow], COUNT_CODES[count], m, n, k, rows, columns))
