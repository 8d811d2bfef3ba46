"""A storage device (UFS, SSD) as its cost functions see it."""

from __future__ import annotations

from typing import NamedTuple


class Storage(NamedTuple):
    """Read performance of a storage device.

    Single blocks in order take ``command_s`` and their bytes over ``stream_bytes_per_s``. Small random reads with many
    in flight are bound by commands a second, fewer over a wide address range, whose mapping no cache holds.
    """

    capacity_bytes: float
    stream_bytes_per_s: float
    command_s: float
    random_share: float  # bandwidth of large random blocks over that of large blocks in order
    small_bytes_per_s: float  # small random reads within `small_range_bytes`
    small_bytes: float  # their size
    small_range_bytes: float
    range_loss: float  # share of the small rate lost for each doubling of the range
    middle_core_share: float  # rate when a middle core issues the commands, over a big core's
    little_core_share: float
    queue_loss: float  # share lost when several cores contend for the one command queue
    energy_byte_j: float


#: TOML path -> record field.
STORAGE_PATHS: dict[str, str] = {
    "capacity": "capacity_bytes",
    "stream": "stream_bytes_per_s",
    "command": "command_s",
    "random_share": "random_share",
    "small.rate": "small_bytes_per_s",
    "small.block": "small_bytes",
    "small.range": "small_range_bytes",
    "small.range_loss": "range_loss",
    "core.middle": "middle_core_share",
    "core.little": "little_core_share",
    "core.queue_loss": "queue_loss",
    "energy_byte": "energy_byte_j",
}
