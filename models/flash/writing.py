"""Writing NAND: how fast a chiplet or a drive programs pages, what that takes, and how long a network takes to load.

A page crosses its channel, then its planes program together while the channel serves other chips; a block is erased
before its pages are written again. Sequential writes over all channels, no garbage collection.
"""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.flash.record import FlashChiplet
from hwsim.models.flash.ssd import Ssd

PAGES_A_BLOCK = 256.0  # MQSim's default


@cost_function
def array_rate(dies: float, planes: float, page_bytes: float, program_s: float, erase_s: float) -> float:
    """Bytes/s that so many dies program: all planes at once, every page with its share of a block's erase."""
    return dies * planes * page_bytes / (program_s + erase_s / PAGES_A_BLOCK)


@cost_function
def write_rate(flash: FlashChiplet) -> float:
    """Bytes/s of writes to a flash chiplet: the least of its arrays, its channels and the die-to-die link."""
    dies = flash.channels * flash.chips * flash.dies
    arrays = array_rate(dies, flash.planes, flash.page_bytes, flash.program_s, flash.erase_s)
    return min(arrays, min(flash.channels * flash.bus_bandwidth_bytes_per_s, flash.d2d_bandwidth_bytes_per_s))


@cost_function
def write_energy_j(flash: FlashChiplet, data_bytes: float) -> float:
    """Joules of a write: a program draws what a read draws, for tPROG instead of tR (assumption); then bus and link."""
    program = flash.energy_nand_bit_j * flash.program_s / flash.read_s
    return 8.0 * data_bytes * (program + flash.energy_bus_bit_j + flash.energy_d2d_bit_j)


@cost_function
def drive_write_rate(ssd: Ssd) -> float:
    """Bytes/s of long writes to a drive without a cache in front: the least of arrays, channels and host link."""
    dies = ssd.channels * ssd.chips * ssd.dies
    arrays = array_rate(dies, ssd.planes, ssd.page_bytes, ssd.program_s, ssd.erase_s)
    channels = ssd.channels * ssd.bus_bandwidth_bytes_per_s
    return min(min(arrays, channels) / ssd.code_factor, ssd.host_bandwidth_bytes_per_s)


@cost_function
def spill_s(ssd: Ssd, written_bytes: float, read_bytes: float) -> float:
    """Seconds that a step spends on a spilled KV cache: write what is new, read back what lies there, one link."""
    arrays = ssd.channels * ssd.chips * ssd.dies * ssd.planes * ssd.page_bytes / ssd.read_s
    channels = ssd.channels * ssd.bus_bandwidth_bytes_per_s
    reading = min(min(arrays, channels) / ssd.code_factor, ssd.host_bandwidth_bytes_per_s)
    return written_bytes / drive_write_rate(ssd) + read_bytes / reading
