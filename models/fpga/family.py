"""Read an FPGA design's TOML table into its record and the engine's `Device`, after checking that the part holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from hwsim.errors import InputError
from hwsim.hardware import Device
from hwsim.models.catalog.family import (
    DeviceFile,
    EstimatedPowerTable,
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
    Share,
    Table,
)  # fmt: skip
from hwsim.models.fpga.area import part_static_w, resources_mm2
from hwsim.models.fpga.cost import operator_cost
from hwsim.models.fpga.dataflow import check_reuse
from hwsim.models.fpga.kernels import KernelUse, kernel_resources
from hwsim.models.fpga.parts import Part, read_part, resource_table
from hwsim.models.fpga.record import DATAFLOW, RECORD_PATHS, STYLES, Fpga
from hwsim.rows import ARITHMETIC_CODES

BRAM_BYTES, URAM_BYTES = 36 * 1024 / 8, 288 * 1024 / 8


class Overlay(Table):
    """Cores of DSP chains with their memory channels and special-function lanes."""

    cores: Count
    core_balance: Share
    matrix_macs: Count
    matrix_tile_rows: Count
    vector_macs: Count
    vector_tile_columns: Count
    lanes: Count
    softmax_passes: Count
    norm_passes: Count
    channels_per_core: Count
    channel_bandwidth: Bandwidth
    channel_achieved: Share
    buffer: Capacity


class Dataflow(Table):
    """A network unrolled on the chip: multipliers an output (inputs over the reuse factor), fixed steps a layer."""

    multipliers_per_output: Count
    step_cycles: Number


class Resources(Table):
    """What the design takes of the part beside its kernels.

    The DSPs of an overlay follow from its multiply-adds; those of a dataflow design are of one multiplier an output.
    """

    dsp: Number = 0.0
    lut: Number = 0.0
    ff: Number = 0.0
    bram: Number = 0.0
    uram: Number = 0.0


class EnergyTable(Table):
    """Energy per multiply-add, per special-function operation, per byte of memory."""

    mac: Energy
    lane: Energy
    memory_byte: Energy


class FpgaFile(DeviceFile):
    """A design of the catalog on a part of the catalog."""

    part: str
    style: Literal["overlay", "dataflow"]
    clock: Frequency
    overlay: Overlay | None = None
    dataflow: Dataflow | None = None
    resources: Resources = Resources()
    kernels: dict[str, KernelUse] = {}
    power: EstimatedPowerTable
    energy: EnergyTable


SCHEMA = FpgaFile


def build(table: Mapping[str, Any], where: str, overrides: Mapping[str, Any]) -> Device:
    """Check a design's table, with some TOML paths replaced, and build its `Device`.

    Raises
    ------
    InputError, UnknownNameError : a mistake in the table, or a design that needs more than its part has (with the table
        of resources)
    """
    file = checked(FpgaFile, table, where, overrides)
    if getattr(file, file.style) is None:
        raise InputError(f"{where}: missing key '{file.style}', the table of style '{file.style}'")
    part = read_part(file.part)
    check_fit(file, part, where)
    record = Fpga(
        style=STYLES[file.style], memory_bytes=part.memory_capacity, memory_bandwidth_bytes_per_s=part.memory_bandwidth,
        **record_values(file, RECORD_PATHS),
    )  # fmt: skip
    static_w = part_static_w(part.resources, part.node_nm)
    record = record._replace(idle_power_w=idle_power_w(file.power.idle, static_w, where, file.power.limit))
    return Device(
        **described(file, where, RECORD_PATHS) | {"status": file.status.model_dump() | _resource_status(file, where)},
        record=record,
        cost=operator_cost,
        memory_bytes=part.memory_capacity,
        peak_flops_per_s=_peaks(record, file),
        bandwidth_bytes_per_s=part.memory_bandwidth,
        idle_power_w=record.idle_power_w,
        static_power_w=static_w,
        area_mm2=resources_mm2(needed(file, part, where), part.node_nm),
        launches=False,
        skips_zeros=record.style != DATAFLOW,
        check=check_reuse if record.style == DATAFLOW else None,
        cannot_run=frozenset({"recurrent"} if record.style != DATAFLOW else {"attention", "moe", "norm", "gather"}),
    )


def _peaks(record: Fpga, file: FpgaFile) -> dict[str, float]:
    """Operations a second of all multipliers, the same for every format: wider data does not add multipliers."""
    macs = record.cores * record.matrix_macs
    if record.style == DATAFLOW:
        multipliers = file.dataflow.multipliers_per_output if file.dataflow else 1.0
        macs = file.resources.dsp * multipliers + kernel_resources(file.kernels, "kernels")[0]["dsp"]
    return {name: 2.0 * record.clock_hz * macs for name in ARITHMETIC_CODES}


def _resource_status(file: FpgaFile, where: str) -> dict[str, str]:
    """How the resources of a design's kernels are known; nothing where it names none."""
    if not file.kernels:
        return {}
    extrapolated = kernel_resources(file.kernels, where)[1]
    return {"resources": "kernel fits" + (f", extrapolated: {', '.join(extrapolated)}" if extrapolated else "")}


def needed(file: FpgaFile, part: Part, where: str = "design") -> dict[str, float]:
    """Resources a design needs: as stated, the DSPs of its multiply-adds at the part's packing, and its kernels'."""
    own = file.resources.model_dump()
    if file.overlay is not None:
        macs = file.overlay.cores * file.overlay.matrix_macs
        own["dsp"] = max(own["dsp"], -(-macs // part.products_per_dsp))
    if file.dataflow is not None:
        own["dsp"] *= file.dataflow.multipliers_per_output
    for kind, value in kernel_resources(file.kernels, where)[0].items():
        own[kind] += value
    return own


def check_fit(file: FpgaFile, part: Part, where: str) -> None:
    """Refuse a design that needs more of anything than the part has.

    Raises
    ------
    InputError : with every resource, needed and there, or the channels or on-chip bytes that are too few
    """
    wanted = needed(file, part, where)
    over = [name for name, value in wanted.items() if value > part.resources[name]]
    if over:
        raise InputError(
            f"{where}: does not fit {part.name}: too many {', '.join(over)} ({resource_table(wanted, part.resources)})"
        )
    if file.overlay is not None:
        channels = file.overlay.cores * file.overlay.channels_per_core
        if channels > part.memory_channels:
            raise InputError(
                f"{where}: does not fit {part.name}: {file.overlay.cores:g} cores with overlay.channels_per_core = "
                f"{file.overlay.channels_per_core:g} need {channels:g} memory channels of {part.memory_channels:g}"
            )
        held = BRAM_BYTES * part.resources["bram"] + URAM_BYTES * part.resources["uram"]
        if file.overlay.buffer > held:
            raise InputError(
                f"{where}: does not fit {part.name}: overlay.buffer = {file.overlay.buffer:g} B of the {held:g} B that "
                "its block RAMs and UltraRAMs hold"
            )
