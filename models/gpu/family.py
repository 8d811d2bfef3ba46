"""Read a GPU's TOML table into its record and the engine's `Device`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.hardware import Device
from hwsim.models.catalog.family import LinkedDeviceFile, checked, described, idle_power_w, record_values
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
    Table,
    Time,
)  # fmt: skip
from hwsim.models.gpu.arithmetic import tensor_rate
from hwsim.models.gpu.cost import operator_cost
from hwsim.models.gpu.power import collective_power_w
from hwsim.models.gpu.record import RECORD_PATHS, Gpu
from hwsim.models.gpu.residuals import residuals
from hwsim.rows import ARITHMETIC_CODES


class Tensor(Table):
    """Tensor cores: dense FLOPs per cycle per SM by format; 0 or absent: no hardware."""

    fp32: Number = 0.0
    tf32: Number = 0.0
    fp16: Number = 0.0
    fp8: Number = 0.0
    int8: Number = 0.0
    int4: Number = 0.0
    fp4: Number = 0.0


class Vector(Table):
    """Units beside the tensor cores, per cycle per SM: fp32 FLOPs and exponentials."""

    fp32: Positive
    exponential: Positive


class L2(Table):
    """The last-level cache: capacity, and bytes read per cycle by all SMs together."""

    capacity: Capacity
    partitions: Positive = 1.0
    bytes_per_cycle: Positive


class Memory(Table):
    """Main memory: pin bandwidth, the share long streams reach, latency, and what an SM keeps outstanding."""

    capacity: Capacity
    bandwidth: Bandwidth
    achieved: Share
    latency: Time
    bytes_in_flight_per_sm: Capacity


class Kernel(Table):
    """The time no kernel goes below: start to drain."""

    fixed: Time


class MatmulTable(Table):
    """Matrix products: shares of the tensor rate and of the L2, cycles of a step and of a store, kernel times."""

    achieved: Share
    step_cycles: Number
    store_cycles: Number
    accumulators: Positive
    dependent: Share = 0.0
    rounding: Number
    interference: Number
    l2_bytes_per_cycle: Positive
    l2_share: Share
    fixed: Time


class QuantiseTable(Table):
    """Scaling 16-bit activations to 8 or 4 bits: the kernel's fixed time, times a value of a row and a row, a share."""

    fixed: Time
    value: Time
    row: Time
    grid: Time
    host: Time
    memory: Share


class AttentionTable(Table):
    """Fused attention: times of its kernels and of a thread block, and the shares of the rates that it reaches."""

    fixed: Time
    append: Time
    append_row: Time
    block: Time
    ungrouped: Share
    achieved: Share
    memory: Share
    ramp: Time
    combine: Time
    split: Time
    in_flight: Positive = 1.0
    value_tile: Number = 0.0
    cluster: Number = 0.0
    narrow: Number = 0.0


class MoeTable(Table):
    """Routed experts: times of their kernels and of a tile, and the shares of the rates that they reach."""

    fixed: Time
    block: Time
    achieved: Share
    memory: Share
    unaligned: Share
    interference: Share


class PowerTable(Table):
    """Board power: idle with clocks up, the limit the board holds, and the share of it that running SMs add to idle."""

    idle: Power
    limit: Power
    active_share: Number = 0.0


class EnergyTable(Table):
    """Energy per FLOP by format, and per byte by memory level, board losses included."""

    fp32: Energy
    tf32: Energy
    fp16: Energy
    fp8: Energy
    int8: Energy
    fp4: Energy
    vector: Energy
    l2_byte: Energy
    memory_byte: Energy


class GpuFile(LinkedDeviceFile):
    """A GPU of the catalog."""

    architecture: str = ""
    sm_count: Count
    clock: Frequency
    tensor: Tensor
    vector: Vector
    l2: L2
    memory: Memory
    kernel: Kernel
    matmul: MatmulTable
    quantise: QuantiseTable
    attention: AttentionTable
    moe: MoeTable
    power: PowerTable
    energy: EnergyTable


SCHEMA = GpuFile


def build(table: Mapping[str, Any], where: str, overrides: Mapping[str, Any]) -> Device:
    """Check a GPU's table, with some TOML paths replaced, and build its `Device`.

    Raises
    ------
    InputError, UnknownNameError : a mistake in the table or the overrides, as one line that names ``where`` and the key
    """
    file = checked(GpuFile, table, where, overrides)
    idle_power_w(file.power.idle, 0.0, where, file.power.limit)  # refuses a limit that leaves nothing to run with
    gpu = Gpu(**record_values(file, RECORD_PATHS))
    return Device(
        **described(file, where, RECORD_PATHS),
        record=gpu,
        cost=operator_cost,
        memory_bytes=gpu.memory_bytes,
        peak_flops_per_s={
            name: gpu.sm_count * gpu.clock_hz * tensor_rate(gpu, code) for name, code in ARITHMETIC_CODES.items()
        },
        bandwidth_bytes_per_s=gpu.memory_bandwidth_bytes_per_s,
        idle_power_w=gpu.idle_power_w,
        collective_power=collective_power_w,
        residuals=residuals(file.status.latency),
    )
