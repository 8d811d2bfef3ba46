"""What ran on the board before each measured kernel: the order of the collection, and what its meter then shows.

A collection walks through a list of shapes. On the H200 one board took bf16 and block-scaled products in turn, from the
largest m, n and k down. Several boards took attention kernels from one list: what ran before a kernel is then the mean
of the rows about so many places before it, twice as many, ... The H200's lists are those of the installed tables, which
a later run of the same collector wrote; the B200's tables are the collection themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.errors import InputError
from hwsim.hardware import Device
from hwsim.validation.compiling import compiled
from hwsim.validation.meter import SAMPLE_S, WINDOW_S, kinds, run_s, setup_s, warm_s
from hwsim.validation.power import KernelPower, from_table, predicted_w
from hwsim.validation.targets import Floats, Integers, data_folder

COMPILING_S = 1.0  # and more, for which the board stands idle before the product that needs a new kernel
DEPTH = 14  # kernels before one, which together last for more than the meter's second
#: Boards that take attention kernels from one list. B200: inferred from its readings, so that its rows as read are not
#: zero-shot (steady powers are): equal readings of a meter that was not yet read anew lie four places apart.
#: H200: as many as such a node has; rows not held out agree best with it, with six nearly as well.
BOARDS = {"b200-sxm-180gb": 4, "h200-sxm-141gb": 8}
DTYPES = ("bfloat16", "fp8_block")  # of the H200's products: a shape in each
PRODUCTS = "gemm/vllm/*/gemm_perf.parquet"
ATTENTION = {"context_attention": "context", "generation_attention": "generation"}


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Kernels in the order in which they ran, and the places in it of those that are compared.

    ``before`` has the shape (DEPTH, width, kernels): places of what ran before, of which the mean is taken over width.
    ``compiled`` tells whether a kernel was compiled for it, so that the board stood idle before.
    """

    rows: KernelPower
    place: Integers
    before: Integers
    compiled: NDArray[np.bool_]

    def expected_w(self, watts: Floats, idle_w: float, gap_s: float | None = None) -> Floats:
        """Readings of the compared kernels where the kernels of ``rows`` draw ``watts`` and ``gap_s`` lies between."""
        own, gap, earlier = self.weights(gap_s)
        busy = run_s(self.rows.family, self.rows.latency_s) + warm_s(self.rows.family, self.rows.latency_s)
        before_w = (watts * busy)[self.before].mean(axis=1) / busy[self.before].mean(axis=1)
        found: Floats = own * watts[self.place] + gap * idle_w + (earlier * before_w).sum(axis=0)
        return found

    def weights(self, given_s: float | None = None) -> tuple[Floats, Floats, Floats]:
        """Shares of a reading: the kernel's own, of the gaps, and of each kernel before it, (DEPTH, kernels)."""
        run, warm = run_s(self.rows.family, self.rows.latency_s), warm_s(self.rows.family, self.rows.latency_s)
        lasted = (run + warm)[self.before].mean(axis=1)
        run, warm = run[self.place], warm[self.place]
        gap_s = setup_s(self.rows.family[self.place]) if given_s is None else np.full(len(run), given_s)
        first_gap_s = np.where(self.compiled[self.place], COMPILING_S, gap_s)
        compiled_before = self.compiled[self.before].mean(axis=1)
        samples = np.floor(run / SAMPLE_S) + 1.0
        own, gap, earlier = np.zeros_like(run), np.zeros_like(run), np.zeros_like(lasted)
        for sample in range(int(samples.max())):
            share = np.where(SAMPLE_S * sample <= run, 1.0 / samples, 0.0)
            inside = np.minimum(WINDOW_S, SAMPLE_S * sample + warm)
            own += share * inside / WINDOW_S
            left = WINDOW_S - inside
            now_s = first_gap_s
            for depth, before in enumerate(lasted):
                idle = np.minimum(left, now_s)
                worked = np.minimum(left - idle, before)
                gap += share * idle / WINDOW_S
                earlier[depth] += share * worked / WINDOW_S
                left = left - idle - worked
                now_s = np.where(compiled_before[depth] > 0.5, COMPILING_S, gap_s)
            earlier[-1] += share * left / WINDOW_S
        return own, gap, earlier


def steady_w(device: Device, rows: KernelPower) -> Floats:
    """Predicted watts of each kernel as the collection launched it: one by one by the host, or as a graph.

    A block-scaled product is launched by the host, which takes longer than a short one runs: the board waits.
    """
    return np.where(
        rows.family == "gemm fp8_block", predicted_w(device, rows, rows.latency_s), predicted_w(device, rows)
    )


def _within(place: Integers, step: int, reach: int, count: int) -> Integers:
    """Places of what ran before, (DEPTH, 2 reach + 1, kernels)."""
    back = step * np.arange(1, DEPTH + 1)[:, np.newaxis] + np.arange(-reach, reach + 1)
    found: Integers = np.clip(place - back[:, :, np.newaxis], 0, count - 1)
    return found


def _cut(
    lines: Sequence[dict[str, Any]], place: Integers, before: Integers, new: NDArray[np.bool_] | None = None
) -> Collection:
    """A collection of no more kernels than are needed."""
    needed, index = np.unique(np.concatenate([place, before.ravel()]), return_inverse=True)
    return Collection(
        rows=from_table([lines[each] for each in needed]), place=index[: len(place)],
        before=index[len(place) :].reshape(before.shape),
        compiled=np.zeros(len(needed), dtype=bool) if new is None else new[needed],
    )  # fmt: skip


def finished(device: str, lines: Sequence[dict[str, Any]], stride: int) -> Collection:
    """Every ``stride``-th kernel of a table whose rows stand in the order in which its boards finished them."""
    place = np.arange(0, len(lines), stride)
    return _cut(lines, place, _within(place, BOARDS[device], BOARDS[device] // 2, len(lines)))


def products(device: str, measured: KernelPower) -> tuple[Collection, Integers]:
    """Products in the order of their list, and which of ``measured`` they are."""
    listed = _table(device, PRODUCTS)
    lines = [{**line, "family": "gemm"} for line in listed if line["gemm_dtype"] in DTYPES]
    lines.sort(key=lambda line: (-line["m"], -line["n"], -line["k"], DTYPES.index(line["gemm_dtype"])))
    found, place = _replaced(lines, measured)
    new = _compiled([(line["m"], line["n"], line["k"], DTYPES.index(line["gemm_dtype"])) for line in lines])
    return _cut(lines, place, _within(place, 1, 0, len(lines)), new), found


def attention(device: str, measured: KernelPower, kind: str) -> tuple[Collection, Integers]:
    """Attention kernels of a kind in the order of their list, and which of ``measured`` they are."""
    listed = _table(device, f"attention/vllm/*/{ATTENTION[kind]}_attention_perf.parquet")
    lines = [{**line, "family": kind, "gemm_dtype": ""} for line in listed]
    found, place = _replaced(lines, measured)
    return _cut(lines, place, _within(place, BOARDS[device], BOARDS[device] // 2, len(lines))), found


def _table(device: str, pattern: str) -> list[dict[str, Any]]:
    """Rows of the newest table of a collector.

    Raises
    ------
    InputError : it is not installed
    """
    folder = data_folder(device)
    files: list[Path] = sorted(folder.glob(pattern)) if folder else []
    if not files:
        raise InputError(f"kernel power: no {pattern} of '{device}' is installed, whose order tells what ran before")
    from pyarrow import parquet

    rows: list[dict[str, Any]] = parquet.read_table(files[-1]).to_pylist()
    return rows


def _replaced(lines: list[dict[str, Any]], measured: KernelPower) -> tuple[Integers, Integers]:
    """Put ``measured`` kernels in the place of a list's; which of them are in it, and where.

    The list is another run's: the others' latency is that of the list times the median of the measured over theirs.
    """
    where = {_key_of(line): index for index, line in enumerate(lines)}
    formats = [str(family).partition(" ")[2] for family in measured.family]
    keys = [(*key, int(row.window), each) for key, row, each in zip(measured.keys, measured.rows, formats, strict=True)]
    found = np.array([index for index, key in enumerate(keys) if key in where], dtype=np.int64)
    place = np.array([where[keys[index]] for index in found], dtype=np.int64)
    ratio = measured.latency_s[found] * 1e3 / np.array([lines[at]["latency"] for at in place])
    faster = {each: float(np.median(ratio[[formats[index] == each for index in found]])) for each in set(formats)}
    for line in lines:
        line |= {"latency_ms": line["latency"] * faster.get(_key_of(line)[-1], 1.0), "power_w": np.nan}
        line["power_limit_w"] = np.nan
    for index, at in zip(found, place, strict=True):
        lines[at] |= {"latency_ms": measured.latency_s[index] * 1e3, "power_w": measured.power_w[index]}
    return found, place


def _key_of(line: Mapping[str, Any]) -> tuple[Any, ...]:
    if line["family"] == "gemm":
        return (int(line["m"]), int(line["n"]), int(line["k"]), 0, line["gemm_dtype"])
    names = ("num_heads", "num_key_value_heads", "head_dim", "window_size")
    context = int(line["isl"]) + int(line["step"])
    return (int(line["batch_size"]), context, *(int(line[name]) for name in names), line["kv_cache_dtype"])


def _compiled(kernels: list[tuple[int, ...]]) -> NDArray[np.bool_]:
    shapes = np.array(kernels, dtype=np.int64)
    found: NDArray[np.bool_] = shapes[:, 3] == DTYPES.index("fp8_block")
    found[found] = compiled(*shapes[found, :3].T)
    return found


def read_w(device: Device, rows: KernelPower) -> Floats:
    """Predicted readings of a device's kernels in their order; no number (nan) for those that their list lacks."""
    read = np.full(len(rows.keys), np.nan)
    for kind in np.unique(kinds(rows.family)):
        (of_kind,) = np.nonzero(kinds(rows.family) == kind)
        measured = rows.at(of_kind)
        ordered = products(device.name, measured) if kind == "gemm" else attention(device.name, measured, kind)
        collection, found = ordered
        read[of_kind[found]] = collection.expected_w(steady_w(device, collection.rows), device.idle_power_w)
    return read
