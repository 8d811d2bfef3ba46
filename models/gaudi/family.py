"""Read a Gaudi's TOML table into its record and the engine's `Device`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.errors import InputError
from hwsim.hardware import Device
from hwsim.models.catalog.schema import (
    Bandwidth,
    Capacity,
    Count,
    Energy,
    Frequency,
    Number,
    Positive,
    Power,
    Share,
    Silicon,
    StatusTable,
    Table,
    Time,
    validated,
    value_at,
    with_overrides,
)  # fmt: skip
from hwsim.models.gaudi.area import gaudi_area_mm2
from hwsim.models.gaudi.cost import operator_cost
from hwsim.models.gaudi.matmul import engine_macs
from hwsim.models.gaudi.record import RECORD_PATHS, Gaudi
from hwsim.rows import ARITHMETIC_CODES


class Engine(Table):
    """Matrix engines: how many, cells of one, clock, multiply-adds per cell and cycle by format (0: no hardware)."""

    count: Count
    rows: Count
    columns: Count
    clock: Frequency
    fp32: Positive
    tf32: Positive
    bf16: Positive
    fp8: Number
    switch_cycles: Number


class Core(Table):
    """Tensor processor cores: how many, clock, 16-bit lanes and exponentials per cycle of one."""

    count: Count
    clock: Frequency
    lanes: Count
    exponential: Positive
    scale_slices: Count


class Sram(Table):
    """The shared memory on the die."""

    capacity: Capacity
    bandwidth: Bandwidth


class Memory(Table):
    """Main memory, and the share of its bandwidth that long streams reach."""

    capacity: Capacity
    bandwidth: Bandwidth
    achieved: Share


class Kernel(Table):
    """Start of a kernel inside a recorded graph."""

    fixed: Time


class PowerTable(Table):
    """Board power: idle, and the limit the board holds."""

    idle: Power
    limit: Power


class EnergyTable(Table):
    """Energy per FLOP by format and unit, and per byte by memory."""

    fp32: Energy
    bf16: Energy
    fp8: Energy
    core: Energy
    sram_byte: Energy
    memory_byte: Energy


class Fp8(Table):
    """FP8 as the hardware does it: largest E4M3 value, and the exponent biases whose scales cost nothing."""

    e4m3_maximum: Positive
    biases: list[int]


class LinkTable(Table):
    """The link that joins several of this device."""

    native: str


class GaudiFile(Table):
    """A Gaudi of the catalog."""

    family: str
    description: str = ""
    sources: dict[str, str] = {}
    engine: Engine
    core: Core
    sram: Sram
    memory: Memory
    kernel: Kernel
    power: PowerTable
    energy: EnergyTable
    fp8: Fp8
    link: LinkTable | None = None
    silicon: Silicon | None = None
    status: StatusTable = StatusTable()


SCHEMA = GaudiFile


def build(table: Mapping[str, Any], where: str, overrides: Mapping[str, Any]) -> Device:
    """Check a Gaudi's table, with some TOML paths replaced, and build its `Device`.

    Raises
    ------
    InputError, UnknownNameError : a mistake in the table or the overrides, as one line that names ``where`` and the key
    """
    file = validated(GaudiFile, with_overrides(GaudiFile, table, overrides, where), where)
    gaudi = Gaudi(**{field: float(value_at(file, path)) for path, field in RECORD_PATHS.items()})
    _check(gaudi, file, where)
    cells = gaudi.engine_count * gaudi.engine_rows * gaudi.engine_columns
    return Device(
        name=where,
        family="gaudi",
        record=gaudi,
        cost=operator_cost,
        memory_bytes=gaudi.memory_bytes,
        peak_flops_per_s={
            name: 2.0 * cells * gaudi.engine_clock_hz * engine_macs(gaudi, code)
            for name, code in ARITHMETIC_CODES.items()
        },
        bandwidth_bytes_per_s=gaudi.memory_bandwidth_bytes_per_s,
        native_link=file.link.native if file.link else None,
        idle_power_w=gaudi.idle_power_w,
        status=file.status.model_dump(),
        record_paths=RECORD_PATHS,
        description=file.description,
        area_mm2=gaudi_area_mm2(gaudi, file.silicon.node_nm) if file.silicon else {},
    )


def _check(gaudi: Gaudi, file: GaudiFile, where: str) -> None:
    """Refuse parts of engines and cells, and an SRAM that the smallest double-buffered panels overfill."""
    for name in ("count", "rows", "columns"):
        if getattr(file.engine, name) % 1.0:
            raise InputError(f"{where}: engine.{name} = {getattr(file.engine, name):g}: must be a whole number")
    panels = 2.0 * 4.0 * gaudi.engine_count * (gaudi.engine_rows + gaudi.engine_columns)
    if panels > gaudi.sram_bytes:
        raise InputError(
            f"{where}: sram.capacity = {gaudi.sram_bytes:.0f} B holds no tile: one step of k for "
            f"{gaudi.engine_count:.0f} engines of {gaudi.engine_rows:.0f} x {gaudi.engine_columns:.0f} in fp32, twice, "
            f"needs {panels:.0f} B"
        )
