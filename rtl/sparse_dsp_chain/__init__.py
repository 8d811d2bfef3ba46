"""Kernel sparse_dsp_chain: see README.md in this folder."""
