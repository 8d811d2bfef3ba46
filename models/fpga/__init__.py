"""Accelerators on programmable logic: DSP chains, unrolled dataflow."""
