"""Kernel fp8_dot: see README.md in this folder."""
