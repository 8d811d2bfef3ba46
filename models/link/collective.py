"""Collectives over a link: latency of the steps plus bytes over bandwidth, by algorithm."""

from __future__ import annotations

from math import ceil, log2

from hwsim.cost import cost_function
from hwsim.models.link.record import LinkRecord
from hwsim.rows import LAUNCH, LINK, OperatorCost, OperatorRow


@cost_function
def ring(link: LinkRecord, ranks: float, message_bytes: float, passes: float) -> float:
    """Seconds of ``passes`` trips round the ring: each of N - 1 steps moves 1/N of the message.

    All-gather and reduce-scatter are one pass, all-reduce is two
    (Patarasuk and Yuan 2009, doi 10.1016/j.jpdc.2008.09.002).
    """
    steps = passes * (ranks - 1.0)
    return steps * (link.latency_s + message_bytes / ranks / (link.bandwidth_bytes_per_s * link.achieved))


@cost_function
def tree(link: LinkRecord, ranks: float, message_bytes: float) -> float:
    """Seconds of an all-reduce up and down a pipelined double binary tree: 2 log2(N) hops, the message sent twice."""
    hops = 2.0 * ceil(log2(max(ranks, 2.0)))
    return hops * link.latency_s + 2.0 * message_bytes / (link.bandwidth_bytes_per_s * link.achieved)


@cost_function
def one_shot(link: LinkRecord, ranks: float, message_bytes: float) -> float:
    """Seconds of an all-reduce where every rank reads all others' messages at once and adds them up."""
    return 2.0 * link.latency_s + (ranks - 1.0) * message_bytes / (link.bandwidth_bytes_per_s * link.achieved)


@cost_function
def in_switch(link: LinkRecord, ranks: float, message_bytes: float) -> float:
    """Seconds of an all-reduce that the switch adds up: each rank sends and receives the message once."""
    moved = message_bytes * (1.0 + 1.0 / ranks)
    return 2.0 * link.latency_s + moved / (link.bandwidth_bytes_per_s * link.achieved)


@cost_function
def all_reduce(link: LinkRecord, row: OperatorRow) -> float:
    """Seconds of an all-reduce by the row's algorithm: the library's choice, one-shot, in-switch, or the best."""
    library = min(ring(link, row.ranks, row.message_bytes, 2.0), tree(link, row.ranks, row.message_bytes))
    if link.in_switch > 0.0:
        library = min(library, in_switch(link, row.ranks, row.message_bytes))
    if row.algorithm == 0.0:
        return library
    direct = one_shot(link, row.ranks, row.message_bytes)
    if row.algorithm == 1.0:
        return direct
    if row.algorithm == 2.0 and link.in_switch > 0.0:
        return in_switch(link, row.ranks, row.message_bytes)
    return min(library, direct)


@cost_function
def collective(link: LinkRecord, row: OperatorRow) -> OperatorCost:
    """Cost of a collective over ``ranks`` devices; ``message_bytes`` is the whole (or gathered) tensor."""
    bandwidth = link.bandwidth_bytes_per_s * link.achieved
    share = (row.ranks - 1.0) / row.ranks
    sent = share * row.message_bytes
    if row.ranks <= 1.0:
        return OperatorCost(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, LINK)
    if row.operation == 0.0:
        link_s, sent = all_reduce(link, row), 2.0 * sent
    elif row.operation <= 2.0:
        link_s = ring(link, row.ranks, row.message_bytes, 1.0)
    elif row.operation == 3.0:
        link_s = link.latency_s + sent / bandwidth
    else:
        link_s, sent = link.latency_s + row.message_bytes / bandwidth, row.message_bytes
    bound = LINK if link_s >= link.fixed_s else LAUNCH
    return OperatorCost(link_s + link.fixed_s, sent * link.energy_byte_j, 0.0, 0.0, 0.0, link_s, link.fixed_s, bound)
