"""Kernel softmax_rmsnorm: see README.md in this folder."""
