"""Energy an operation and a byte, and area, by technology node: published points and how they are scaled between.

Energies are published for 45 nm and 7 nm; other nodes lie on the power law through both points of each operation,
carried on to 65 nm and 5 nm. SRAM follows the logarithm of its capacity between the published sizes. Areas are those
of 45 nm, scaled by the square of the node; SRAM has a published bit cell for each node. Wires, control and periphery
are two factors taken from the floor plan of TPU v1, so its own figures are met by construction.

Leakage is one published cell at 45 nm and 25 C, 25.07 nW of an AND2_X1 of 1.064 um2 (NanGate open cell library,
typical corner), scaled as ITRS holds the off current of a micron of transistor the same at every node: with the width
in an area, 1 / node, and the supply voltage. A low-power process leaks 1/62 of that (off currents of CACTI 6.5 at
45 nm and 20 C: 6.18 nA/um of its low-operating-power transistors, 381 nA/um of its high-performance ones).

Sources: Horowitz, ISSCC 2014, doi 10.1109/ISSCC.2014.6757323 (45 nm); Jouppi et al., ISCA 2021, table 2,
doi 10.1109/ISCA52012.2021.00010 (7 nm, DRAM); Jouppi et al., ISCA 2017, doi 10.1145/3079856.3080246 (TPU v1).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log, log2

from hwsim.errors import InputError, did_you_mean
from hwsim.models.catalog.kernel_fits import kernel_counts
from hwsim.models.npu.record import Npu

PICO = 1e-12
# pJ an operation at 45 nm and at 7 nm.
OPERATIONS_PJ = {
    "int8_add": (0.03, 0.007), "int32_add": (0.1, 0.03), "fp16_add": (0.4, 0.16), "fp32_add": (0.9, 0.38),
    "int8_multiply": (0.2, 0.07), "int32_multiply": (3.1, 1.48), "fp16_multiply": (1.1, 0.34),
    "fp32_multiply": (3.7, 1.31),
}  # fmt: skip
# Multiply-add of a format: its multiply and the add of its accumulator.
MULTIPLY_ADDS = {"int8": ("int8_multiply", "int32_add"), "fp16": ("fp16_multiply", "fp32_add"),
                 "fp32": ("fp32_multiply", "fp32_add")}  # fmt: skip
# pJ a 64-bit access by capacity in bytes, at 45 nm and at 7 nm.
SRAM_PJ = {8 * 1024: (10.0, 7.5), 32 * 1024: (20.0, 8.5), 1024 * 1024: (100.0, 14.0)}
# pJ a 64-bit access: DDR3 and DDR4, HBM2 (middle of 250 to 450), GDDR6 (middle of 350 to 480).
DRAM_PJ = {"ddr4": 1300.0, "hbm2": 350.0, "gddr6": 415.0}
# um2 at 45 nm; the flip-flop and the two-input NAND are those of the NanGate open cell library.
AREA_UM2 = {"int8_multiply": 282.0, "int32_add": 137.0, "fp16_multiply": 1640.0, "fp32_multiply": 7700.0,
            "fp32_add": 4184.0, "flip_flop": 4.52, "nand2": 0.798}  # fmt: skip
# um2 of an SRAM bit cell by node: published cells of the foundries.
BIT_CELL_UM2 = {65: 0.525, 45: 0.299, 28: 0.127, 16: 0.070, 7: 0.027, 5: 0.021}
# W a mm2 that leaks at 45 nm and 1.1 V, and the share of it in a low-power process.
LEAKAGE_W_MM2 = 25.066e-9 / 1.064e-6
LEAKAGE_SHARE = {"general": 1.0, "low_power": 6.18e-9 / 3.81e-7}
# Supply by node: NanGate (45 nm), CACTI 6.5 (65, 28 by its 32, 16 by its 22), ASAP7 (7), as 7 nm (5).
SUPPLY_V = {65: 1.1, 45: 1.1, 28: 0.9, 16: 0.8, 7: 0.7, 5: 0.7}
SMALLEST_NM, LARGEST_NM = 5.0, 65.0
# TPU v1 at 28 nm, 331 mm2: 65,536 INT8 cells take 24 %, 24 MiB of buffer 29 %.
TPU_V1_CELL_UM2 = 0.24 * 331e6 / 65536
TPU_V1_BIT_UM2 = 0.29 * 331e6 / (24 * 2**20 * 8)


def _node(node_nm: float) -> float:
    if not SMALLEST_NM <= node_nm <= LARGEST_NM:
        raise InputError(f"technology: node(={node_nm} nm) must be between {SMALLEST_NM:.0f} and {LARGEST_NM:.0f} nm")
    return float(node_nm)


def _between(points: tuple[float, float], node_nm: float) -> float:
    """The power law through the points of 45 nm and 7 nm, at a node."""
    at_45, at_7 = points
    slope = log(at_45 / at_7) / log(45.0 / 7.0)
    return at_7 * float((_node(node_nm) / 7.0) ** slope)


def operation_energy_j(operation: str, node_nm: float) -> float:
    """Joules of one operation, such as ``fp16_multiply``, at a node in nm.

    Raises
    ------
    InputError : an operation that is not published, a node outside 5 to 65 nm

    >>> round(operation_energy_j("int8_multiply", 45) * 1e12, 3)
    0.2
    """
    if operation not in OPERATIONS_PJ:
        raise InputError(
            f"technology: operation '{operation}' does not exist{did_you_mean(operation, OPERATIONS_PJ)}; "
            f"allowed: {', '.join(OPERATIONS_PJ)}"
        )
    return _between(OPERATIONS_PJ[operation], node_nm) * PICO


def multiply_add_energy_j(number_format: str, node_nm: float) -> float:
    """Joules of a multiply-add of int8, fp16 (fp32 sums) or fp32, the arithmetic alone."""
    if number_format not in MULTIPLY_ADDS:
        raise InputError(f"technology: format '{number_format}' must be one of {', '.join(MULTIPLY_ADDS)}")
    return sum(operation_energy_j(name, node_nm) for name in MULTIPLY_ADDS[number_format])


def sram_energy_byte_j(capacity_bytes: float, node_nm: float) -> float:
    """Joules a byte of an SRAM of a capacity: linear in the logarithm of the capacity, a larger one by its slope."""
    if not capacity_bytes > 0:
        raise InputError(f"technology: SRAM capacity(={capacity_bytes}) must be > 0")
    sizes = sorted(SRAM_PJ)
    pairs = list(zip(sizes, sizes[1:], strict=False))
    low, high = next((pair for pair in pairs if capacity_bytes <= pair[1]), pairs[-1])
    share = (log2(max(capacity_bytes, sizes[0])) - log2(low)) / (log2(high) - log2(low))
    one, other = _between(SRAM_PJ[low], node_nm), _between(SRAM_PJ[high], node_nm)
    return (one + share * (other - one)) / 8.0 * PICO


def dram_energy_byte_j(kind: str) -> float:
    """Joules a byte of ddr4, hbm2 or gddr6; it does not follow the logic's node."""
    if kind not in DRAM_PJ:
        raise InputError(f"technology: memory '{kind}' must be one of {', '.join(DRAM_PJ)}")
    return DRAM_PJ[kind] / 8.0 * PICO


def _int8_cell_um2() -> float:
    """A weight-stationary INT8 cell at 45 nm: multiplier, adder, two weights, an activation and a sum in registers."""
    return AREA_UM2["int8_multiply"] + AREA_UM2["int32_add"] + (3 * 8 + 32) * AREA_UM2["flip_flop"]


def wiring_factor() -> float:
    """Area of TPU v1's array over that of its cells' arithmetic and registers."""
    return TPU_V1_CELL_UM2 / (_int8_cell_um2() * (28.0 / 45.0) ** 2)


def cell_area_um2(number_format: str, node_nm: float, register_bits: float = 56.0) -> float:
    """Area of one array cell of int8, int16, fp16 or fp32 with its registers, wires and control included."""
    arithmetic = {
        "int8": AREA_UM2["int8_multiply"] + AREA_UM2["int32_add"],
        "int16": 4.0 * AREA_UM2["int8_multiply"] + AREA_UM2["int32_add"],  # a multiplier grows with the square
        "fp16": AREA_UM2["fp16_multiply"] + AREA_UM2["fp32_add"],
        "fp32": AREA_UM2["fp32_multiply"] + AREA_UM2["fp32_add"],
    }
    if number_format not in arithmetic:
        raise InputError(f"technology: format '{number_format}' must be one of {', '.join(arithmetic)}")
    plain = arithmetic[number_format] + register_bits * AREA_UM2["flip_flop"]
    return wiring_factor() * plain * (_node(node_nm) / 45.0) ** 2


def sram_area_mm2(capacity_bytes: float, node_nm: float) -> float:
    """Area of an SRAM: bit cells of the nearest published node, with the periphery of TPU v1's buffer."""
    nearest = min(BIT_CELL_UM2, key=lambda node: abs(log(node / _node(node_nm))))
    cell = BIT_CELL_UM2[nearest] * (node_nm / nearest) ** 2
    return capacity_bytes * 8.0 * cell * TPU_V1_BIT_UM2 / BIT_CELL_UM2[28] * 1e-6


def leakage_w_mm2(node_nm: float, process: str = "general") -> float:
    """Watts that a mm2 of logic or SRAM leaks at room temperature, of a ``general`` or ``low_power`` process.

    A factor of two either way at the voltage and temperature of a product: leakage doubles every 20 to 60 K.

    >>> round(leakage_w_mm2(45) * 1e3, 1)
    23.6
    """
    if process not in LEAKAGE_SHARE:
        raise InputError(f"technology: process '{process}' must be one of {', '.join(LEAKAGE_SHARE)}")
    supply_v = SUPPLY_V[min(SUPPLY_V, key=lambda node: abs(log(node / _node(node_nm))))]
    return LEAKAGE_W_MM2 * (45.0 / node_nm) * supply_v / SUPPLY_V[45] * LEAKAGE_SHARE[process]


def static_power_w(areas_mm2: Mapping[str, float], node_nm: float, process: str = "general") -> float:
    """Watts that the modelled area of a device leaks, whether or not it works."""
    return sum(areas_mm2.values()) * leakage_w_mm2(node_nm, process)


def npu_areas_mm2(npu: Npu, node_nm: float) -> dict[str, float]:
    """Area of an NPU's arrays, their stores and the on-chip memory; vector units, links and pads are not in it.

    A cell is one of fp16, or of int8 where there is no 16-bit hardware; in a row-stationary array one of int16, whose
    stores are registers.
    """
    cells = npu.array_count * npu.array_rows * npu.array_columns
    words = npu.local_input_words + npu.local_filter_words + npu.local_sum_words
    found = {"sram": sram_area_mm2(npu.sram_bytes, node_nm)}
    if words:
        bits = 16.0 * words
        found["arrays"] = cells * cell_area_um2("int16", node_nm, register_bits=0.0) * 1e-6
        found["stores"] = cells * bits * AREA_UM2["flip_flop"] * (node_nm / 45.0) ** 2 * 1e-6
    else:
        number_format = "fp16" if npu.macs_16bit else "int8"
        macs = npu.macs_16bit or npu.macs_int8
        found["arrays"] = array_area_mm2(cells * max(macs, 1.0), number_format, node_nm)
    return found


def npu_area_mm2(npu: Npu, node_nm: float) -> float:
    """Sum of `npu_areas_mm2`."""
    return sum(npu_areas_mm2(npu, node_nm).values())


def array_area_mm2(cells: float, number_format: str, node_nm: float) -> float:
    """Area of an array of cells."""
    return cells * cell_area_um2(number_format, node_nm) * 1e-6


def kernel_area_mm2(kernel: str, parameters: Mapping[str, int], node_nm: float) -> float:
    """Area of a Verilog kernel's logic from its fitted gates, with wires; its memories are not in it.

    Raises
    ------
    UnknownNameError, InputError : no such kernel, parameters that are not fitted, a node outside 5 to 65 nm
    """
    gates = kernel_counts(kernel, parameters)["gates"]
    return gates * wiring_factor() * AREA_UM2["nand2"] * (_node(node_nm) / 45.0) ** 2 * 1e-6
