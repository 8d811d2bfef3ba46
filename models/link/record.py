"""A link as its cost functions see it."""

from __future__ import annotations

from typing import NamedTuple


class LinkRecord(NamedTuple):
    """A link; bandwidth is of one device, in one direction, summed over its lanes or ports."""

    bandwidth_bytes_per_s: float
    achieved: float  # share of the bandwidth that large messages reach
    latency_s: float  # one hop between two devices, software included
    fixed_s: float  # start of a collective kernel
    in_switch: float  # 1 where the switch adds up (NVLS, SHARP)
    energy_byte_j: float


#: TOML path -> record field.
LINK_PATHS: dict[str, str] = {
    "bandwidth": "bandwidth_bytes_per_s",
    "achieved": "achieved",
    "latency": "latency_s",
    "fixed": "fixed_s",
    "in_switch": "in_switch",
    "energy_byte": "energy_byte_j",
}
