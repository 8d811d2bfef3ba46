"""Measured latent attention (DeepSeek's): prefill of whole prompts on expanded heads, one decode step on the latents.

Heads are those of a rank. A prompt has keys of 192 and values of 128 for each head; a decode step shares one latent
vector of 576 a token, whose first 512 are its values, among all heads and reads it once. Nothing is fitted to it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwsim.validation.tables_attention import size_class
from hwsim.validation.targets import Columns, Targets, grouped, read_table

COLUMNS = ("batch_size", "isl", "step", "num_heads", "kv_cache_dtype")
TABLES = {"prefill": "context_mla_perf", "decode": "generation_mla_perf"}
FORMATS = {"bfloat16": "bf16", "fp8": "fp8_e4m3"}
LATENT, VALUES = 576.0, 512.0  # of them 64 rotary
EXPANDED_KEY, EXPANDED_VALUE = 192.0, 128.0


def load(folder: Path, device: str) -> list[Targets]:
    """Targets by phase and format of the KV, of the device's tables under ``folder``."""
    found = []
    for phase, table in TABLES.items():
        rows = read_table(folder, "mla", table, COLUMNS)
        for name, kv_dtype in FORMATS.items() if rows else ():
            chosen = rows["kv_cache_dtype"] == name
            if chosen.any():
                found.append(_targets(device, phase, kv_dtype, rows, chosen))
    return found


def _targets(device: str, phase: str, kv_dtype: str, rows: Columns, chosen: NDArray[np.bool_]) -> Targets:
    part = {name: values[chosen] for name, values in rows.items()}
    decode = phase == "decode"
    context = part["isl"].astype(np.int64) + (part["step"].astype(np.int64) if decode else 0)
    keys = [part["batch_size"], context, part["num_heads"]]
    groups = grouped(keys, part["latency_s"], part["framework"])
    batch, context, heads = groups.keys.T.astype(np.float64)
    one = np.ones_like(batch)
    kv_heads = one if decode else heads
    columns = (batch, context, heads, kv_heads, (LATENT / 2.0 if decode else EXPANDED_KEY) * one)
    return Targets(
        operator="attention", table=f"latent {phase} bf16" + (" fp8 KV" if kv_dtype != "bf16" else ""), device=device,
        arguments={
            "batch": batch, "query_length": one if decode else context, "kv_length": context, "heads": heads,
            "kv_heads": kv_heads, "head_dim": (LATENT if decode else EXPANDED_KEY) * one,
            "value_head_dim": (VALUES if decode else EXPANDED_VALUE) * one, "shared_values": decode, "dtype": "bf16",
            "kv_dtype": kv_dtype,
        },
        keys=groups.keys, latency_s=groups.latency_s, framework_s=groups.framework_s,
        size_class=size_class(phase, np.stack(columns, axis=1).astype(np.int64)), fitted=False,
    )  # fmt: skip
