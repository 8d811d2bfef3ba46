"""Kernel outlier_ecc: see README.md in this folder."""
