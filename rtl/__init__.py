"""Verilog kernels, each with its golden model, cycle model and bench."""
