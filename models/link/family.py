"""Read a link's TOML table into the engine's `Link`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.hardware import Link
from hwsim.models.catalog.schema import (
    Bandwidth,
    Capacity,
    Count,
    Energy,
    Number,
    Share,
    StatusTable,
    Table,
    Time,
    validated,
    value_at,
)  # fmt: skip
from hwsim.models.gpu.residuals import residuals
from hwsim.models.link.collective import collective
from hwsim.models.link.record import LINK_PATHS, LinkRecord


class Protocol(Table):
    """How chunks move: the flagged, line and simple protocols, channels, and the copy of a rank's own chunk."""

    flagged_share: Share
    line_hop: Time
    line_share: Share
    simple_start: Time
    simple_hop: Time
    chunk: Capacity
    channel: Bandwidth
    copy_share: Number


class Peer(Table):
    """All-to-all and send/recv: the start, and the time one channel takes for a peer's chunk before more join."""

    fixed: Time
    ramp: Time
    chunk: Capacity


class Switch(Table):
    """Reduction in the switch: start and the share of the bandwidth reached."""

    start: Time
    achieved: Share


class Direct(Table):
    """One-shot all-reduce by plain loads from all peers: start and the share of the bandwidth reached."""

    fixed: Time
    achieved: Share


class Node(Table):
    """Devices of a node, joined by a faster link: what one of them reaches in one direction, and a hop."""

    devices: Count
    bandwidth: Bandwidth
    latency: Time


class LinkFile(Table):
    """A link of the catalog: bandwidth of one device in one direction.

    Without ``[protocol]`` a message costs a hop and its bytes over the achieved bandwidth, whatever its size; without
    ``[peer]``, ``[switch]`` or ``[direct]`` those algorithms have the link's own start, hop and achieved share.
    With ``[node]`` the link joins nodes, one port a device, and collectives run in levels.
    """

    description: str = ""
    sources: dict[str, str] = {}
    bandwidth: Bandwidth
    achieved: Share
    latency: Time
    fixed: Time
    in_switch: bool = False
    logarithmic: bool = False
    energy_byte: Energy
    protocol: Protocol | None = None
    peer: Peer | None = None
    switch: Switch | None = None
    direct: Direct | None = None
    node: Node | None = None
    native_only: bool = False  # joins devices that name it as their native link, and no others
    status: StatusTable = StatusTable()


SCHEMA = LinkFile


def build(table: Mapping[str, Any], where: str, name: str) -> Link:
    """Check a link's table and build its `Link`."""
    file = validated(LinkFile, table, where)
    record = LinkRecord(**{field: float(value_at(file, path)) for path, field in LINK_PATHS.items()})
    record = with_defaults(record, file)
    return Link(
        name=name, record=record, cost=collective, bandwidth_bytes_per_s=record.bandwidth_bytes_per_s,
        record_paths=LINK_PATHS, status={"latency": file.status.latency}, native_only=file.native_only,
        residuals={
            key: known for key, known in residuals(file.status.latency).items() if key.startswith("collective ")
        },
    )  # fmt: skip


def with_defaults(record: LinkRecord, file: LinkFile) -> LinkRecord:
    """Fill the tables that the file leaves out from the link's own start, hop and achieved share."""
    if file.protocol is None:
        record = record._replace(
            flagged_share=1.0, line_share=1.0, line_hop_s=file.latency, simple_hop_s=file.latency,
            channel_bytes_per_s=file.bandwidth,
        )  # fmt: skip
    if file.peer is None:
        record = record._replace(peer_fixed_s=file.fixed + file.latency, peer_chunk_bytes=1.0)
    if file.switch is None:
        record = record._replace(switch_start_s=2.0 * file.latency, switch_achieved=file.achieved)
    if file.node is None:
        record = record._replace(node_devices=1.0, node_bandwidth_bytes_per_s=file.bandwidth)
    if file.direct is None:
        record = record._replace(direct_fixed_s=file.fixed + 2.0 * file.latency, direct_achieved=file.achieved)
    return record
