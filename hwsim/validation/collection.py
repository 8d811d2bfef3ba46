"""What ran on the board before each measured kernel: the order of the collection, and what its meter then shows.

A collection walks through a list of shapes. On the H200 one board took bf16 and block-scaled products in turn, from the
largest m, n and k down; the list is that of the installed tables, which a later run of the same collector wrote. On the
B200 four boards took attention kernels from one list, whose rows stand in the order in which they were finished: what
ran before a kernel is then the mean of the rows about four, eight, ... places before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.hardware import Device
from hwsim.validation.compiling import compiled
from hwsim.validation.meter import SAMPLE_S, WINDOW_S, run_s, setup, warm_s
from hwsim.validation.power import KernelPower, from_table, nearer_w, predicted_w
from hwsim.validation.targets import Floats, Integers, data_folder

COMPILING_S = 1.0  # and more, for which the board stands idle before the product that needs a new kernel
DEPTH = 14  # kernels before one, which together last for more than the meter's second
BOARDS = 4  # of the B200 collection: equal readings of a meter that was not yet read anew lie four places apart
DTYPES = ("bfloat16", "fp8_block")  # the H200 list: a shape in each
TABLE = "gemm/vllm/*/gemm_perf.parquet"


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

    def expected_w(self, watts: Floats, idle_w: float) -> Floats:
        """Readings of the compared kernels where the kernels of ``rows`` draw ``watts``."""
        own, gap, earlier = self.weights()
        gap_w = np.where(self.compiled[self.place], idle_w, setup(self.rows.family[self.place], idle_w)[1])
        busy = run_s(self.rows.family, self.rows.latency_s) + warm_s(self.rows.family, self.rows.latency_s)
        before_w = (watts * busy)[self.before].mean(axis=1) / busy[self.before].mean(axis=1)
        found: Floats = own * watts[self.place] + gap * gap_w + (earlier * before_w).sum(axis=0)
        return found

    def weights(self) -> tuple[Floats, Floats, Floats]:
        """Shares of a reading: the kernel's own, of the gaps, and of each kernel before it, (DEPTH, kernels)."""
        run, warm = run_s(self.rows.family, self.rows.latency_s), warm_s(self.rows.family, self.rows.latency_s)
        lasted = (run + warm)[self.before].mean(axis=1)
        run, warm = run[self.place], warm[self.place]
        gap_s = setup(self.rows.family[self.place], 0.0)[0]
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


def finished(lines: Sequence[dict[str, Any]], stride: int) -> Collection:
    """Every ``stride``-th kernel of a table whose rows stand in the order in which four boards finished them."""
    place = np.arange(0, len(lines), stride)
    return _cut(lines, place, _within(place, BOARDS, BOARDS // 2, len(lines)))


def products(device: str, measured: KernelPower) -> Collection | None:
    """Products of the H200 collection in the order of its list; None without the installed tables.

    ``measured`` kernels stand in for those of the installed tables, which are another run's; the others' latency is
    that of the table times the median of the measured ones over theirs.
    """
    listed = _listed(device)
    if not listed:
        return None
    key = {each: index for index, each in enumerate(listed)}
    dtype = [DTYPES.index(str(family).partition(" ")[2]) for family in measured.family]
    kernels = [(*shape, each) for shape, each in zip(measured.keys, dtype, strict=True)]
    place = np.array([key[kernel] for kernel in kernels])
    ratio = measured.latency_s * 1e3 / np.array([listed[kernel] for kernel in kernels])
    faster = [float(np.median(ratio[np.equal(dtype, each)])) if each in dtype else 1.0 for each in range(len(DTYPES))]
    lines = [_line(each, latency_ms * faster[each[3]]) for each, latency_ms in listed.items()]
    for index, where in enumerate(place):
        lines[where] |= {
            "latency_ms": measured.latency_s[index] * 1e3, "power_w": measured.power_w[index],
            "power_limit_w": measured.limit_w[index],
        }  # fmt: skip
    return _cut(lines, place, _within(place, 1, 0, len(lines)), _compiled(list(listed)))


def _compiled(kernels: list[tuple[int, ...]]) -> NDArray[np.bool_]:
    shapes = np.array(kernels, dtype=np.int64)
    found: NDArray[np.bool_] = shapes[:, 3] == DTYPES.index("fp8_block")
    found[found] = compiled(*shapes[found, :3].T)
    return found


def _listed(device: str) -> Mapping[tuple[int, ...], float]:
    """Latency in milliseconds by (m, n, k, number of the dtype), in the order of the list."""
    folder = data_folder(device)
    files: list[Path] = sorted(folder.glob(TABLE)) if folder else []
    if not files:
        return {}
    from pyarrow import parquet

    columns = parquet.read_table(files[-1], columns=["m", "n", "k", "gemm_dtype", "latency"]).to_pydict()
    found = {
        (int(m), int(n), int(k), DTYPES.index(dtype)): float(latency)
        for m, n, k, dtype, latency in zip(*columns.values(), strict=True)
        if dtype in DTYPES
    }
    return dict(sorted(found.items(), key=lambda item: (*(-size for size in item[0][:3]), item[0][3])))


def _line(kernel: tuple[int, ...], latency_ms: float) -> dict[str, Any]:
    m, n, k, dtype = kernel
    return {
        "family": "gemm", "gemm_dtype": DTYPES[dtype], "m": m, "n": n, "k": k, "latency_ms": latency_ms,
        "power_w": np.nan, "power_limit_w": np.nan,
    }  # fmt: skip


def read_w(device: Device, rows: KernelPower) -> Floats:
    """Predicted readings of a device's kernels: of products in their order, of others after the nearer history."""
    found = nearer_w(device, rows, predicted_w(device, rows))
    of_products = np.char.startswith(rows.family, "gemm")
    collection = products(device.name, rows.where(of_products)) if of_products.any() else None
    if collection:
        found[of_products] = collection.expected_w(steady_w(device, collection.rows), device.idle_power_w)
    return found
