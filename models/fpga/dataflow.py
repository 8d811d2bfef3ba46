"""A fully unrolled dataflow design with reuse factors (the style of hls4ml): latency and initiation interval in cycles.

A layer of ``inputs`` x ``outputs`` weights with reuse factor R has ``inputs outputs / R`` multipliers, each used R
times: one pass takes R cycles and ``step_cycles`` more to read, accumulate, activate and write. Layers stand side by
side on the chip; a layer that follows another row by row (``streamed``) adds one pass of its own to the latency.
Source of the scheme: Fast inference of deep neural networks in FPGAs, doi 10.1088/1748-0221/13/07/P07027.
"""

from __future__ import annotations

from math import ceil

from hwsim.cost import cost_function
from hwsim.errors import InputError
from hwsim.models.fpga.overlay import held_s
from hwsim.models.fpga.record import Fpga
from hwsim.rows import COMPUTE, RECURRENT, OperatorCost, OperatorRow


def multipliers(inputs: int, outputs: int, reuse_factor: int) -> int:
    """Multipliers of a layer.

    >>> multipliers(128, 64, 128)
    64

    Raises
    ------
    InputError : a reuse factor that does not divide the layer's products
    """
    if reuse_factor < 1 or (inputs * outputs) % reuse_factor:
        raise InputError(
            f"reuse factor {reuse_factor} must be 1 or more and divide the layer's {inputs} x {outputs} = "
            f"{inputs * outputs} products"
        )
    return inputs * outputs // reuse_factor


def check_reuse(fpga: Fpga, row: OperatorRow) -> None:
    """Refuse a layer whose inputs its multipliers an output do not divide; more multipliers than inputs use each once.

    Raises
    ------
    InputError : no whole reuse factor
    """
    for inputs in (row.k, row.hidden if row.kind == RECURRENT else 0.0):
        if inputs > fpga.multipliers_per_output and inputs % fpga.multipliers_per_output:
            raise InputError(
                f"dataflow.multipliers_per_output = {fpga.multipliers_per_output:g} does not divide the {inputs:g} "
                "inputs of a layer: its reuse factor (inputs / multipliers) must be a whole number"
            )


@cost_function
def pass_cycles(fpga: Fpga, inputs: float) -> float:
    """Cycles from a layer's input to its output: its reuse factor and the fixed steps."""
    return ceil(inputs / fpga.multipliers_per_output) + fpga.step_cycles


@cost_function
def dense_cycles(fpga: Fpga, row: OperatorRow) -> float:
    """Cycles a dense layer adds: rows one after the other, or one pass behind the layer that feeds it."""
    passes = 1.0 if row.streamed > 0.0 else row.m
    return row.batch * (passes * (pass_cycles(fpga, row.k) - fpga.step_cycles) + fpga.step_cycles)


@cost_function
def recurrent_cycles(fpga: Fpga, row: OperatorRow) -> float:
    """Cycles of a recurrent layer: each step waits for the last; input and recurrent products run side by side."""
    return row.images * row.rows * pass_cycles(fpga, max(row.k, row.hidden))


@cost_function
def dataflow(fpga: Fpga, cycles: float, macs: float) -> OperatorCost:
    """Seconds and joules of ``cycles``; everything is on chip."""
    busy_s, dynamic_j = cycles / fpga.clock_hz, macs * fpga.energy_mac_j
    latency = held_s(fpga, busy_s, dynamic_j)
    energy = dynamic_j + fpga.idle_power_w * latency
    return OperatorCost(latency, energy, busy_s, 0.0, 0.0, 0.0, 0.0, COMPUTE)
