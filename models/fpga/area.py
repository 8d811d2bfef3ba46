"""Silicon area that a design's resources take, by the node of the part.

Areas are those of a 65 nm part (Stratix III), scaled by the square of the node: a logic array block (10 adaptive logic
modules with their routing) 0.0221 mm2, a 9-kbit memory 2.87 of them, a 144-kbit memory 26.7, half a DSP block (four
18 x 18 multipliers) 11.9. Source: Wong, Betz and Rose, FPGA 2011, doi 10.1145/1950413.1950419 (recalled). A look-up
table with its two flip-flops counts as a module, a 36-kbit block RAM as four 9-kbit ones, an UltraRAM as two 144-kbit
ones, a 27 x 18 DSP slice as one and a half multipliers. Transceivers, hard controllers and HBM are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping

BLOCK_MM2 = 0.0221
PUBLISHED_NM = 65.0
#: Blocks that one of each resource takes; flip-flops come with the look-up tables.
BLOCKS = {"lut": 1.0 / 10.0, "ff": 0.0, "bram": 4.0 * 2.87, "uram": 2.0 * 26.7, "dsp": 1.5 / 4.0 * 11.9}


def resources_mm2(resources: Mapping[str, float], node_nm: float) -> dict[str, float]:
    """Area by resource in mm2 at a node in nm.

    >>> round(resources_mm2({"lut": 1000.0}, 65)["lut"], 2)
    2.21
    """
    scale = BLOCK_MM2 * (node_nm / PUBLISHED_NM) ** 2
    return {name: count * BLOCKS[name] * scale for name, count in resources.items()}
