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
def aggregated_tree(link: LinkRecord, ranks: float, message_bytes: float) -> float:
    """Seconds of an all-gather or reduce-scatter in log2(N) hops with no more bytes than the ring.

    (NVIDIA, NCCL 2.23: parallel aggregated trees, PAT.)
    """
    chunk = message_bytes / ranks
    return by_protocol(link, ceil(log2(max(ranks, 2.0))), (ranks - 1.0) * chunk, chunk)


@cost_function
def in_node(link: LinkRecord, ranks: float) -> float:
    """Ranks that share a node; 1 on a link that joins single devices."""
    return min(ranks, link.node_devices)


@cost_function
def across(link: LinkRecord, ranks: float, message_bytes: float, passes: float) -> float:
    """Seconds of ``passes`` trips in two levels: round the ring of a node over its own link, and between nodes.

    Each rank of a node moves its part of the message through its own port, so that the ring between nodes has a rank a
    node and carries ``message / ranks of a node``; trees take its place where they are faster. Chunks follow one
    another: the slower level hides all of the other but the hops inside a node, which every chunk waits for.
    """
    inside = in_node(link, ranks)
    nodes, part = ceil(ranks / inside), message_bytes / inside
    steps = passes * (inside - 1.0)
    local_s = steps * part / link.node_bandwidth_bytes_per_s
    between_s = ring(link, nodes, part, passes) if nodes > 1.0 else 0.0
    if nodes > 1.0 and link.logarithmic > 0.0:
        between_s = min(between_s, tree(link, nodes, part) if passes == 2.0 else aggregated_tree(link, nodes, part))
    return steps * link.node_latency_s + max(local_s, between_s)


@cost_function
def one_shot(link: LinkRecord, ranks: float, message_bytes: float) -> float:
    """Seconds, start included, of an all-reduce where every rank loads all others' messages and adds them up."""
    inside = in_node(link, ranks)
    loaded_s = (ranks - inside) * message_bytes / (link.bandwidth_bytes_per_s * link.direct_achieved)
    return link.direct_fixed_s + max(loaded_s, (inside - 1.0) * message_bytes / link.node_bandwidth_bytes_per_s)


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
    library = across(link, row.ranks, row.message_bytes, 2.0)
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
        latency = link.fixed_s + across(link, row.ranks, row.message_bytes, 1.0)
    elif row.operation == 3.0:
        inside, fixed = in_node(link, row.ranks), link.peer_fixed_s
        local_s = fixed + (inside - 1.0) * chunk / link.node_bandwidth_bytes_per_s
        latency = max(local_s, peers(link, sent - (inside - 1.0) * chunk, chunk, chunk))
    else:
        latency, fixed = peers(link, row.message_bytes, row.message_bytes, 0.0), link.peer_fixed_s
        sent = row.message_bytes
    link_s = max(latency - fixed, 0.0)
    bound = LINK if link_s >= fixed else LAUNCH
    return OperatorCost(latency, sent * link.energy_byte_j, 0.0, 0.0, 0.0, link_s, fixed, bound)
