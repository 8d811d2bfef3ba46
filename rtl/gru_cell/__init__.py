"""Kernel gru_cell: see README.md in this folder."""
