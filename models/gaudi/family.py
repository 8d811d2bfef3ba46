"""Read a Gaudi's TOML table into its record and the engine's `Device`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.errors import InputError
from hwsim.hardware import Device
from hwsim.models.catalog.family import (
    EstimatedPowerTable,
    KernelTable,
    LinkedDeviceFile,
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
    Share,
    Silicon,
    Table,
)  # fmt: skip
from hwsim.models.gaudi.area import gaudi_area_mm2
from hwsim.models.gaudi.cost import operator_cost
from hwsim.models.gaudi.matmul import engine_macs
from hwsim.models.gaudi.record import RECORD_PATHS, Gaudi
from hwsim.models.npu.technology import static_power_w
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


class Sram(Table):
    """The shared memory on the die."""

    capacity: Capacity
    bandwidth: Bandwidth


class Memory(Table):
    """Main memory, and the share of its bandwidth that long streams reach."""

    capacity: Capacity
    bandwidth: Bandwidth
    achieved: Share


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


class GaudiFile(LinkedDeviceFile):
    """A Gaudi of the catalog."""

    engine: Engine
    core: Core
    sram: Sram
    memory: Memory
    kernel: KernelTable
    power: EstimatedPowerTable
    energy: EnergyTable
    fp8: Fp8
    silicon: Silicon | None = None


SCHEMA = GaudiFile


def build(table: Mapping[str, Any], where: str, overrides: Mapping[str, Any]) -> Device:
    """Check a Gaudi's table, with some TOML paths replaced, and build its `Device`.

    Raises
    ------
    InputError, UnknownNameError : a mistake in the table or the overrides, as one line that names ``where`` and the key
    """
    file = checked(GaudiFile, table, where, overrides)
    gaudi = Gaudi(**record_values(file, RECORD_PATHS))
    _check(gaudi, file, where)
    areas = gaudi_area_mm2(gaudi, file.silicon.node_nm) if file.silicon else {}
    static_w = static_power_w(areas, file.silicon.node_nm, file.silicon.process) if file.silicon else 0.0
    gaudi = gaudi._replace(idle_power_w=idle_power_w(file.power.idle, static_w, where, file.power.limit))
    cells = gaudi.engine_count * gaudi.engine_rows * gaudi.engine_columns
    return Device(
        **described(file, where, RECORD_PATHS),
        record=gaudi,
        cost=operator_cost,
        memory_bytes=gaudi.memory_bytes,
        peak_flops_per_s={
            name: 2.0 * cells * gaudi.engine_clock_hz * engine_macs(gaudi, code)
            for name, code in ARITHMETIC_CODES.items()
        },
        bandwidth_bytes_per_s=gaudi.memory_bandwidth_bytes_per_s,
        idle_power_w=gaudi.idle_power_w,
        area_mm2=areas,
        static_power_w=static_w,
    )


def _check(gaudi: Gaudi, file: GaudiFile, where: str) -> None:
    """Refuse parts of engines and cells, and an SRAM that the smallest double-buffered panels overfill."""
    for name in ("count", "rows", "columns"):
        if getattr(file.engine, name) % 1.0:
            raise InputError(f"{where}: engine.{name} = {getattr(file.engine, name):g}: must be a whole number")
    panels = 2.0 * 4.0 * gaudi.engine_count * (gaudi.engine_rows + gaudi.engine_columns)
    if panels > gaudi.sram_bytes:
        raise InputError(
            f"{where}: sram.capacity = {gaudi.sram_bytes:.12g} B holds no tile: one step of k for "
            f"{gaudi.engine_count:.12g} engines of {gaudi.engine_rows:.12g} x {gaudi.engine_columns:.12g} in fp32, "
            f"twice, needs {panels:.12g} B"
        )
