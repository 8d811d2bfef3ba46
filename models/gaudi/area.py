"""Area of a Gaudi's matrix engines, tensor processor cores and SRAM at a node, from scaled published cells.

The cells are those of `hwsim.models.npu.technology`: fp16 multiplier and fp32 adder with registers and wires, SRAM bits
with periphery. A core's lane counts as such a cell. Links, memory controllers, video units and pads are not in it.
"""

from __future__ import annotations

from hwsim.models.gaudi.record import Gaudi
from hwsim.models.npu.technology import array_area_mm2, sram_area_mm2


def gaudi_area_mm2(gaudi: Gaudi, node_nm: float) -> dict[str, float]:
    """Area in mm2 of engines, cores and SRAM."""
    cells = gaudi.engine_count * gaudi.engine_rows * gaudi.engine_columns
    return {
        "engines": array_area_mm2(cells, "fp16", node_nm),
        "cores": array_area_mm2(gaudi.core_count * gaudi.core_lanes_16bit, "fp16", node_nm),
        "sram": sram_area_mm2(gaudi.sram_bytes, node_nm),
    }
