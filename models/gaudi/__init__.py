"""Gaudi accelerators: matrix engines, tensor processor cores, FP8 scaling, energy. See docs/methods/gaudi.md."""
