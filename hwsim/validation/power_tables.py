"""Board power as `hwsim validate` shows it: tables of measured kernels, in watts, with the error of their nearest kind.

Two rows a family: ``power ...`` compares the steady power of the kernel with the reading as it is; ``power ..., read``
compares what the meter of that collection would show (`hwsim.validation.meter`), after what ran before, which the order
of the collection tells (`hwsim.validation.collection`). The noise floor is the error of the median of the nearest
measured kernels.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hwsim
from hwsim.errors import InputError
from hwsim.hardware import Device
from hwsim.rows import BOUND_NAMES
from hwsim.validation.collection import finished, read_w
from hwsim.validation.evaluation import WORST, Evaluation
from hwsim.validation.meter import own_share
from hwsim.validation.power import (
    FILES,
    PUBLIC,
    SETTLED_S,
    KernelPower,
    from_table,
    joined,
    load,
    neighbour_w,
    predicted_w,
)
from hwsim.validation.scoring import Score, by_size, relative_errors, score, score_where
from hwsim.validation.targets import Floats, Targets, data_folder

ATTENTION = ("batch_size", "context", "heads", "kv_heads", "head_dim")
EXPERTS = ("tokens", "hidden", "intermediate", "top_k", "experts", "moe_tp", "moe_ep")
KINDS = {  # of kernels: name in the tables, and the columns of a key
    "gemm": ("matmul", ("m", "n", "k")), "context_attention": ("attention prefill", ATTENTION),
    "generation_attention": ("attention decode", ATTENTION), "moe": ("moe", EXPERTS),
}  # fmt: skip
LABELS = {"bfloat16": "bf16", "fp8_block": "fp8_block", "fp8": "fp8 KV"}
MOST_KERNELS = 4000  # of a family, thinned by a fixed stride
NOTES = (
    "Watts. The meter shows the mean of its last second, and kernels repeat for a second or less, so that readings are "
    "in part of what ran before; ', read' compares what that meter would show after the kernels before in the order of "
    "the collection. Noise floor: error of the median of the six nearest measured kernels."
)


@dataclass(frozen=True, kw_only=True)
class PowerEvaluation(Evaluation):
    """An evaluation whose noise floor is the error of ``neighbour_w``, the median of the nearest measured kernels."""

    neighbour_w: Floats
    own_share: Floats

    def worst(self, count: int = WORST) -> list[dict[str, Any]]:
        """Kernels with the largest errors; the reason is how much of the reading is the kernel's own."""
        signed = relative_errors(self.predicted_s, self.targets.latency_s)
        order = np.argsort(-np.abs(signed))[:count]
        return [
            {**each, "reason": f"{100 * self.own_share[index]:.0f} % of the reading is the kernel's, the rest older"}
            for each, index in zip(super().worst(count), order, strict=True)
        ]

    def _floor(self, found: Score | None, chosen: NDArray[np.bool_]) -> Score | None:
        errors = np.abs(self.neighbour_w / self.targets.latency_s - 1.0)[chosen]
        return replace(found, noise_floor=float(np.mean(errors))) if found else None

    @property
    def all_rows(self) -> Score:
        """Score over all kernels."""
        found = self._floor(score(self.targets, self.predicted_s, self.roofline_s), self.targets.held_out | True)
        assert found is not None  # a family without kernels is never evaluated
        return found

    @property
    def held_out(self) -> Score | None:
        """Score over the held-out kernels."""
        chosen = self.targets.held_out
        return self._floor(score_where(self.targets, chosen, self.predicted_s, self.roofline_s), chosen)

    @property
    def sizes(self) -> dict[str, Score]:
        """Score by how long the kernel was repeated."""
        found = by_size(self.targets, self.predicted_s, self.roofline_s)
        floors = {label: self._floor(each, self.targets.size_class == label) for label, each in found.items()}
        return {label: each for label, each in floors.items() if each}


def measured(device: str) -> bool:
    """Tell whether there is a kernel power of the device to compare with here."""
    return _in_folder(device) or bool(_parquet(device))


def _in_folder(device: str) -> bool:
    folder = os.environ.get("HWSIM_DATA_DIR")
    return device in FILES and bool(folder) and (Path(str(folder)) / FILES[device]).is_file()


def _parquet(device: str) -> list[Path]:
    """Tables of attention and of experts in the installed collection that state power."""
    folder = data_folder(device)
    if folder is None or not folder.is_dir():
        return []
    from pyarrow import parquet

    files = [
        *sorted(folder.glob("attention/*/*/*_attention_perf.parquet")),
        *sorted(folder.glob("moe/*/*/moe_perf.parquet")),
    ]
    return [file for file in files if "power" in parquet.read_schema(file).names]


def kernels(device: str) -> tuple[KernelPower, Floats]:
    """Measured kernels of a device, from ``HWSIM_DATA_DIR`` or the installed collection, and their predicted readings.

    No number (nan) stands for a reading that is not predicted: experts' kernels ran in an order of their own.

    Raises
    ------
    InputError : none are to be found
    """
    board = hwsim.device(device)
    if _in_folder(device):
        rows = load(device)
        return rows, read_w(board, rows)
    files = _parquet(device)
    if not files:
        hint = f"; HWSIM_DATA_DIR names no folder with {FILES[device]}: {PUBLIC}" if device in FILES else ""
        raise InputError(f"validate: no kernel power of '{device}' to compare with{hint}")
    parts: list[KernelPower] = []
    read: list[Floats] = []
    for file in files:
        lines = _lines(file)
        if file.stem == "moe_perf":
            parts.append(from_table(_experts(lines)))
            read.append(np.full(len(parts[-1].keys), np.nan))
            continue
        collection = finished(device, lines, max(1, len(lines) // MOST_KERNELS))
        parts.append(collection.rows.at(collection.place))
        read.append(collection.expected_w(predicted_w(board, collection.rows), board.idle_power_w))
    return joined(parts), np.concatenate(read)


def _experts(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Balanced rows of whole experts in the formats of matrix products, thinned."""
    found = [
        {**line, "family": "moe", "gemm_dtype": line["moe_dtype"]}
        for line in lines
        if line["distribution"] == "balanced" and line["moe_ep_size"] == 1 and line["moe_dtype"] in LABELS
    ]
    return found[:: max(1, len(found) // MOST_KERNELS)]


def _lines(file: Path) -> list[dict[str, Any]]:
    from pyarrow import parquet

    lines = parquet.read_table(file).to_pylist()
    names = {"latency_ms": "latency", "power_w": "power", "power_limit_w": "power_limit", "family": "op_name"}
    return [
        {**line, **{name: line[column] for name, column in names.items()}, "gemm_dtype": ""}
        for line in lines
        if line["latency"] > 0.0 and line["power"] > 0.0
    ]


def evaluations(device: str) -> Iterator[Evaluation]:
    """Evaluate a device's kernels by family, as steady power and as the meter's reading."""
    board, (rows, read) = hwsim.device(device), kernels(device)
    for family in np.unique(rows.family):
        of_family = rows.where(rows.family == family)
        costs = [board.cost(board.record, row) for row in of_family.rows]
        watts = np.array([cost.energy_j / cost.latency_s for cost in costs])
        bound = np.array([BOUND_NAMES[int(cost.bound)] for cost in costs])
        near, share = neighbour_w(of_family), own_share(of_family.family, of_family.latency_s)
        for suffix, predicted in (("", watts), (", read", read[rows.family == family])):
            (known,) = np.nonzero(~np.isnan(predicted))
            if not len(known):
                continue
            yield PowerEvaluation(
                targets=_targets(board, str(family), suffix, of_family.at(known)), predicted_s=predicted[known],
                bound=bound[known], status=board.status.get("power", "unvalidated"),
                roofline_s=np.full(len(known), np.nan), neighbour_w=near[known], own_share=share[known],
            )  # fmt: skip


def _targets(board: Device, family: str, suffix: str, rows: KernelPower) -> Targets:
    kind, _, dtype = family.partition(" ")
    phase, names = KINDS[kind]
    label = LABELS[dtype] if names is ATTENTION else LABELS[dtype].partition(" ")[0]
    keys = np.array(rows.keys, dtype=np.int64)
    return Targets(
        operator="power", table=f"power {phase} {label}{suffix}", device=board.name,
        arguments={name: keys[:, index].astype(np.float64) for index, name in enumerate(names)}, keys=keys,
        latency_s=rows.power_w, framework_s={"vllm": rows.power_w}, notes=NOTES, unit="W",
        size_class=np.where(rows.latency_s >= SETTLED_S, "0.1 ms and more", "under 0.1 ms"),
    )  # fmt: skip
