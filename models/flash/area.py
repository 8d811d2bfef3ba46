"""Silicon area of what is added to a flash die and of the NPU's arrays, by technology node, as a plain scaling.

Areas at 45 nm scale with the square of the node. They are estimates of cells, without wiring between blocks.
"""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.cost import cost_function
from hwsim.models.flash.record import FlashChiplet
from hwsim.models.npu.technology import leakage_w_mm2

MULTIPLY_ADD_45NM_MM2 = 318e-6  # 8-bit multiplier 282 um2, adder 36 um2 (Dally, NIPS 2015 tutorial; Horowitz 2014)
SRAM_BIT_65NM_MM2 = 0.525e-6  # six-transistor cell of a foundry 65 nm process
SMALL_MACRO_SHARE = 0.35  # (assumption) share of a 2 KiB macro that is cells; decoders and amplifiers take the rest
CORE_NODE_NM = 65.0  # the cores are published in 65 nm


@cost_function
def multiply_adds_mm2(count: float, node_nm: float) -> float:
    """Area of ``count`` 8-bit multiply-adders."""
    return count * MULTIPLY_ADD_45NM_MM2 * (node_nm / 45.0) ** 2


@cost_function
def buffer_mm2(size_bytes: float, node_nm: float) -> float:
    """Area of a small SRAM buffer."""
    return 8.0 * size_bytes * SRAM_BIT_65NM_MM2 * (node_nm / 65.0) ** 2 / SMALL_MACRO_SHARE


@cost_function
def core_mm2(flash: FlashChiplet) -> float:
    """Area of one on-die core: multiply-adders, input and output buffer."""
    buffers = buffer_mm2(2.0 * flash.core_buffer_bytes, CORE_NODE_NM)
    return multiply_adds_mm2(flash.core_macs, CORE_NODE_NM) + buffers


@cost_function
def array_mm2(flash: FlashChiplet, node_nm: float) -> float:
    """Area of the NPU's systolic arrays at a node."""
    return multiply_adds_mm2(flash.array_count * flash.array_rows * flash.array_columns, node_nm)


def chiplet_mm2(flash: FlashChiplet, node_nm: float) -> dict[str, float]:
    """Area of what is added to all flash dies, and of the NPU's arrays and SRAM at the NPU's node."""
    return {
        "cores": core_mm2(flash) * flash.channels * flash.chips * flash.dies,
        "arrays": array_mm2(flash, node_nm),
        "sram": buffer_mm2(flash.npu_sram_bytes, node_nm),
    }


def chiplet_static_w(areas_mm2: Mapping[str, float], node_nm: float, process: str) -> float:
    """Watts that the cores on the flash dies (of a low-power 65 nm process) and the NPU leak; the NAND is not in it."""
    cores = areas_mm2["cores"]
    npu = sum(areas_mm2.values()) - cores
    return cores * leakage_w_mm2(CORE_NODE_NM, "low_power") + npu * leakage_w_mm2(node_nm, process)
