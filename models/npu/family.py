"""Read an NPU's TOML table into its record and the engine's `Device`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

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
    Time,
)  # fmt: skip
from hwsim.models.npu.cost import ROW_STATIONARY, operator_cost
from hwsim.models.npu.matmul import SUM_BYTES, cell_macs
from hwsim.models.npu.record import RECORD_PATHS, Npu
from hwsim.models.npu.systolic import COUNT_CODES, DATAFLOW_CODES
from hwsim.models.npu.technology import npu_areas_mm2, static_power_w
from hwsim.rows import ARITHMETIC_CODES


class Array(Table):
    """Systolic arrays: how many, cells of one, clock, dataflow, multiply-adds per cell and cycle (0: no hardware)."""

    count: Count
    rows: Count
    columns: Count
    clock: Frequency
    dataflow: Literal["output_stationary", "weight_stationary", "input_stationary", "row_stationary"]
    cycles: Literal["scale_sim", "rtl_single_tile", "rtl_stream"] = "rtl_stream"
    achieved: Share = 1.0
    fp32: Number
    bf16: Number
    fp8: Number
    int8: Number


class Vector(Table):
    """The vector unit: operations a cycle (a multiply-add is two), exponentials a cycle."""

    operations: Positive
    exponentials: Positive


class Sram(Table):
    """On-chip memory that holds the double-buffered tiles."""

    capacity: Capacity
    bandwidth: Bandwidth


class Memory(Table):
    """Main memory: the share of its bandwidth that long streams reach, and the latency of a first access."""

    capacity: Capacity
    bandwidth: Bandwidth
    achieved: Share
    latency: Time


class EnergyTable(Table):
    """Dynamic energy an operation by format, and a byte by memory."""

    fp32: Energy
    bf16: Energy
    int8: Energy
    vector: Energy
    sram_byte: Energy
    memory_byte: Energy


class Local(Table):
    """A row-stationary array's stores: words of input, filter and sums in a PE, filter buffer, bus; zeros of a run."""

    input_words: Count
    filter_words: Count
    sum_words: Count
    filter_buffer: Capacity
    bus_words: Count
    zero_share: Number = 0.0
    output_zero_share: Number = 0.0


class NpuFile(LinkedDeviceFile):
    """An NPU of the catalog."""

    array: Array
    vector: Vector
    sram: Sram
    memory: Memory
    kernel: KernelTable
    power: EstimatedPowerTable
    energy: EnergyTable
    local: Local | None = None
    silicon: Silicon | None = None


SCHEMA = NpuFile


def build(table: Mapping[str, Any], where: str, overrides: Mapping[str, Any]) -> Device:
    """Check an NPU's table, with some TOML paths replaced, and build its `Device`.

    Raises
    ------
    InputError, UnknownNameError : a mistake in the table or the overrides, as one line that names ``where`` and the key
    """
    file = checked(NpuFile, table, where, overrides)
    codes = {
        "dataflow": DATAFLOW_CODES.get(file.array.dataflow, ROW_STATIONARY),
        "cycle_count": COUNT_CODES[file.array.cycles],
    }
    npu = Npu(**record_values(file, RECORD_PATHS), **codes)
    _check(npu, file, where)
    areas = npu_areas_mm2(npu, file.silicon.node_nm) if file.silicon else {}
    static_w = static_power_w(areas, file.silicon.node_nm, file.silicon.process) if file.silicon else 0.0
    npu = npu._replace(idle_power_w=idle_power_w(file.power.idle, static_w, where, file.power.limit))
    cells = npu.array_count * npu.array_rows * npu.array_columns
    return Device(
        **described(file, where, RECORD_PATHS),
        record=npu,
        cost=operator_cost,
        memory_bytes=npu.memory_bytes,
        peak_flops_per_s={
            name: 2.0 * cells * npu.clock_hz * cell_macs(npu, code) for name, code in ARITHMETIC_CODES.items()
        },
        bandwidth_bytes_per_s=npu.memory_bandwidth_bytes_per_s,
        idle_power_w=npu.idle_power_w,
        area_mm2=areas,
        static_power_w=static_w,
    )


def _check(npu: Npu, file: NpuFile, where: str) -> None:
    """Refuse parts of cells, arrays that multiply nothing, a memory that one tile overfills, too many zeros."""
    for name in ("count", "rows", "columns"):
        if getattr(file.array, name) % 1.0:
            raise InputError(f"{where}: array.{name} = {getattr(file.array, name):g}: must be a whole number")
    if npu.macs_16bit <= 0.0 and npu.macs_int8 <= 0.0:
        raise InputError(f"{where}: array.bf16 and array.int8 are both 0: the array multiplies nothing")
    for name in ("zero_share", "output_zero_share"):
        if not 0.0 <= getattr(npu, name) < 1.0:
            raise InputError(f"{where}: local.{name}(={getattr(npu, name)}) must be at least 0 and below 1")
    if file.array.dataflow == "row_stationary" and file.local is None:
        raise InputError(f"{where}: missing table 'local': a row_stationary array needs its stores")
    # The smallest tile: one step of k for all rows and columns, twice, and its sums.
    tile = 2.0 * (npu.array_rows + npu.array_columns) + SUM_BYTES * npu.array_rows * npu.array_columns
    if file.array.dataflow == "row_stationary":
        tile = npu.filter_buffer_bytes + 1.0
    if tile > npu.sram_bytes:
        raise InputError(
            f"{where}: sram.capacity = {npu.sram_bytes:.12g} B holds no tile: one of {npu.array_rows:.12g} x "
            f"{npu.array_columns:.12g} needs {tile:.12g} B; give more memory or a smaller array"
        )
