"""Read a processor's TOML table into its record and the engine's `Device`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.hardware import Device
from hwsim.models.catalog.family import (
    KernelTable,
    LinkedDeviceFile,
    PowerTable,
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
    Table,
    Time,
)  # fmt: skip
from hwsim.models.cpu.cost import matrix_rate, operator_cost, vector_rate
from hwsim.models.cpu.record import RECORD_PATHS, Cpu
from hwsim.rows import ARITHMETIC_CODES


class Vector(Table):
    """Vector units of a core: operations per cycle by format, weights widened and exponentials per cycle."""

    fp32: Positive
    bf16: Number = 0.0
    int8: Number = 0.0
    unpack: Positive
    exponential: Positive


class Matrix(Table):
    """Matrix units: operations per cycle per core by format (0: none), rows of a tile."""

    fp32: Number = 0.0
    bf16: Number = 0.0
    int8: Number = 0.0
    rows: Count


class Compute(Table):
    """Share of the peak that a long product reaches."""

    achieved: Share


class Cache(Table):
    """Last-level cache, shared by the cores."""

    capacity: Capacity


class Memory(Table):
    """Memory channels: all together, the share long streams reach, latency, what a core keeps outstanding."""

    capacity: Capacity
    bandwidth: Bandwidth
    achieved: Share
    latency: Time
    bytes_in_flight_per_core: Capacity


class EnergyTable(Table):
    """Energy per operation, and per byte of memory."""

    fp32: Energy
    narrow: Energy
    memory_byte: Energy


class CpuFile(LinkedDeviceFile):
    """A processor of the catalog, one socket."""

    cores: Count
    clock: Frequency
    vector: Vector
    matrix: Matrix
    compute: Compute
    cache: Cache
    memory: Memory
    kernel: KernelTable
    power: PowerTable
    energy: EnergyTable


SCHEMA = CpuFile


def build(table: Mapping[str, Any], where: str, overrides: Mapping[str, Any]) -> Device:
    """Check a processor's table, with some TOML paths replaced, and build its `Device`.

    Raises
    ------
    InputError, UnknownNameError : a mistake in the table or the overrides, as one line that names ``where`` and the key
    """
    file = checked(CpuFile, table, where, overrides)
    cpu = Cpu(**record_values(file, RECORD_PATHS))
    idle_w = idle_power_w(file.power.idle, 0.0, where, file.power.limit)
    return Device(
        **described(file, where, RECORD_PATHS),
        record=cpu,
        cost=operator_cost,
        memory_bytes=cpu.memory_bytes,
        peak_flops_per_s={
            name: cpu.cores * cpu.clock_hz * max(vector_rate(cpu, code), matrix_rate(cpu, code))
            for name, code in ARITHMETIC_CODES.items()
        },
        bandwidth_bytes_per_s=cpu.memory_bandwidth_bytes_per_s,
        idle_power_w=idle_w,
        launches=False,
    )
