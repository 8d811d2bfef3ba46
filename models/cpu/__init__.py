"""Processors: vector and matrix units, caches, memory channels."""
