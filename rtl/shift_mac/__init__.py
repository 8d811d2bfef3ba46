"""Kernel shift_mac: see README.md in this folder."""
