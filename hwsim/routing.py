"""How tokens spread over the experts of a mixture: the loads behind `MixtureOfExperts.routing`.

A power law of exponent A gives expert i of E a load proportional to x with density x^-A between 1 and 0.8 tokens,
taken at the quantile (i + 1/2) / E; loads are scaled to ``tokens x top_k`` and rounded. This is the distribution of the
``power_law_A`` rows in the tables of ``aiconfigurator-core``, without its random draw.
"""

from __future__ import annotations

import random
from functools import lru_cache

from hwsim.errors import InputError

POWER_LAW = "power_law_"
LARGEST_LOAD = 0.8  # of the tokens: where the power law ends


def exponent(routing: str) -> float | None:
    """Exponent of a power-law routing; None where the text is not one.

    >>> exponent("power_law_1.2"), exponent("balanced")
    (1.2, None)
    """
    if not routing.startswith(POWER_LAW):
        return None
    try:
        value = float(routing.removeprefix(POWER_LAW))
    except ValueError:
        return None
    return value if 0.0 < value < 100.0 else None


def check_routing(name: str, routing: str | tuple[float, ...], tokens: float, top_k: float, experts: float) -> None:
    """Refuse a routing that does not exist or counts that do not fit the other arguments.

    Raises
    ------
    InputError : an unknown name; not one count for each expert; counts below 0 or with another sum than tokens x top_k
    """
    if isinstance(routing, str):
        if routing not in ("balanced", "uniform") and exponent(routing) is None:
            raise InputError(
                f"operator '{name}': routing '{routing}' does not exist; "
                "allowed: balanced, uniform, power_law_1.2 (any exponent above 0), or a count for each expert"
            )
        return
    if len(routing) != experts:
        raise InputError(
            f"operator '{name}': routing gives {len(routing)} counts, but there are {experts:g} experts on the device"
        )
    if not all(0.0 <= count < float("inf") for count in routing):
        raise InputError(f"operator '{name}': every count of routing must be a number >= 0")
    if abs(sum(routing) - tokens * top_k) > 1e-6 * tokens * top_k:
        raise InputError(
            f"operator '{name}': routing counts {sum(routing):g} tokens, but tokens x top_k is {tokens * top_k:g}"
        )


@lru_cache(maxsize=4096)
def power_law_loads(power: float, tokens: float, top_k: float, experts: float) -> tuple[float, ...]:
    """Tokens of each expert, busiest first: whole numbers that sum to tokens x top_k within rounding.

    >>> power_law_loads(1.2, 1, 2, 4)
    (1.0, 1.0, 0.0, 0.0)
    """
    count = max(1, round(experts))
    most = max(1.0, LARGEST_LOAD * tokens)
    if abs(power - 1.0) < 1e-9:
        drawn = [most ** ((i + 0.5) / count) for i in range(count)]
    else:
        end = most ** (1.0 - power) - 1.0
        drawn = [(1.0 + end * (i + 0.5) / count) ** (1.0 / (1.0 - power)) for i in range(count)]
    scale = tokens * top_k / sum(drawn)
    limit = max(1, round(tokens))  # a token goes to an expert once
    loads = [min(round(x * scale), limit) for x in reversed(drawn)]
    left = round(tokens * top_k) - sum(loads)
    step = 1 if left > 0 else -1
    while left != 0:  # one each: to the busiest first, from the least busy first
        before = left
        for i in range(count) if step > 0 else range(count - 1, -1, -1):
            if left != 0 and 0 <= loads[i] + step <= limit:
                loads[i] += step
                left -= step
        if left == before:
            break  # more choices than experts
    return tuple(map(float, loads))


@lru_cache(maxsize=4096)
def busiest_loads(power: float, tokens: float, top_k: float, experts: float, shards: float) -> tuple[float, ...]:
    """Tokens of each expert of the busiest of ``shards`` devices, which hold ``experts`` each, in an order by chance.

    A layer ends with its busiest device. Popular experts lie anywhere: they are dealt once with a fixed seed, so that
    the same experts are popular whatever the tokens.

    >>> sum(busiest_loads(1.2, 1000, 1, 16, 8)) / 1000
    2.431
    """
    loads = list(power_law_loads(power, tokens, top_k * shards, experts * shards))
    random.Random(0).shuffle(loads)
    each = len(loads) // round(shards)
    return tuple(max((loads[i : i + each] for i in range(0, each * round(shards), each)), key=sum))


def _loads(
    routing: str | tuple[float, ...], tokens: float, top_k: float, experts: float, shards: float
) -> tuple[float, ...]:
    if not isinstance(routing, str):
        return routing
    power = exponent(routing)
    assert power is not None
    if shards > 1.0:
        return busiest_loads(power, tokens, top_k, experts, shards)
    return power_law_loads(power, tokens, top_k, experts)


def device_pairs(
    routing: str | tuple[float, ...], tokens: float, top_k: float, experts: float, shards: float = 1.0
) -> float:
    """Pairs of a token and an expert that a device computes: its part, or under a power law the busiest device's.

    >>> device_pairs("balanced", 4096, 1, 16, 8), device_pairs("power_law_1.2", 4096, 1, 16, 8)
    (4096, 11501.0)
    """
    if shards <= 1.0 or not isinstance(routing, str) or exponent(routing) is None:
        return tokens * top_k
    return max(1.0, sum(_loads(routing, tokens, top_k, experts, shards)))


def touched_experts(
    routing: str | tuple[float, ...], tokens: float, top_k: float, experts: float, shards: float = 1.0
) -> float:
    """Distinct experts with at least one token.

    >>> touched_experts("balanced", 2, 8, 128), round(touched_experts("uniform", 16, 8, 128), 1)
    (16.0, 82.4)
    >>> touched_experts((3, 0, 1, 0), 2, 2, 4)
    2.0
    """
    if routing == "balanced":
        return float(min(experts, tokens * top_k))
    if routing == "uniform":
        return float(experts * (1.0 - (1.0 - min(1.0, top_k / experts)) ** tokens))
    return float(max(1, sum(load > 0.0 for load in _loads(routing, tokens, top_k, experts, shards))))


def load_peak(
    routing: str | tuple[float, ...], tokens: float, top_k: float, experts: float, shards: float = 1.0
) -> float:
    """Load of the busiest expert over the mean load of those with a token.

    >>> load_peak("balanced", 2, 8, 128), load_peak((3, 0, 1, 0), 2, 2, 4)
    (1.0, 1.5)
    """
    if isinstance(routing, str) and routing in ("balanced", "uniform"):
        return 1.0
    loads = _loads(routing, tokens, top_k, experts, shards)
    return max(1.0, max(loads) * touched_experts(routing, tokens, top_k, experts, shards) / max(1.0, sum(loads)))
