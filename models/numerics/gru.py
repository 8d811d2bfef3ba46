"""Gated recurrent unit in fixed point, bit for bit as rtl/gru_cell computes it.

    z = hard_sigmoid(Wz x + bz + Uz h + dz)      r likewise
    c = hard_tanh(Wc x + bc + r (Uc h + dc))     h' = z h + (1 - z) c

Products are summed exactly; a sum is truncated towards minus infinity to the data's fraction and saturated.
hard_sigmoid(x) = clip(slope x + 1/2, 0, 1), hard_tanh(x) = 2 hard_sigmoid(x) - 1: the definitions and the slope 0.2 of
hls4ml, with which LFADS was put on an FPGA (arXiv 2402.04274), as are 16-bit data with 6 integer bits and 16-bit
weights with 2. The reset gate multiplies the state product (the form of cuDNN and of Keras' ``reset_after``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.errors import InputError

Integers = NDArray[np.int64]


class GruFormat(NamedTuple):
    """Fixed-point formats: bits and fraction bits of data and weights, and the hard sigmoid's slope times 65536."""

    data_bits: int = 16
    data_fraction: int = 10
    weight_bits: int = 16
    weight_fraction: int = 14
    slope: int = 13107


DEFAULT_FORMAT = GruFormat()


class GruWeights(NamedTuple):
    """Integers, gates in the order update, reset, candidate.

    input: (3, hidden, inputs), input_bias: (3, hidden), state: (3, hidden, hidden), state_bias: (3, hidden).
    """

    input: Integers
    input_bias: Integers
    state: Integers
    state_bias: Integers


def to_fixed(values: ArrayLike, bits: int, fraction: int) -> Integers:
    """Round real values to the nearest integers of ``bits`` with ``fraction`` fraction bits, saturated.

    >>> to_fixed([0.5, -40.0], 16, 10).tolist()
    [512, -32768]
    """
    scaled = np.rint(np.ldexp(np.asarray(values, np.float64), fraction))
    return np.asarray(np.clip(scaled, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1), np.int64)


def saturate(values: Integers, bits: int) -> Integers:
    """Clip integers to the range of ``bits`` signed bits."""
    return np.clip(values, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def hard_sigmoid(data: Integers, form: GruFormat = DEFAULT_FORMAT) -> Integers:
    """clip(slope x + 1/2, 0, 1) with the data's fraction, truncated.

    >>> hard_sigmoid(np.array([0, 1024, -4096])).tolist()
    [512, 716, 0]
    """
    line = (data * form.slope + (1 << (form.data_fraction + 15))) >> 16
    return np.asarray(np.clip(line, 0, 1 << form.data_fraction), np.int64)


def step(data: ArrayLike, state: ArrayLike, weights: GruWeights, form: GruFormat = DEFAULT_FORMAT) -> Integers:
    """One step: x (inputs,) and h (rows,) as integers to the new h (rows,).

    Rows past the state matrix's width (the padding of the last group) are computed but feed nothing back.
    """
    fraction, drop, bits = form.data_fraction, form.weight_fraction, form.data_bits
    x, h = np.asarray(data, np.int64), np.asarray(state, np.int64)
    from_input = weights.input @ x + (weights.input_bias << fraction)
    from_state = weights.state @ h[: weights.state.shape[2]] + (weights.state_bias << fraction)
    update, reset = hard_sigmoid(saturate((from_input[:2] + from_state[:2]) >> drop, bits), form)
    gated = reset * saturate(from_state[2] >> drop, bits) + (saturate(from_input[2] >> drop, bits) << fraction)
    candidate = 2 * hard_sigmoid(saturate(gated >> fraction, bits), form) - (1 << fraction)
    return saturate((update * (h - candidate) + (candidate << fraction)) >> fraction, bits)


def sequence(data: ArrayLike, weights: GruWeights, form: GruFormat = DEFAULT_FORMAT) -> Integers:
    """States (steps, hidden) of a sequence (steps, inputs) that starts from a zero state.

    Raises
    ------
    InputError : the input width does not fit the weights
    """
    rows = np.asarray(data, np.int64)
    hidden, inputs = weights.input.shape[1:]  # hidden with its padding, if any
    if rows.ndim != 2 or rows.shape[1] != inputs:
        raise InputError(f"gru: data has shape {rows.shape}, the weights want (steps, {inputs})")
    state = np.zeros(hidden, np.int64)
    states = []
    for row in rows:
        state = step(row, state, weights, form)
        states.append(state)
    return np.array(states, np.int64).reshape(len(rows), hidden)


def packed_weights(weights: GruWeights, reuse: int) -> Integers:
    """Words in the order rtl/gru_cell loads them: group, gate, unit of the group: b, W row, d, U row; then zeros.

    >>> weights = GruWeights(*(np.ones(s, np.int64) for s in ((3, 3, 2), (3, 3), (3, 3, 3), (3, 3))))
    >>> len(packed_weights(weights, 2))
    84
    """
    hidden = weights.input.shape[1]
    units = -(-hidden // reuse)
    rows = np.concatenate(
        [weights.input_bias[..., None], weights.input, weights.state_bias[..., None], weights.state], axis=2
    )
    padded = np.zeros((3, units * reuse, rows.shape[2]), np.int64)
    padded[:, :hidden] = rows
    return padded.reshape(3, reuse, units, -1).transpose(1, 0, 2, 3).reshape(-1)


def unpacked_weights(words: ArrayLike, inputs: int, hidden: int, reuse: int) -> GruWeights:
    """Weights, padding rows included, from the words of `packed_weights`; missing words are zeros."""
    units = -(-hidden // reuse)
    width = inputs + hidden + 2
    flat = np.zeros(3 * units * reuse * width, np.int64)
    given = np.asarray(words, np.int64)[: len(flat)]
    flat[: len(given)] = given
    rows = flat.reshape(reuse, 3, units, width).transpose(1, 0, 2, 3).reshape(3, units * reuse, width)
    return GruWeights(rows[..., 1 : inputs + 1], rows[..., 0], rows[..., inputs + 2 :], rows[..., inputs + 1])
