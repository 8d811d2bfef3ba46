"""Kernel pq_attention: see README.md in this folder."""
