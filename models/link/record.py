"""A link as its cost functions see it."""

from __future__ import annotations

from typing import NamedTuple


class LinkRecord(NamedTuple):
    """A link; bandwidth is of one device, in one direction, summed over its lanes or ports.

    A collective kernel moves its chunks by one of three protocols. The *flagged* one (NCCL's LL) sends a flag beside
    every word: a short hop, a small share of the bandwidth. The *line* one (LL128) sends a flag a cache line. The
    *simple* one sends whole slots and synchronises by memory fences: all of the bandwidth, a slow start.
    """

    bandwidth_bytes_per_s: float
    achieved: float  # share of the bandwidth that large messages reach (simple protocol)
    latency_s: float  # one hop between two devices (flagged protocol), software included
    fixed_s: float  # start of a collective kernel
    in_switch: float  # 1 where the switch adds up (NVLS, SHARP)
    logarithmic: float  # 1 where trees of depth log2 N form (networks); inside a node they are chains
    energy_byte_j: float
    flagged_share: float  # bandwidth over that of the simple protocol
    line_hop_s: float
    line_share: float
    simple_start_s: float
    simple_hop_s: float
    chunk_bytes: float  # a rank's chunk up to which one channel carries it; more channels beyond
    channel_bytes_per_s: float  # flagged protocol, one channel
    copy_share: float  # time to copy a rank's own chunk over the time to send it
    peer_fixed_s: float  # start of an all-to-all or of a send
    peer_ramp_s: float  # a peer's chunk grows one channel's time up to this
    peer_chunk_bytes: float  # and is split over more channels beyond this
    switch_start_s: float  # reduction in the switch: registration and barriers
    switch_achieved: float
    direct_fixed_s: float  # one-shot: start and one barrier over flags
    direct_achieved: float  # bandwidth share of plain loads from peers
    node_devices: float  # devices of a node, joined by a faster link of their own; 1: none are
    node_bandwidth_bytes_per_s: float  # that link's, of one device in one direction, as large messages reach it
    node_latency_s: float  # one of its hops


#: TOML path -> record field.
LINK_PATHS: dict[str, str] = {
    "bandwidth": "bandwidth_bytes_per_s",
    "achieved": "achieved",
    "latency": "latency_s",
    "fixed": "fixed_s",
    "in_switch": "in_switch",
    "logarithmic": "logarithmic",
    "energy_byte": "energy_byte_j",
    "protocol.flagged_share": "flagged_share",
    "protocol.line_hop": "line_hop_s",
    "protocol.line_share": "line_share",
    "protocol.simple_start": "simple_start_s",
    "protocol.simple_hop": "simple_hop_s",
    "protocol.chunk": "chunk_bytes",
    "protocol.channel": "channel_bytes_per_s",
    "protocol.copy_share": "copy_share",
    "peer.fixed": "peer_fixed_s",
    "peer.ramp": "peer_ramp_s",
    "peer.chunk": "peer_chunk_bytes",
    "switch.start": "switch_start_s",
    "switch.achieved": "switch_achieved",
    "direct.fixed": "direct_fixed_s",
    "direct.achieved": "direct_achieved",
    "node.devices": "node_devices",
    "node.bandwidth": "node_bandwidth_bytes_per_s",
    "node.latency": "node_latency_s",
}
