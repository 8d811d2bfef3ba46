"""Measured matrix products: (m, k) by (k, n) in bf16, fp8, int8 and nvfp4, and with weights stored narrower.

fp8 is one scale a tensor or a row, ``fp8_block`` one a 128 x 128 block (1 x 128 of the activation). The activations of
the fp8 tables arrive in fp8; where a framework's kernel quantises them itself, that is part of its spread.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwsim.validation.targets import Integers, Targets, grouped, read_table

#: Format in the tables -> label and the constant arguments of `hwsim.estimate`.
FORMATS = {
    "bfloat16": ("bf16", {"dtype": "bf16"}),
    "fp8": ("fp8", {"dtype": "fp8_e4m3", "scaling": "tensor"}),
    "fp8_block": ("fp8_block", {"dtype": "fp8_e4m3", "scaling": "block"}),
    "nvfp4": ("nvfp4", {"dtype": "nvfp4"}),
    "int8_dynamic": ("int8 eager", {"dtype": "int8", "scaling": "row_eager"}),
    "sq": ("int8", {"dtype": "int8"}),
    "int8_wo": ("bf16 x int8", {"dtype": "bf16", "weight_dtype": "int8"}),
    "int4_wo": ("bf16 x int4", {"dtype": "bf16", "weight_dtype": "int4"}),
}


def load(folder: Path, device: str) -> list[Targets]:
    """Targets by format, of the device's tables under ``folder``."""
    rows = read_table(folder, "gemm", "gemm_perf", ("gemm_dtype", "m", "n", "k"))
    found = []
    if rows:  # SGLang's "int8_wo" scales the activations to int8 in PyTorch's own kernels and multiplies int8
        dynamic = (rows["gemm_dtype"] == "int8_wo") & (rows["framework"] == "sglang")
        rows["gemm_dtype"] = np.where(dynamic, "int8_dynamic", rows["gemm_dtype"])
    for name, (label, arguments) in FORMATS.items() if rows else ():
        chosen = rows["gemm_dtype"] == name
        if not chosen.any():
            continue
        keys = [rows[column][chosen] for column in ("m", "n", "k")]
        groups = grouped(keys, rows["latency_s"][chosen], rows["framework"][chosen])
        m, n, k = groups.keys.T.astype(np.float64)
        found.append(
            Targets(
                operator="matmul", table=f"matmul {label}", device=device,
                arguments={"m": m, "n": n, "k": k, **arguments}, keys=groups.keys, latency_s=groups.latency_s,
                framework_s=groups.framework_s, size_class=size_class(groups.keys),
            )
        )  # fmt: skip
    return found


def size_class(keys: Integers) -> NDArray[np.str_]:
    """Label by rows of the activation: decode-like (up to 16), mixed (up to 256), prefill-like."""
    m = keys[:, 0]
    return np.select([m <= 16, m <= 256], ["m 1-16", "m 17-256"], "m 257-")
