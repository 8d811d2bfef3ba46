"""How unevenly neurons fire, what a cache of them misses, and how misses spread over tokens.

Neurons of one layer (of one expert) fire with rates spread as Beta(SKEW, b) of a given mean: one distribution for the
cache of PowerInfer-2 and for the window of LLM in a flash.
"""

from __future__ import annotations

from functools import cache
from math import exp, expm1, fsum, lgamma, log1p
from typing import NamedTuple

SKEW = 0.30  # Beta's a for which 26 % of the neurons fire 80 % of the time (PowerInfer, arXiv 2312.12456, recalled)
STEPS = 400  # of the sum over firing rates, below one half and above
TOKENS = 1000  # equally likely tokens


class Reads(NamedTuple):
    """What a token reads: a share of the neurons in bulk, and a share of the firings one by one."""

    bulk: float
    single: float


@cache
def _rates(mean: float) -> tuple[tuple[float, float, float], ...]:
    """(rate, share of the neurons, share of the firings) of each step, from the highest rate down.

    Steps are equal in x^a below a rate of one half and in (1 - x)^b above, which takes the density's poles out.
    """
    other = SKEW * (1.0 - mean) / mean
    found = []
    for step in range(STEPS):
        part = (step + 0.5) / STEPS
        above, below = (0.5 * part ** (1.0 / other)), (0.5 * part ** (1.0 / SKEW))
        found.append((1.0 - above, 0.5**other / other * (1.0 - above) ** (SKEW - 1.0)))
        found.append((below, 0.5**SKEW / SKEW * (1.0 - below) ** (other - 1.0)))
    found.sort(reverse=True)
    neurons = sum(weight for _, weight in found)
    firings = sum(rate * weight for rate, weight in found)
    return tuple((rate, weight / neurons, rate * weight / firings) for rate, weight in found)


def missed(held: float, mean: float, bulk_above: float = 1.0) -> Reads:
    """Reads a token with the most frequent neurons in memory, a share ``held`` of them.

    Of the others, those that fire more often than ``bulk_above`` are read together, whether they fire or not.
    """
    room, bulk, single = held, 0.0, 0.0
    for rate, neurons, firings in _rates(mean):
        kept = min(room, neurons)
        room -= kept
        left = 1.0 - kept / neurons
        if rate > bulk_above:
            bulk += left * neurons
        else:
            single += left * firings
    return Reads(bulk, single)


@cache
def missed_of_recent(held: float, mean: float, routed: float = 1.0) -> float:
    """Share of the firings that the last tokens' neurons miss, of so many tokens as fill a share ``held`` of memory.

    Of a network with experts a neuron fires at ``routed`` times its rate. The window may be a fraction of a token.
    """
    rates = _rates(mean)

    def resident(window: float) -> float:
        return fsum(weight * (1.0 - (1.0 - routed * rate) ** window) for rate, weight, _ in rates)

    low, high = 0.0, 1e6
    for _ in range(50):
        middle = 0.5 * (low + high) if high < 4.0 else (low * high) ** 0.5 if low > 0.0 else 0.01 * high
        low, high = (middle, high) if resident(middle) < held else (low, middle)
    return fsum(firings * (1.0 - routed * rate) ** low for rate, _, firings in rates)


def _silent(mean: float, tokens: float, asked: float) -> float:
    """E[f^asked (1 - f)^tokens] = B(a + asked, b + tokens) / B(a, b)."""
    b = SKEW * (1.0 - mean) / mean

    def log_beta(x: float, y: float) -> float:
        return lgamma(x) + lgamma(y) - lgamma(x + y)

    return exp(log_beta(SKEW + asked, b + tokens) - log_beta(SKEW, b))


def new_share(mean: float, window: float) -> float:
    """Share of the neurons that a token asks for and none of the ``window`` before did."""
    return _silent(mean, window, 1.0)


def resident_share(mean: float, window: float) -> float:
    """Share of the neurons that a token or one of the ``window`` before asked for."""
    return 1.0 - _silent(mean, window + 1.0, 0.0)


def _mean_of(tilt: float) -> float:
    """Mean of the density proportional to exp(-tilt x) on 0 to 1."""
    if abs(tilt) < 1e-4:
        return 0.5 - tilt / 12.0
    return 1.0 / tilt - (1.0 / expm1(tilt) if tilt < 700.0 else 0.0)


@cache
def over_tokens(mean: float) -> tuple[float, ...]:
    """Missed share of ``TOKENS`` equally likely tokens, ascending, when only its mean is known.

    The distribution on 0 to 1 that assumes least beside the mean (largest entropy): an exponential, cut at 1.
    """
    if mean <= 0.0 or mean >= 1.0:
        return (min(1.0, max(0.0, mean)),) * TOKENS
    low, high = -1e4, 1e4
    for _ in range(100):
        tilt = 0.5 * (low + high)
        low, high = (tilt, high) if _mean_of(tilt) > mean else (low, tilt)
    if abs(tilt) < 1e-4:
        return tuple((token + 0.5) / TOKENS for token in range(TOKENS))
    if tilt < 0.0:  # mirrored, so that the exponential never overflows
        return tuple(1.0 - share for share in reversed(over_tokens(1.0 - mean)))
    return tuple(-log1p((token + 0.5) / TOKENS * expm1(-tilt)) / tilt for token in range(TOKENS))
