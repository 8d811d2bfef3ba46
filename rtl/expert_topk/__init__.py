"""Kernel expert_topk: see README.md in this folder."""
