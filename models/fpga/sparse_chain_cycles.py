"""Cycles of the sparse DSP chain: beats of a row from its block counts, the cascade's length from the guard bits.

A packed DSP multiplies one weight by two activations, a1 2^field + a0. The low product of a signed a-bit and w-bit
number is at most 2^(a+w-2), the low field holds up to 2^(field-1) - 1: so many signed products may be added before the
cascade must be cut (7 for 8 x 8 bits in 18). Source: FlightLLM (arXiv 2401.03868); the kernel sparse_dsp_chain is
checked against these cycles exactly.
"""

from __future__ import annotations

from math import ceil

from hwsim.cost import cost_function


def guard_limit(activation_bits: int, weight_bits: int, field: int = 18) -> int:
    """Signed products that a packed low field of ``field`` bits can add without overflow.

    >>> guard_limit(8, 8), guard_limit(8, 4)
    (7, 127)
    """
    return ((1 << (field - 1)) - 1) >> (activation_bits + weight_bits - 2)


def segment_length(chain: int, packed: bool, activation_bits: int, weight_bits: int, field: int = 18) -> int:
    """DSPs in one cascade: the whole chain, or the guard limit in packed mode where that is shorter."""
    return min(chain, guard_limit(activation_bits, weight_bits, field)) if packed else chain


@cost_function
def sparse_row_beats(blocks_8: float, blocks_4: float, blocks_2: float, chain: float) -> float:
    """Beats of one row with so many blocks keeping 8, 4 and 2 weights, on a chain of that many DSPs; at least one."""
    beats = ceil(8.0 * blocks_8 / chain) + ceil(4.0 * blocks_4 / chain) + ceil(2.0 * blocks_2 / chain)
    return max(beats, 1.0)


@cost_function
def sparse_chain_cycles(beats: float, segment: float) -> float:
    """Cycles from the first accepted beat to the last result, both counted, of ``beats`` beats without stalls."""
    return beats + segment + 2.0
