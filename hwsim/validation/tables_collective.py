"""Measured collectives: NCCL's all-reduce, all-gather, reduce-scatter and all-to-all over 2 to 8 ranks.

``message_size`` of the tables counts elements of the whole (gathered) tensor: ``half`` takes 2 bytes, ``int8`` one.
One-shot all-reduces of serving frameworks are a table of their own: the fastest kernel of the small messages they
serve, whole kernels in a graph.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwsim.validation.targets import Floats, Targets, grouped, read_table

OPERATIONS = {
    "all_reduce": "all_reduce",
    "all_gather": "all_gather",
    "reduce_scatter": "reduce_scatter",
    "alltoall": "all_to_all",
}
#: Format in the tables -> format of `hwsim.estimate` and its bytes.
FORMATS = {"half": ("fp16", 2), "int8": ("int8", 1)}
LARGEST_ONE_SHOT_BYTES = 256 * 1024  # frameworks turn to two-shot kernels beyond


def load(folder: Path, device: str) -> list[Targets]:
    """Targets by operation and format, of the device's NCCL tables under ``folder``, and of one-shot all-reduce."""
    rows = read_table(folder, "comm", "nccl_perf", ("op_name", "nccl_dtype", "num_gpus", "message_size"))
    found = []
    for name, operation in OPERATIONS.items() if rows else ():
        for label, (dtype, size) in FORMATS.items():
            chosen = (rows["op_name"] == name) & (rows["nccl_dtype"] == label)
            if chosen.any():
                arguments = {"operation": operation, "dtype": dtype}
                table = f"collective {operation} {dtype}"
                found.append(_targets(rows, chosen, size, device, table, arguments))
    return [*found, *_one_shot(folder, device)]


def _one_shot(folder: Path, device: str) -> list[Targets]:
    columns = ("kernel_source", "allreduce_dtype", "num_gpus", "message_size")
    rows = read_table(folder, "comm", "custom_allreduce_perf", columns)
    if not rows:
        return []
    small = rows["message_size"].astype(np.int64) * 2 <= LARGEST_ONE_SHOT_BYTES
    chosen = small & (rows["kernel_source"] == "TRTLLM") & (rows["allreduce_dtype"] == "bfloat16")
    arguments = {"operation": "all_reduce", "dtype": "bf16", "algorithm": "one_shot"}
    return [_targets(rows, chosen, 2, device, "collective all_reduce one_shot", arguments)] if chosen.any() else []


def _targets(
    rows: dict[str, NDArray[np.generic]], chosen: NDArray[np.bool_], size: int, device: str, table: str,
    arguments: dict[str, str],
) -> Targets:  # fmt: skip
    keys = [rows[column][chosen] for column in ("num_gpus", "message_size")]
    latency_s: Floats = rows["latency_s"][chosen].astype(np.float64)
    groups = grouped(keys, latency_s, rows["framework"][chosen])
    ranks, elements = groups.keys.T.astype(np.float64)
    message_bytes = elements * size
    return Targets(
        operator="collective", table=table, device=device,
        arguments={"ranks": ranks, "message_bytes": message_bytes, **arguments}, keys=groups.keys,
        latency_s=groups.latency_s, framework_s=groups.framework_s, size_class=size_class(message_bytes),
    )  # fmt: skip


def size_class(message_bytes: Floats) -> NDArray[np.str_]:
    """Label by bytes: latency-bound (up to 64 KiB), in between, bandwidth-bound (above 4 MiB)."""
    limits = [message_bytes <= 2.0**16, message_bytes <= 2.0**22]
    return np.select(limits, ["up to 64 KiB", "64 KiB - 4 MiB"], "above 4 MiB")
