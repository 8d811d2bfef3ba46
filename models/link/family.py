"""Read a link's TOML table into the engine's `Link`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.hardware import Link
from hwsim.models.catalog.schema import Bandwidth, Energy, Share, StatusTable, Table, Time, validated, value_at
from hwsim.models.link.collective import collective
from hwsim.models.link.record import LINK_PATHS, LinkRecord


class LinkFile(Table):
    """A link of the catalog: bandwidth of one device in one direction."""

    description: str = ""
    sources: dict[str, str] = {}
    bandwidth: Bandwidth
    achieved: Share
    latency: Time
    fixed: Time
    in_switch: bool = False
    energy_byte: Energy
    status: StatusTable = StatusTable()


SCHEMA = LinkFile


def build(table: Mapping[str, Any], where: str, name: str) -> Link:
    """Check a link's table and build its `Link`."""
    file = validated(LinkFile, table, where)
    record = LinkRecord(**{field: float(value_at(file, path)) for path, field in LINK_PATHS.items()})
    return Link(name=name, record=record, cost=collective, bandwidth_bytes_per_s=record.bandwidth_bytes_per_s)
