"""Measured mixtures of experts: the routed experts of a layer on one device, by format and by routing.

``inter_size`` is the model's, divided by ``moe_tp_size`` on a device. With ``moe_ep_size`` above 1 a device holds a
part of the experts and balanced routing sends it that part of the pairs; some frameworks nevertheless process all
tokens there, so that these rows are told apart. Models with squared ReLU have no gate; the tables name no operator
for it, so they are listed here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwsim.validation.targets import Columns, Integers, Targets, grouped, read_table

KEYS = ("num_tokens", "hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size", "moe_ep_size")
FORMATS = {
    "bfloat16": ("bf16", {"dtype": "bf16"}),
    "float16": ("bf16", {"dtype": "bf16"}),  # runs at the rates of bf16
    "fp8": ("fp8", {"dtype": "fp8_e4m3"}),
    "fp8_block": ("fp8_block", {"dtype": "fp8_e4m3"}),
    "nvfp4": ("nvfp4", {"dtype": "nvfp4"}),
    "int4_wo": ("bf16 x int4", {"dtype": "bf16", "weight_dtype": "int4:g128"}),
    "w4a16_mxfp4": ("bf16 x mxfp4", {"dtype": "bf16", "weight_dtype": "mxfp4"}),
}
#: (inter_size, topk, num_experts) of the Nemotron-H models: squared ReLU, two matrices an expert.
UNGATED = ((1856, 6, 128), (2688, 22, 512), (5120, 22, 512))


def load(folder: Path, device: str) -> list[Targets]:
    """Targets by format, routing, gate and sharding, of the device's tables under ``folder``."""
    rows = read_table(folder, "moe", "moe_perf", (*KEYS, "moe_dtype", "distribution"))
    found: list[Targets] = []
    if not rows:
        return found
    formats = np.array([FORMATS.get(name, ("", {}))[0] for name in rows["moe_dtype"].tolist()])
    shards = rows["moe_ep_size"].astype(np.int64) > 1
    for label, arguments in dict(FORMATS.values()).items():
        for routing in np.unique(rows["distribution"]).tolist():
            for sharded in (False, True):
                chosen = (formats == label) & (rows["distribution"] == routing) & (shards == sharded)
                name = f"moe {label}" + ("" if routing == "balanced" else f" {routing}") + (" ep" if sharded else "")
                for gated in (True, False):
                    part = chosen & (_gated(rows) == gated)
                    if part.any():
                        found.append(
                            _targets(
                                device, name + ("" if gated else " ungated"), routing, rows, part, gated, arguments
                            )
                        )
    return sorted(found, key=lambda targets: len(targets.table.split()))


def _gated(rows: Columns) -> NDArray[np.bool_]:
    names = ("inter_size", "topk", "num_experts")
    shapes = np.stack([rows[name].astype(np.int64) for name in names], axis=1)
    gated: NDArray[np.bool_] = ~np.any([np.all(shapes == shape, axis=1) for shape in UNGATED], axis=0)
    return gated


def _targets(
    device: str, table: str, routing: str, rows: Columns, chosen: NDArray[np.bool_], gated: bool,
    arguments: dict[str, str],
) -> Targets:  # fmt: skip
    groups = grouped([rows[name][chosen] for name in KEYS], rows["latency_s"][chosen], rows["framework"][chosen])
    tokens, hidden, intermediate, top_k, experts, tensor, expert = groups.keys.T.astype(np.float64)
    return Targets(
        operator="moe", table=table, device=device,
        arguments={
            "tokens": tokens, "hidden": hidden, "intermediate": intermediate / tensor, "experts": experts,
            "top_k": top_k, "shards": expert, "routing": routing, "gated": gated, **arguments,
        },
        keys=groups.keys, latency_s=groups.latency_s, framework_s=groups.framework_s,
        size_class=size_class(groups.keys),
    )  # fmt: skip


def size_class(keys: Integers) -> NDArray[np.str_]:
    """Label by tokens: few experts in use, all in use and memory bound, compute bound."""
    tokens = keys[:, 0]
    return np.select([tokens <= 16, tokens <= 512], ["tokens 1-16", "tokens 17-512"], "tokens 513-")
