"""Processors: cores with vector and matrix units, caches, memory channels. See docs/methods/cpu.md."""
