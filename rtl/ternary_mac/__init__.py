"""Kernel ternary_mac: see README.md in this folder."""
