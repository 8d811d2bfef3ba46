"""One entry to the FPGA's cost functions, by the style of the design and the kind of a row."""

from __future__ import annotations

from hwsim.cost import cost_function
from hwsim.models.fpga.dataflow import dataflow, dense_cycles, recurrent_cycles
from hwsim.models.fpga.overlay import attention, experts, lanes, matmul, spilled
from hwsim.models.fpga.record import DATAFLOW, Fpga
from hwsim.rows import ATTENTION, CONVOLUTION, GATHER, MATMUL, MOE, NORM, RECURRENT, SOFTMAX, OperatorCost, OperatorRow


@cost_function
def overlay_cost(fpga: Fpga, row: OperatorRow) -> OperatorCost:
    """Cost on an overlay."""
    if row.kind == MATMUL or row.kind == CONVOLUTION:
        return matmul(fpga, row)
    if row.kind == ATTENTION:
        return attention(fpga, row)
    if row.kind == MOE:
        return experts(fpga, row)
    if row.kind == NORM or row.kind == SOFTMAX:
        passes = fpga.norm_passes if row.kind == NORM else fpga.softmax_passes
        return lanes(fpga, row.rows * row.columns * passes, spilled(fpga, row.bytes))
    if row.kind == GATHER:
        return lanes(fpga, row.rows * row.columns, row.rows * row.columns * row.stored_bytes)
    return lanes(fpga, row.elements, spilled(fpga, row.bytes))


@cost_function
def operator_cost(fpga: Fpga, row: OperatorRow) -> OperatorCost:
    """Cost of one call of an operator on one design, without the host's share."""
    if fpga.style == DATAFLOW:
        if row.kind == RECURRENT:
            return dataflow(fpga, recurrent_cycles(fpga, row), 0.5 * row.flops)
        if row.kind == MATMUL or row.kind == CONVOLUTION:
            return dataflow(fpga, dense_cycles(fpga, row), 0.5 * row.flops)
        return dataflow(fpga, fpga.step_cycles, row.flops)
    return overlay_cost(fpga, row)
