"""Collectives over a link: the library's ring in three protocols, trees, one-shot, in-switch, and point to point.

See docs/methods/link.md for the mechanisms and the errors. Every function gives seconds without the kernel's start.
"""

from __future__ import annotations

from math import ceil, log2

from hwsim.cost import cost_function
from hwsim.models.link.record import LinkRecord
from hwsim.rows import LAUNCH, LINK, OperatorCost, OperatorRow


@cost_function
def by_protocol(link: LinkRecord, hops: float, sent_bytes: float, chunk_bytes: float) -> float:
    """Seconds of ``hops`` dependent steps that move ``sent_bytes`` a rank, by the fastest of the three protocols.

    Flagged: ``hops x hop + (hops + 2) x min(chunk, C) / channel + sent / (share x B)``: a short chunk rides one
    channel, its first load and last store are two more steps, and from C on channels are added. Line:
    ``hops x hop + sent / (share x B)``. Simple: ``start + hops x hop + sent / B``. The latter two copy the rank's own
    chunk from its send to its receive buffer.
    """
    move_s = sent_bytes / (link.bandwidth_bytes_per_s * link.achieved)
    copy_s = link.copy_share * chunk_bytes / (link.bandwidth_bytes_per_s * link.achieved)
    one_channel = min(chunk_bytes, link.chunk_bytes) / link.channel_bytes_per_s
    flagged = hops * link.latency_s + (hops + 2.0) * one_channel + move_s / link.flagged_share
    line = hops * link.line_hop_s + move_s / link.line_share + copy_s
    simple = link.simple_start_s + hops * link.simple_hop_s + move_s + copy_s
    return min(flagged, line, simple)


@cost_function
def ring(link: LinkRecord, ranks: float, message_bytes: float, passes: float) -> float:
    """Seconds of ``passes`` trips round the ring: each of N - 1 steps moves 1/N of the message.

    All-gather and reduce-scatter are one pass, all-reduce is two
    (Patarasuk and Yuan 2009, doi 10.1016/j.jpdc.2008.09.002).
    """
    steps = passes * (ranks - 1.0)
    chunk = message_bytes / ranks
    return by_protocol(link, steps, steps * chunk, chunk)


@cost_function
def tree(link: LinkRecord, ranks: float, message_bytes: float) -> float:
    """Seconds of an all-reduce up and down a pipelined double binary tree: 2 log2(N) hops, the message sent twice.

    (Sanders, Speck and Traeff 2009, doi 10.1016/j.parco.2009.09.001.)
    """
    hops = 2.0 * ceil(log2(max(ranks, 2.0)))
    return by_protocol(link, hops, 2.0 * message_bytes, message_bytes / ranks)


@cost_function
def one_shot(link: LinkRecord, ranks: float, message_bytes: float) -> float:
    """Seconds, start included, of an all-reduce where every rank loads all others' messages and adds them up."""
    loaded = (ranks - 1.0) * message_bytes
    return link.direct_fixed_s + loaded / (link.bandwidth_bytes_per_s * link.direct_achieved)


@cost_function
def in_switch(link: LinkRecord, ranks: float, message_bytes: float) -> float:
    """Seconds of an all-reduce that the switch adds up: the message and a rank's share of the sum, each way."""
    moved = message_bytes * (1.0 + 1.0 / ranks)
    return link.switch_start_s + moved / (link.bandwidth_bytes_per_s * link.switch_achieved)


@cost_function
def adds_up(link: LinkRecord, row: OperatorRow) -> bool:
    """Whether the switch can add this message up: it has no adder for 8-bit values."""
    return link.in_switch > 0.0 and row.dtype_bytes >= 2.0


@cost_function
def all_reduce(link: LinkRecord, row: OperatorRow) -> float:
    """Seconds, start included, of an all-reduce by the row's algorithm: nccl, one_shot, nvls or the best of them."""
    library = ring(link, row.ranks, row.message_bytes, 2.0)
    if link.logarithmic > 0.0:
        library = min(library, tree(link, row.ranks, row.message_bytes))
    if adds_up(link, row):
        switch = in_switch(link, row.ranks, row.message_bytes)
        if row.algorithm == 2.0:
            return link.fixed_s + switch
        library = min(library, switch)
    library += link.fixed_s
    if row.algorithm == 0.0 or row.algorithm == 2.0:
        return library
    direct = one_shot(link, row.ranks, row.message_bytes)
    return direct if row.algorithm == 1.0 else min(library, direct)


@cost_function
def peers(link: LinkRecord, sent_bytes: float, chunk_bytes: float, own_bytes: float) -> float:
    """Seconds, start included, of chunks sent to peers all at once: one channel each, then all of the bandwidth."""
    moved = (sent_bytes + link.copy_share * own_bytes) / (link.bandwidth_bytes_per_s * link.achieved)
    return link.peer_fixed_s + link.peer_ramp_s * min(1.0, chunk_bytes / link.peer_chunk_bytes) + moved


@cost_function
def collective(link: LinkRecord, row: OperatorRow) -> OperatorCost:
    """Cost of a collective over ``ranks`` devices; ``message_bytes`` is the whole (or gathered) tensor."""
    chunk = row.message_bytes / max(row.ranks, 1.0)
    sent = (row.ranks - 1.0) * chunk
    if row.ranks <= 1.0:
        return OperatorCost(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, LINK)
    fixed = link.fixed_s
    if row.operation == 0.0:
        latency, sent = all_reduce(link, row), 2.0 * sent
        fixed = link.direct_fixed_s if row.algorithm == 1.0 else fixed
    elif row.operation <= 2.0:
        latency = link.fixed_s + ring(link, row.ranks, row.message_bytes, 1.0)
    elif row.operation == 3.0:
        latency, fixed = peers(link, sent, chunk, chunk), link.peer_fixed_s
    else:
        latency, fixed = peers(link, row.message_bytes, row.message_bytes, 0.0), link.peer_fixed_s
        sent = row.message_bytes
    link_s = max(latency - fixed, 0.0)
    bound = LINK if link_s >= fixed else LAUNCH
    return OperatorCost(latency, sent * link.energy_byte_j, 0.0, 0.0, 0.0, link_s, fixed, bound)
