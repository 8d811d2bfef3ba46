"""Solid-state drives and UFS from the same NAND parts: closed forms, and a replay on SimPy of queued reads.

A read first needs the physical page. Without a cached mapping table the table's page is read before (once for all
waiting requests that it serves). A chip does one command at a time: the command crosses the channel, the array is
read, the data cross the channel; data go before waiting commands. Pages lie over channels, then chips.

Checked against figures of MQSim (Tavakkol et al., FAST 2018), see docs/methods/flash.md.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, NamedTuple

import simpy

from hwsim.cost import cost_function
from hwsim.errors import InputError

PICOSECONDS = 1e12
Process = Generator[simpy.Event, Any, None]


class Ssd(NamedTuple):
    """A drive: its NAND, the codes that correct it, its mapping table, its host side."""

    channels: float
    chips: float  # per channel
    dies: float  # per chip
    planes: float  # per die
    page_bytes: float
    read_s: float  # tR
    program_s: float
    erase_s: float
    bus_bandwidth_bytes_per_s: float  # of one channel
    code_factor: float  # bytes on the bus for a byte of data
    command_s: float  # a command and its address on the bus
    host_s: float  # host interface, once a request
    host_bandwidth_bytes_per_s: float
    mapping_cached: float  # 1: the mapping table is in DRAM; 0: its page is read first
    mapping_bytes: float  # what is read of a page of the table
    entry_bytes: float  # of the table, for a page


#: Defaults of MQSim, read-only, no cache, with the mapping table in flash.
MQSIM = Ssd(
    channels=8.0, chips=4.0, dies=2.0, planes=2.0, page_bytes=8192.0, read_s=75e-6, program_s=750e-6, erase_s=3.8e-3,
    bus_bandwidth_bytes_per_s=333e6, code_factor=1.0, command_s=0.2e-6, host_s=2e-6, host_bandwidth_bytes_per_s=4e9,
    mapping_cached=0.0, mapping_bytes=512.0, entry_bytes=8.0,
)  # fmt: skip
#: A PCIe 4.0 drive of vendor-style three-bit cells: tR 45 us, 2400 MT/s.
NVME_TLC = MQSIM._replace(
    page_bytes=16384.0, read_s=45e-6, program_s=450e-6, erase_s=5e-3, bus_bandwidth_bytes_per_s=2.4e9,
    code_factor=1.125, host_bandwidth_bytes_per_s=7e9, mapping_cached=1.0,
)  # fmt: skip
#: UFS 4.0: two channels of eight dies, each commanded on its own, behind a 4.64 GB/s link (two lanes of HS-G5).
UFS_4 = NVME_TLC._replace(channels=2.0, chips=8.0, dies=1.0, host_s=10e-6, host_bandwidth_bytes_per_s=4.64e9)


@dataclass(frozen=True, kw_only=True)
class ReadResult:
    """What a replay of reads found."""

    mean_latency_s: float
    elapsed_s: float
    bandwidth_bytes_per_s: float
    requests_per_s: float


@cost_function
def transfer_s(ssd: Ssd, data_bytes: float) -> float:
    """Seconds of data and their code on one channel."""
    return data_bytes * ssd.code_factor / ssd.bus_bandwidth_bytes_per_s


@cost_function
def single_read_s(ssd: Ssd, block_bytes: float) -> float:
    """Seconds of one read on an idle drive; pages of a block are read side by side on channels, then chips."""
    pages = max(1.0, block_bytes / ssd.page_bytes)
    each = min(block_bytes, ssd.page_bytes)
    in_turn = max(1.0, pages / ssd.channels)  # on one bus
    seconds = ssd.host_s + ssd.command_s + ssd.read_s + in_turn * transfer_s(ssd, each)
    if ssd.mapping_cached == 0.0:
        seconds = seconds + ssd.command_s + ssd.read_s + transfer_s(ssd, ssd.mapping_bytes)
    return max(seconds, block_bytes / ssd.host_bandwidth_bytes_per_s)


@cost_function
def read_bandwidth(ssd: Ssd, block_bytes: float, depth: float) -> float:
    """Bytes/s of reads of a size at a queue depth: the least of host link, channels, arrays, and the depth itself."""
    arrays = ssd.channels * ssd.chips * ssd.page_bytes / (ssd.read_s + ssd.command_s + transfer_s(ssd, ssd.page_bytes))
    channels = ssd.channels * ssd.bus_bandwidth_bytes_per_s / ssd.code_factor
    queue = depth * block_bytes / single_read_s(ssd, block_bytes)
    useful = min(1.0, block_bytes / ssd.page_bytes)
    return min(min(ssd.host_bandwidth_bytes_per_s, channels), min(arrays * max(useful, 1e-9), queue))


def replay_reads(
    ssd: Ssd, *, block_bytes: int, depth: int, requests: int, sequential: bool = False, seed: int = 0
) -> ReadResult:
    """Replay ``requests`` reads of ``block_bytes`` with ``depth`` of them outstanding.

    Raises
    ------
    InputError : a size that is not a whole number of pages, a depth or a number of requests below 1
    """
    if block_bytes < ssd.page_bytes or block_bytes % ssd.page_bytes:
        raise InputError(f"ssd: block_bytes(={block_bytes}) must be a whole number of {ssd.page_bytes:g}-byte pages")
    if depth < 1 or requests < 1:
        raise InputError(f"ssd: depth(={depth}) and requests(={requests}) must be >= 1")
    return _Drive(ssd, int(block_bytes // ssd.page_bytes), random.Random(seed)).run(depth, requests, sequential)


class _Drive:
    """One replay: channels, chips, and mapping pages that are on their way."""

    def __init__(self, ssd: Ssd, pages: int, generator: random.Random) -> None:
        self.ssd, self.pages, self.generator = ssd, pages, generator
        self.environment = simpy.Environment()
        self.channels, self.chips = int(ssd.channels), int(ssd.chips)
        self.buses = [simpy.PriorityResource(self.environment) for _ in range(self.channels)]
        self.units = [simpy.PriorityResource(self.environment) for _ in range(self.channels * self.chips)]
        self.on_the_way: dict[int, simpy.Process] = {}
        self.latencies: list[int] = []
        self.cursor = 0

    def run(self, depth: int, requests: int, sequential: bool) -> ReadResult:
        self.left = requests
        for _ in range(depth):
            self.environment.process(self.client(sequential))
        self.environment.run()
        elapsed = self.environment.now / PICOSECONDS
        return ReadResult(
            mean_latency_s=sum(self.latencies) / len(self.latencies) / PICOSECONDS,
            elapsed_s=elapsed,
            bandwidth_bytes_per_s=requests * self.pages * self.ssd.page_bytes / elapsed,
            requests_per_s=requests / elapsed,
        )

    def client(self, sequential: bool) -> Process:
        """Ask for one block after the other until none is left."""
        while self.left > 0:
            self.left -= 1
            start = int(self.environment.now)
            base = self.cursor if sequential else self.generator.randrange(10**7) * self.pages
            self.cursor += self.pages
            reads = [self.environment.process(self.page(base + index)) for index in range(self.pages)]
            yield self.environment.all_of(reads)
            yield self.environment.timeout(self.ps(self.ssd.host_s))
            self.latencies.append(int(self.environment.now) - start)

    def page(self, page: int) -> Process:
        """Find a page, then read it."""
        if self.ssd.mapping_cached == 0.0:
            entry = int(page // (self.ssd.page_bytes // self.ssd.entry_bytes))
            way = self.on_the_way.get(entry)
            if way is None or not way.is_alive:
                way = self.environment.process(self.read(entry, self.ssd.mapping_bytes, 0))
                self.on_the_way[entry] = way
            yield way
        yield from self.read(page, self.ssd.page_bytes, 1)

    def read(self, page: int, data_bytes: float, priority: int) -> Process:
        """Command, array, data; a chip is held all the way, mapping reads go first."""
        channel, chip = page % self.channels, page // self.channels % self.chips
        with self.units[channel * self.chips + chip].request(priority=priority) as unit:
            yield unit
            yield from self.cross(channel, self.ssd.command_s, 1)
            yield self.environment.timeout(self.ps(self.ssd.read_s))
            yield from self.cross(channel, transfer_s(self.ssd, data_bytes), 0)

    def cross(self, channel: int, seconds: float, priority: int) -> Process:
        """Occupy a channel."""
        with self.buses[channel].request(priority=priority) as bus:
            yield bus
            yield self.environment.timeout(self.ps(seconds))

    @staticmethod
    def ps(seconds: float) -> int:
        """Whole picoseconds."""
        return round(seconds * PICOSECONDS)
