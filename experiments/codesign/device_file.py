"""A chosen design as a device file of the npu family, which `hwsim run NETWORK --on FILE` reads like any other."""

from __future__ import annotations

import tomllib

from hwsim.experiments.codesign.space import FORMATS, Candidate
from hwsim.hardware import Device
from hwsim.models.fpga.parts import Part
from hwsim.models.npu.family import build
from hwsim.models.npu.technology import dram_energy_byte_j

CLOCK_HZ = 250e6
BRAM_BYTES, URAM_BYTES = 36 * 1024 // 8, 288 * 1024 // 8
VECTOR_LANES = 64  # the widest softmax_rmsnorm


def sram_bytes(part: Part, share: float) -> float:
    """Bytes of on-chip memory: the share of the part's block RAM and UltraRAM."""
    return share * (part.resources["bram"] * BRAM_BYTES + part.resources["uram"] * URAM_BYTES)


def edge_bytes_per_s(candidate: Candidate, clock_hz: float) -> float:
    """Bytes/s that both operand edges of all arrays read from on-chip memory."""
    operands = candidate.count * (candidate.rows + candidate.columns)
    return operands * FORMATS[candidate.format].operand_bits / 8.0 * clock_hz


def device_text(candidate: Candidate, part: Part, *, share: float, clock_hz: float = CLOCK_HZ) -> str:
    """TOML text of the design on a part; what is neither the design's nor the part's is marked as an assumption."""
    return (
        f"""# Decode NPU: {candidate.text}, on {part.name}
# [n] refers to the list under [sources].
family = "npu"
description = "{candidate.text}, on {part.name}"
"""
        + _array(candidate, clock_hz)
        + _memories(candidate, part, share, clock_hz)
        + _power_and_energy(part)
        + _STATUS_AND_SOURCES
    )


def _array(candidate: Candidate, clock_hz: float) -> str:
    return f"""
[array]
count = {candidate.count}  # [1] chosen
rows = {candidate.rows}  # [1] chosen
columns = {candidate.columns}  # [1] chosen
clock = "{clock_hz / 1e6:.6g} MHz"  # (assumption) Yosys counts, it does not time
dataflow = "{candidate.dataflow}"  # [1]
cycles = "rtl_stream"  # [1] the cycle formula that the Verilog meets exactly
achieved = 1  # [1] operands offered every cycle
fp32 = 0  # no hardware
bf16 = 0  # no hardware
fp8 = 0  # no hardware
int8 = 1  # [1] one {candidate.format} multiply-add a cell and cycle

[vector]
operations = {2 * VECTOR_LANES}  # (assumption) a multiply-add a lane
exponentials = {VECTOR_LANES}  # (assumption) the widest softmax_rmsnorm kernel
"""


def _memories(candidate: Candidate, part: Part, share: float, clock_hz: float) -> str:
    return f"""
[sram]
capacity = "{sram_bytes(part, share):.0f} B"  # [2] {share:.4g} of block RAM and UltraRAM
bandwidth = "{edge_bytes_per_s(candidate, clock_hz) / 1e9!r} GB/s"  # [1] both operand edges of every array

[memory]
capacity = "{part.memory_capacity / 1e9:.6g} GB"  # [2]
bandwidth = "{part.memory_bandwidth / 1e9:.6g} GB/s"  # [2]
achieved = 0.7  # (assumption) share that FlightLLM's streams reach on an Alveo U280
latency = "1 us"  # (assumption)

[kernel]
fixed = "1 us"  # (assumption) one instruction
"""


def _power_and_energy(part: Part) -> str:
    stacked = part.memory_channels > 1
    memory_pj = dram_energy_byte_j("hbm2" if stacked else "ddr4") * 1e12
    idle, limit = (30, 225) if stacked else (5, 40)
    return f"""
[power]
idle = "{idle} W"  # (assumption)
limit = "{limit} W"  # (assumption)

[energy]
fp32 = "8 pJ"  # (assumption) in fabric
bf16 = "8 pJ"  # (assumption) in fabric
int8 = "1.5 pJ"  # (assumption) half of a multiply-add in a 16 nm DSP slice with its routing
vector = "8 pJ"  # (assumption) in fabric
sram_byte = "2.3 pJ"  # (assumption)
memory_byte = "{memory_pj:.4g} pJ"  # [3]
"""


_STATUS_AND_SOURCES = """
[status]
latency = "unvalidated"
power = "unvalidated"

[sources]
1 = "python -m hwsim.experiments.codesign.decode_npu"
2 = "the part's file in the catalog, and the sources there"
3 = "Jouppi et al., ISCA 2021, doi 10.1109/ISCA52012.2021.00010, table 2"
"""


def read_design(text: str, name: str) -> Device:
    """The device that a file's text describes, by the catalog's reader."""
    return build(tomllib.loads(text), name, {})
