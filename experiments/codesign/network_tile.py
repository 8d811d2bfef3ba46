"""The systolic array with one stimulus: a tile of a network's own product, as deep as the network is."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from hwsim.experiments.codesign.space import KERNEL, Candidate
from hwsim.rtl import kernel
from hwsim.rtl.discovery import read_kernel
from hwsim.rtl.record import Case, Kernel
from hwsim.rtl.simulation import Verification, verify

# The bench runs in the simulator's process and reads a kernel by name or folder: this is such a folder's kernel.py.
_KERNEL_FILE = """from pathlib import Path

from hwsim.experiments.codesign.network_tile import with_one_tile

KERNEL = with_one_tile(Path(__file__).resolve().parent)
"""


def with_one_tile(folder: Path) -> Kernel:
    """The systolic array with one product as its only case: m, n and k from the folder's shape.json."""
    base = kernel(KERNEL)
    shape = json.loads((folder / "shape.json").read_text())

    def cases(generator: object, *, OPERAND_BITS: int, **_: int) -> list[Case]:
        noise = np.random.default_rng(generator.getrandbits(32))  # type: ignore[attr-defined]
        low, high = -(1 << (OPERAND_BITS - 1)), 1 << (OPERAND_BITS - 1)
        a = noise.integers(low, high, (shape["m"], shape["k"]))
        b = noise.integers(low, high, (shape["k"], shape["n"]))
        return [Case("network tile", {"a": a, "b": b}, shape, ("random_shape",))]

    sources = tuple(str(base.folder / name) for name in base.sources)
    found: Kernel = replace(base, folder=folder, sources=sources, cases=cases, coverage_bins=("random_shape",))
    return found


def verified_tile(candidate: Candidate, *, m: int, k: int, simulator: str = "icarus", seed: int = 1) -> Verification:
    """Run a tile of (m, k) by (k, columns) in RTL: the beats and the cycles of every stall mode and after resets."""
    with tempfile.TemporaryDirectory(prefix="hwsim_tile_") as temporary:
        folder = Path(temporary)
        (folder / "kernel.py").write_text(_KERNEL_FILE)
        (folder / "shape.json").write_text(json.dumps({"m": m, "n": candidate.columns, "k": k}))
        return verify(read_kernel(folder), candidate.parameters, simulator=simulator, seed=seed)
