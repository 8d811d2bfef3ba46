"""Kernel fp8_mac: see README.md in this folder."""
