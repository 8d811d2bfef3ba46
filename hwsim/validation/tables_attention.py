"""Measured attention: prefill of whole prompts and one decode step, in bf16 and fp8, with and without a window.

In the tables a decode row's context is ``isl + step``, ``num_key_value_heads`` 0 means as many as query heads, and
``window_size`` above 0 is a sliding window. A prefill row includes the kernel that writes the keys and values into the
cache. Benchmarks repeat one call, so that a KV smaller than the L2 is found there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwsim.validation.targets import Columns, Integers, Targets, grouped, read_table

COLUMNS = (
    "batch_size", "isl", "step", "num_heads", "num_key_value_heads", "head_dim", "window_size", "attn_dtype",
    "kv_cache_dtype",
)  # fmt: skip
TABLES = {"prefill": "context_attention_perf", "decode": "generation_attention_perf"}
FORMATS = {"bfloat16": "bf16", "float16": "bf16", "fp8": "fp8_e4m3"}  # fp16 runs at the rates of bf16


def load(folder: Path, device: str) -> list[Targets]:
    """Targets by phase, format and window, of the device's tables under ``folder``."""
    found = []
    for phase, table in TABLES.items():
        rows = read_table(folder, "attention", table, COLUMNS)
        if not rows:
            continue
        formats = np.array([f"{_format(a)} {_format(k)}" for a, k in zip(*_formats(rows), strict=True)])
        for name in np.unique(formats):
            for windowed in (False, True):
                chosen = (formats == name) & ((rows["window_size"].astype(np.int64) > 0) == windowed)
                if chosen.any():
                    found.append(_targets(device, phase, str(name), windowed, rows, chosen))
    return sorted(found, key=lambda targets: (" decode " in targets.table, len(targets.table.split())))


def _formats(rows: Columns) -> tuple[list[str], list[str]]:
    return rows["attn_dtype"].tolist(), rows["kv_cache_dtype"].tolist()


def _format(name: object) -> str:
    return FORMATS.get(str(name), "bf16")


def _targets(
    device: str, phase: str, formats: str, windowed: bool, rows: Columns, chosen: NDArray[np.bool_]
) -> Targets:
    part = {name: values[chosen] for name, values in rows.items()}
    heads, kv_heads = (part[name].astype(np.int64) for name in ("num_heads", "num_key_value_heads"))
    context = part["isl"].astype(np.int64) + (part["step"].astype(np.int64) if phase == "decode" else 0)
    keys = [part["batch_size"], context, heads, np.where(kv_heads == 0, heads, kv_heads), part["head_dim"]]
    if windowed:
        keys.append(part["window_size"])
    groups = grouped(keys, part["latency_s"], part["framework"])
    batch, context, heads, kv_heads, head_dim, *window = groups.keys.T.astype(np.float64)
    dtype, kv_dtype = formats.split()
    label = f"attention {phase} {'fp8' if dtype == 'fp8_e4m3' else dtype}"
    label += (" fp8 KV" if kv_dtype != dtype else "") + (" window" if windowed else "")
    return Targets(
        operator="attention", table=label, device=device,
        arguments={
            "batch": batch, "query_length": context if phase == "prefill" else np.ones_like(context),
            "kv_length": context, "heads": heads, "kv_heads": kv_heads, "head_dim": head_dim,
            "window": window[0] if window else np.zeros_like(context), "dtype": dtype, "kv_dtype": kv_dtype,
        },
        keys=groups.keys, latency_s=groups.latency_s, framework_s=groups.framework_s,
        size_class=size_class(phase, groups.keys),
    )  # fmt: skip


def size_class(phase: str, keys: Integers) -> NDArray[np.str_]:
    """Label by prompt length (prefill), or by the bytes of a bf16 KV (decode): launch, L2 and memory bound."""
    if phase == "prefill":
        return np.select([keys[:, 1] <= 256, keys[:, 1] <= 2048], ["prompt 1-256", "prompt 257-2048"], "prompt 2049-")
    kv_bytes = 4.0 * keys[:, 0] * keys[:, 1] * keys[:, 3] * keys[:, 4]
    return np.select([kv_bytes <= 4e6, kv_bytes <= 64e6], ["KV to 4 MB", "KV to 64 MB"], "KV from 64 MB")
