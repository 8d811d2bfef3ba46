"""Points that no other point beats in every objective."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.explore.lowering import Floats, Integers


def pareto_front(values: Floats) -> Integers:
    """Indices of the points that no other dominates, all objectives to be small; ordered by the first objective.

    Of points that are equal in every objective the first is kept.

    Parameters
    ----------
    values : (points, objectives), finite

    >>> pareto_front(np.array([[1.0, 4.0], [2.0, 2.0], [3.0, 3.0], [1.0, 4.0]]))
    array([0, 1])
    """
    if not len(values):
        return np.empty(0, dtype=np.int64)
    order = np.lexsort(values.T[::-1])  # the first objective leads; a point can only be dominated by an earlier one
    if values.shape[1] == 1:
        return order[:1]
    if values.shape[1] == 2:
        return _staircase(values, order)
    return _sieve(values, order)


def _staircase(values: Floats, order: NDArray[np.int64]) -> Integers:
    second = values[order, 1]
    best_before = np.concatenate(([np.inf], np.minimum.accumulate(second)[:-1]))
    return np.asarray(order[second < best_before], dtype=np.int64)


def _sieve(values: Floats, order: NDArray[np.int64]) -> Integers:
    """Keep the first of what is left and drop all that it dominates, until nothing is left."""
    kept = []
    while len(order):
        first = order[0]
        kept.append(first)
        order = order[np.any(values[order] < values[first], axis=1)]
    return np.array(kept, dtype=np.int64)
