"""Fit the matrix-product constants of a GPU generation to the kernels measured on its calibrated device.

    python -m hwsim.experiments.calibration.matmul                             # Ampere on A100, Hopper on H100
    python -m hwsim.experiments.calibration.matmul h100-sxm-80gb --in-place    # writes them in a checkout

bf16 products give the constants of tiles, pipeline and L2; fp8 products, which include the kernel that scales the
activations, then give that kernel's; block-scaled fp8 gives the time of the host's launches where an operand is
narrower than a scale block. Rows held out for validation are left out. The search starts from the catalog's constants
and is Nelder and Mead's on the mean absolute percentage error, restarted twice: the fastest of many tiles has no smooth
derivative. Afterwards `hwsim.experiments.calibration.copies` carries them over to other generations.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.experiments.calibration.kernels import LATENCY, Constant, calibrated, operator_rows, thinned
from hwsim.experiments.calibration.toml_values import with_values
from hwsim.experiments.command import exit_status
from hwsim.models.catalog import read_device
from hwsim.models.gpu.record import RECORD_PATHS
from hwsim.rows import OperatorCost
from hwsim.validation.targets import Floats, load

FITTED_ON = {"a100-sxm-80gb": "ampere", "h100-sxm-80gb": "hopper"}
POINTS = 6000
RESTARTS = 3
STAGES: Mapping[str, Mapping[str, Constant]] = {
    "matmul bf16": {
        "matmul.step_cycles": Constant(140.0, 20.0, 1500.0),
        "matmul.store_cycles": Constant(4000.0, 100.0, 8000.0),
        "matmul.rounding": Constant(0.2, 0.001, 1.0),
        "matmul.l2_bytes_per_cycle": Constant(6000.0, 1500.0, 12000.0),
        "matmul.l2_share": Constant(0.55, 0.1, 1.0),
        "matmul.fixed": Constant(2.8e-6, 1e-6, 6e-6, "us"),
        "memory.achieved": Constant(0.88, 0.6, 0.97),
    },
    "matmul fp8": {
        "quantise.fixed": Constant(2.2e-6, 0.5e-6, 6e-6, "us"),
        "quantise.value": Constant(0.4e-9, 0.01e-9, 2e-9, "ns"),
        "quantise.row": Constant(6e-9, 0.01e-9, 20e-9, "ns"),
        "quantise.grid": Constant(7e-6, 0.0, 20e-6, "us"),
        "quantise.memory": Constant(0.5, 0.05, 0.97),
    },
    "matmul fp8_block": {"quantise.host": Constant(90e-6, 10e-6, 500e-6, "us")},
}


def fit(device: str, table: str, constants: Mapping[str, Constant]) -> tuple[dict[str, float], float]:
    """Constants by TOML path, and the mean absolute error on the points fitted; empty where nothing was measured."""
    from scipy.optimize import minimize  # type: ignore[import-untyped,unused-ignore]

    from hwsim.explore.kernel import row_kernel

    model = calibrated(device)
    tables = [targets for targets in load("matmul", device) if targets.table == table]
    if not tables:
        return {}, 0.0
    chosen = thinned(tables[0], POINTS)
    rows, measured = operator_rows(chosen), chosen.latency_s
    kernel, fields = row_kernel(model), list(type(model.record)._fields)
    columns = [fields.index(RECORD_PATHS[path]) for path in constants]
    low = np.array([constant.low for constant in constants.values()])
    high = np.array([constant.high for constant in constants.values()])
    start = np.clip([getattr(model.record, RECORD_PATHS[path]) for path in constants], low, high)

    def error(logarithms: Floats) -> float:
        record, free = np.array(model.record, dtype=np.float64), start * np.exp(logarithms)
        record[columns] = np.clip(free, low, high)
        found = np.empty((len(rows), len(OperatorCost._fields)))
        kernel(record, rows, found)
        outside = float(np.sum(np.abs(np.log(free / record[columns]))))
        return float(np.mean(np.abs(found[:, LATENCY] - measured) / measured)) + 0.01 * outside

    best = search(minimize, error, len(start))
    return dict(zip(constants, np.clip(start * np.exp(best), low, high).tolist(), strict=True)), error(best)


def search(
    minimize: Callable[..., Any], error: Callable[[Floats], float], count: int, restarts: int = RESTARTS,
    most: int = 1500,
) -> Floats:  # fmt: skip
    """Nelder and Mead's search from a simplex of a quarter in each direction, restarted from where it ended."""
    point, generator = np.zeros(count), np.random.default_rng(0)
    for _ in range(restarts):
        sides = 0.25 * np.where(generator.random(count) < 0.5, 1.0, -1.0)
        simplex = np.vstack([point, point + np.diag(sides)])
        options = {"initial_simplex": simplex, "maxfev": most, "xatol": 1e-3, "fatol": 1e-5, "adaptive": True}
        point = minimize(error, point, method="Nelder-Mead", options=options).x
    return point


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit the generations; print, or write with ``--in-place``."""
    command = "python -m hwsim.experiments.calibration.matmul"
    parser = argparse.ArgumentParser(prog=command, description="Fit the matrix-product constants of a GPU generation.")
    parser.add_argument("devices", nargs="*", help=f"calibrated devices; default: {' '.join(FITTED_ON)}")
    parser.add_argument("--in-place", action="store_true", help="write the constants into the architecture's file")
    parser.add_argument("--table", choices=list(STAGES), action="append", help="fit only these; default: all in turn")
    given = parser.parse_args(arguments)
    for device in given.devices or FITTED_ON:
        for table in given.table or STAGES:
            values, error = fit(device, table, STAGES[table])
            if not values:
                continue
            print(f"# {FITTED_ON[device]}, fitted on {device}, {table}: {100 * error:.2f} % on the points fitted")
            texts = {path: plain(STAGES[table][path].written(value)) for path, value in values.items()}
            print(*(f"{path} = {text}" for path, text in texts.items()), sep="\n", flush=True)
            if given.in_place:
                write(FITTED_ON[device], texts, f"fitted: {command} {device}")


def plain(text: str) -> str:
    """A written number without an exponent.

    >>> plain("4.07e+03"), plain('"2.74 us"')
    ('4070', '"2.74 us"')
    """
    return f"{float(text):.0f}" if "e+" in text else text


def write(architecture: str, texts: Mapping[str, str], comment: str) -> None:
    """Write constants with their provenance into an architecture's file; what stands behind a ``;`` stays."""
    file = Path(read_device.__code__.co_filename).parent / "architectures" / f"{architecture}.toml"
    content = file.read_text(encoding="utf-8")
    for path, text in texts.items():
        key = path.rpartition(".")[2]
        line = re.search(rf"^{key} = [^#\n]*#([^;\n]*;)?(.*)$", content.partition(f"[{path.split('.')[0]}]")[2], re.M)
        meaning = line[2].replace("(assumption)", "").strip() if line else ""
        content = with_values(content, {path: text}, f"{comment}; {meaning}")
    file.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
