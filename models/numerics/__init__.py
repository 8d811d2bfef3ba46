"""Bit-exact golden arithmetic, shared by the models and the Verilog benches."""
