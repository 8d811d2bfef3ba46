"""Read a system on a chip: CPU, GPU and NPU over one DRAM, the whole as a `Device` and each unit as one too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.errors import InputError
from hwsim.hardware import Device
from hwsim.models.catalog.family import DeviceFile, checked, described, record_values
from hwsim.models.catalog.files import is_path, names
from hwsim.models.catalog.schema import (
    Bandwidth,
    Capacity,
    Count,
    Energy,
    Number,
    Positive,
    Power,
    Table,
    Time,
)  # fmt: skip
from hwsim.models.soc.cost import cpu_unit, gpu_unit, npu_unit, operator_cost, unit_cost
from hwsim.models.soc.record import RECORD_PATHS, Soc
from hwsim.rows import ARITHMETIC_CODES


class Memory(Table):
    """The one DRAM: capacity, bandwidth of its pins, what all units together are measured to reach, energy a byte."""

    capacity: Capacity
    bandwidth: Bandwidth
    shared: Bandwidth
    energy_byte: Energy


class UnitTable(Table):
    """A processor: operations/s by format, rows from which it reaches them, time of a call, vector rate, bandwidth."""

    bf16: Number
    int8: Number
    int4: Number
    full_rows: Count
    call: Time
    vector: Positive
    bandwidth: Bandwidth
    power: Power


class StorageTable(Table):
    """The storage that is built in, by its catalog name."""

    native: str


class PowerTable(Table):
    """Power of the phone with nothing running."""

    idle: Power


class SocFile(DeviceFile):
    """A system on a chip of the catalog."""

    memory: Memory
    cpu: UnitTable
    gpu: UnitTable
    npu: UnitTable
    power: PowerTable
    storage: StorageTable | None = None


SCHEMA = SocFile


def build(table: Mapping[str, Any], where: str, overrides: Mapping[str, Any]) -> Device:
    """Check the table, with some TOML paths replaced, and build the `Device` with its ``units``.

    Raises
    ------
    InputError, UnknownNameError : a mistake in the table or the overrides, as one line that names ``where`` and the key
    """
    file = checked(SocFile, table, where, overrides)
    soc = Soc(**record_values(file, RECORD_PATHS))
    if soc.shared_bytes_per_s > soc.memory_bandwidth_bytes_per_s:
        raise InputError(f"{where}: memory.shared must be at most memory.bandwidth")
    if file.storage and not is_path(file.storage.native) and file.storage.native not in names("storages"):
        raise InputError(
            f"{where}: storage.native: '{file.storage.native}' does not exist; allowed: {', '.join(names('storages'))}"
        )
    units = {"cpu": cpu_unit(soc), "gpu": gpu_unit(soc), "npu": npu_unit(soc)}
    shared: dict[str, Any] = {
        "memory_bytes": soc.memory_bytes,
        "idle_power_w": soc.idle_power_w,
        "status": file.status.model_dump(),
    }
    made = {
        name: Device(
            name=f"{where}:{name}", family="soc", record=unit, cost=unit_cost, peak_flops_per_s=_peaks([unit]),
            bandwidth_bytes_per_s=unit.bandwidth_bytes_per_s, **shared,
        )
        for name, unit in units.items()
    }  # fmt: skip
    return Device(
        record=soc, cost=operator_cost, peak_flops_per_s=_peaks(list(units.values())),
        bandwidth_bytes_per_s=soc.memory_bandwidth_bytes_per_s, units=made,
        **described(file, where, RECORD_PATHS) | shared,
    )  # fmt: skip


def _peaks(units: list[Any]) -> dict[str, float]:
    """Highest rate of the units by format; floating point runs at the 16-bit rate."""
    field = {"int8": "rate_int8", "int4": "rate_int4"}
    return {name: max(getattr(unit, field.get(name, "rate_16bit")) for unit in units) for name in ARITHMETIC_CODES}
