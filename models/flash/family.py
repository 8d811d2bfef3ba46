"""Read a flash chiplet's TOML table into its record and the engine's `Device`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from hwsim.errors import InputError
from hwsim.hardware import Device
from hwsim.models.catalog.family import (
    LEAKAGE_ONLY,
    DeviceFile,
    checked,
    described,
    idle_power_w,
    record_values,
)
from hwsim.models.catalog.schema import (
    Bandwidth,
    Capacity,
    Count,
    Energy,
    Frequency,
    Number,
    Positive,
    Power,
    Silicon,
    Table,
    Time,
    Unit,
    value_at,
)  # fmt: skip
from hwsim.models.flash.area import chiplet_mm2, chiplet_static_w
from hwsim.models.flash.cost import array_passes, operator_cost
from hwsim.models.flash.record import RECORD_PATHS, FlashChiplet
from hwsim.models.flash.tiling import flash_bytes, plane_rate, tile_columns
from hwsim.rows import ARITHMETIC_CODES

PositiveTime = Annotated[Time, Field(gt=0.0), Unit("s")]


class Nand(Table):
    """Flash: channels, chips a channel, dies a chip, planes a die, page, array times, capacity of a die."""

    channels: Count
    chips: Count
    dies: Count
    planes: Count
    page: Capacity
    read: PositiveTime
    program: PositiveTime
    erase: PositiveTime
    die_capacity: Capacity


class Bus(Table):
    """One channel: its bandwidth, the slice in which plain reads cross it, and whether they are sliced (1 or 0)."""

    bandwidth: Bandwidth
    slice: Capacity
    slicing: Number


class Core(Table):
    """The compute core of a die: multiply-adds per cycle, clock, input buffer (the output buffer is as large)."""

    macs: Positive
    clock: Frequency
    buffer: Capacity


class Tiling(Table):
    """Columns of a tile over all channels (0: chosen), and whether the NPU takes a share of every matrix (1 or 0)."""

    columns: Number
    npu: Number


class Npu(Table):
    """The NPU: systolic arrays, clock, lanes of the vector unit, SRAM."""

    arrays: Count
    rows: Count
    columns: Count
    clock: Frequency
    lanes: Count
    sram: Capacity


class LinkTable(Table):
    """The die-to-die link between the flash and the NPU."""

    bandwidth: Bandwidth


class Memory(Table):
    """The NPU's DRAM, for the KV cache and activations."""

    capacity: Capacity
    bandwidth: Bandwidth


class PowerTable(Table):
    """Static power of NPU and DRAM; left out: the leakage of the modelled area."""

    idle: Power = LEAKAGE_ONLY


class EnergyTable(Table):
    """Energy per bit of the flash array, channel, die-to-die link and DRAM; per operation; per SRAM byte."""

    nand_bit: Energy
    bus_bit: Energy
    link_bit: Energy
    core: Energy
    npu: Energy
    sram_byte: Energy
    memory_bit: Energy


class FlashFile(DeviceFile):
    """A flash chiplet of the catalog."""

    nand: Nand
    bus: Bus
    core: Core
    tiling: Tiling
    npu: Npu
    link: LinkTable
    memory: Memory
    power: PowerTable
    energy: EnergyTable
    silicon: Silicon | None = None


SCHEMA = FlashFile
WHOLE = ("nand.channels", "nand.chips", "nand.dies", "nand.planes", "npu.arrays", "npu.rows", "npu.columns")
SWITCHES = ("bus.slicing", "tiling.npu")


def build(table: Mapping[str, Any], where: str, overrides: Mapping[str, Any]) -> Device:
    """Check a flash chiplet's table, with some TOML paths replaced, and build its `Device`.

    Raises
    ------
    InputError, UnknownNameError : a mistake in the table or the overrides, as one line that names ``where`` and the key
    """
    file = checked(FlashFile, table, where, overrides)
    flash = FlashChiplet(**record_values(file, RECORD_PATHS))
    _check(file, flash, where)
    dies = flash.channels * flash.chips * flash.dies
    cells = flash.array_count * flash.array_rows * flash.array_columns
    rate = 2.0 * (cells * flash.npu_clock_hz + dies * flash.core_macs * flash.core_clock_hz)
    areas = chiplet_mm2(flash, file.silicon.node_nm) if file.silicon else {}
    static_w = chiplet_static_w(areas, file.silicon.node_nm, file.silicon.process) if file.silicon else 0.0
    flash = flash._replace(idle_power_w=idle_power_w(file.power.idle, static_w, where))
    return Device(
        **described(file, where, RECORD_PATHS),
        record=flash,
        cost=operator_cost,
        memory_bytes=flash.dram_bytes,
        weight_memory_bytes=flash_bytes(flash),
        weight_capacity=flash_bytes,
        peak_flops_per_s={name: rate / array_passes(code) for name, code in ARITHMETIC_CODES.items()},
        bandwidth_bytes_per_s=plane_rate(flash, flash.planes),
        idle_power_w=flash.idle_power_w,
        launches=False,  # the order of a network is fixed when its weights are laid out
        area_mm2=areas,
        static_power_w=static_w,
    )


def _check(file: FlashFile, flash: FlashChiplet, where: str) -> None:
    """Refuse what a field alone does not show: parts of dies, pages that do not divide, switches between 0 and 1."""
    for path in WHOLE:
        if value_at(file, path) % 1.0:
            raise InputError(f"{where}: {path} = {value_at(file, path):g}: must be a whole number")
    for path in SWITCHES:
        if value_at(file, path) not in (0.0, 1.0):
            raise InputError(f"{where}: {path} = {value_at(file, path):g}: must be 1 (on) or 0 (off)")
    if flash.page_bytes % 1.0 or flash.page_bytes < 2.0:
        raise InputError(f"{where}: nand.page = {flash.page_bytes:g} B: must be a whole number of bytes, at least 2")
    plane_bytes = flash.die_bytes / flash.planes
    if plane_bytes % flash.page_bytes:
        raise InputError(
            f"{where}: nand.page = {flash.page_bytes:g} B does not divide the {plane_bytes:g} B of a plane "
            f"(nand.die_capacity {flash.die_bytes:g} B over {flash.planes:g} planes)"
        )
    if flash.page_bytes % flash.bus_slice_bytes:
        raise InputError(
            f"{where}: bus.slice = {flash.bus_slice_bytes:g} B does not divide nand.page = {flash.page_bytes:g} B"
        )
    tile = 2.0 * (flash.array_rows + flash.array_columns) + 4.0 * flash.array_rows * flash.array_columns
    if tile > flash.npu_sram_bytes:
        raise InputError(
            f"{where}: npu.sram = {flash.npu_sram_bytes:g} B holds no tile: one of {flash.array_rows:g} x "
            f"{flash.array_columns:g} needs {tile:g} B"
        )
    columns = flash.tile_columns / flash.channels
    if flash.tile_columns and (columns % 1.0 or columns > flash.page_bytes):
        raise InputError(
            f"{where}: tiling.columns = {flash.tile_columns:g} must be a multiple of the {flash.channels:g} channels, "
            f"at most {flash.channels * flash.page_bytes:g} (one row a page); 0 chooses"
        )
    width = tile_columns(flash, 1.0)
    if width > flash.core_buffer_bytes:
        raise InputError(
            f"{where}: core.buffer = {flash.core_buffer_bytes:g} B holds no tile: the inputs of a channel's {width:g} "
            "columns need as many bytes"
        )
