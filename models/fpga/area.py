"""Silicon area that a design's resources take, by the node of the part, and what a part leaks.

Areas are those of a 65 nm part (Stratix III), scaled by the square of the node: a logic array block (10 adaptive logic
modules with their routing) 0.0221 mm2, a 9-kbit memory 2.87 of them, a 144-kbit memory 26.7, half a DSP block (four
18 x 18 multipliers) 11.9. Source: Wong, Betz and Rose, FPGA 2011, doi 10.1145/1950413.1950419; the four figures are
recalled, the paper was not at hand. A look-up table with its two flip-flops counts as a module, a 36-kbit block RAM as
four 9-kbit ones, an UltraRAM as two 144-kbit ones, a 27 x 18 DSP slice as one and a half multipliers. Transceivers,
hard controllers and HBM are not in it.

All of a part leaks, used or not. The anchor is the device static power, 0.694 W at a junction of 28.6 C, that AMD's
Vivado reports for an XCZU7EV (16 nm FinFET; 230,400 look-up tables, 312 block RAMs, 96 UltraRAMs and 1,728 DSPs,
DS891) in a public design, over the area of those resources by the formulas above: 13 mW a mm2. It scales with the node
as the leakage of `hwsim.models.npu.technology` does, of which it is a quarter: most of a part is configuration memory
of slow transistors.
"""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.models.npu.technology import leakage_w_mm2

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


#: Resources of the XCZU7EV, and what it leaks.
ANCHOR = {"lut": 230_400.0, "bram": 312.0, "uram": 96.0, "dsp": 1728.0}
ANCHOR_W, ANCHOR_NM = 0.694, 16.0


def part_static_w(resources: Mapping[str, float], node_nm: float) -> float:
    """Watts that a part of these resources leaks at room temperature.

    >>> round(part_static_w(ANCHOR, 16), 3)
    0.694
    """
    share = ANCHOR_W / sum(resources_mm2(ANCHOR, ANCHOR_NM).values()) / leakage_w_mm2(ANCHOR_NM)
    return sum(resources_mm2(resources, node_nm).values()) * leakage_w_mm2(node_nm) * share
