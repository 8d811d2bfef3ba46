"""Kernel secded: see README.md in this folder."""
