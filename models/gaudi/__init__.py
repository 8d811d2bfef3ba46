"""Gaudi accelerators: matrix engines, tensor processor cores, FP8 units."""
