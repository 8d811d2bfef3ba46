"""Techniques: rewrites that change bytes, FLOPs or order, each one small file with its paper."""
