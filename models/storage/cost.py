"""How long reads from storage take, by block size, address range, issuing core and cores that contend."""

from __future__ import annotations

from math import log2

from hwsim.cost import cost_function
from hwsim.models.storage.record import Storage

BIG, MIDDLE, LITTLE = 0.0, 1.0, 2.0
LEAST_RANGE_SHARE = 0.25  # the command rate never falls below this share, however wide the range


@cost_function
def core_share(storage: Storage, core: float, contending: float) -> float:
    """Rate over that of one big core: the issuing core's class, and several cores on the one command queue."""
    share = 1.0
    if core == MIDDLE:
        share = storage.middle_core_share
    elif core == LITTLE:
        share = storage.little_core_share
    return share * (1.0 - storage.queue_loss) if contending > 1.0 else share


@cost_function
def sequential_rate(storage: Storage, block_bytes: float) -> float:
    """Bytes/s of blocks read in order, one command at a time: b / (command + b / stream)."""
    return block_bytes / (storage.command_s + block_bytes / storage.stream_bytes_per_s)


@cost_function
def command_rate(storage: Storage, range_bytes: float) -> float:
    """Small random reads a second over an address range, many in flight."""
    doublings = max(0.0, log2(max(range_bytes, 1.0) / storage.small_range_bytes))
    share = max(LEAST_RANGE_SHARE, 1.0 - storage.range_loss * doublings)
    return storage.small_bytes_per_s / storage.small_bytes * share


@cost_function
def random_read_s(
    storage: Storage, reads: float, block_bytes: float, range_bytes: float, core: float, contending: float
) -> float:
    """Seconds of ``reads`` random reads with many in flight: the slower of commands and bytes."""
    bytes_rate = storage.stream_bytes_per_s * storage.random_share
    each = max(1.0 / command_rate(storage, range_bytes), block_bytes / bytes_rate)
    return reads * each / core_share(storage, core, contending)


@cost_function
def random_rate(storage: Storage, block_bytes: float, range_bytes: float, core: float, contending: float) -> float:
    """Bytes/s of random reads with many in flight."""
    return block_bytes / random_read_s(storage, 1.0, block_bytes, range_bytes, core, contending)
