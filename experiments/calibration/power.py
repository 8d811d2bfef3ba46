"""Fit the power of running SMs and the energies of Hopper to measured H200 kernels (``kernel_power_h200.csv``).

    HWSIM_DATA_DIR=... python -m hwsim.experiments.calibration.power             # prints the constants and the errors
    HWSIM_DATA_DIR=... python -m hwsim.experiments.calibration.power --in-place  # writes them into the catalog

A reading is a mixture of the kernel and of what ran before it, which the order of the collection tells
(`hwsim.validation.collection`). A kernel's own power is ``idle + active x running share + sum of energy x activity /
latency`` at the measured latency, up to the limit. Fitted are the products not held out, with a loss that forgives
large errors. Attention is not fitted, and so tests the constants.

These readings tell the sum of the energies of tensor cores and L2 well, and each to a fifth only: a product that keeps
the tensor cores busy is at the limit. How far the limit slows it does tell: ``energy.fp16`` is fitted to the latency of
the longest bf16 products of the H100, and the powers then once more with it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.errors import InputError
from hwsim.experiments.calibration.kernels import LATENCY, calibrated, operator_rows, thinned
from hwsim.experiments.calibration.toml_values import with_values
from hwsim.experiments.command import exit_status
from hwsim.hardware import Device
from hwsim.models.catalog import read_device
from hwsim.models.gpu.power import HELD_SHARE
from hwsim.rows import OperatorCost
from hwsim.validation import targets
from hwsim.validation.collection import ATTENTION, Collection, attention, products, read_w
from hwsim.validation.power import SETTLED_S, KernelPower, activities, load, neighbour_w, predicted_w
from hwsim.validation.targets import Floats

COMMAND = "python -m hwsim.experiments.calibration.power"
DEVICE, ARCHITECTURE = "h200-sxm-141gb", "hopper"
LATENCY_DEVICE, LONG_S = "h100-sxm-80gb", 3e-4  # products that take longer are slowed by the limit
LATENCY_POINTS = 6000  # of the table, before the short ones are left out
FORGIVING = 0.05  # relative error from which on a row counts less: Cauchy's loss
#: TOML path -> least and most, in the record's unit.
FROM_POWER: dict[str, tuple[float, float]] = {"power.active_share": (0.0, 0.5), "energy.l2_byte": (1e-12, 40e-12)}
#: Fitted along and not used: the limit hides them, and the scaling of activations and promotion of sums are in fp8's.
ALONG: dict[str, tuple[float, float]] = {"energy.fp16": (0.1e-12, 2e-12), "energy.fp8": (0.1e-12, 2e-12)}
FROM_LATENCY: dict[str, tuple[float, float]] = {"energy.fp16": (0.3e-12, 1.2e-12)}
GIVEN = ("energy.fp16", "energy.vector", "energy.memory_byte")  # where not fitted
#: Energies that follow from fitted ones: TOML path -> the fitted one, the factor, and why.
FOLLOWING = {
    "energy.tf32": ("energy.fp16", 2.0, "twice fp16: half the rate at the same power"),
    "energy.vector": ("energy.fp16", 4.0, "four times fp16: operands from registers for each operation"),
    "energy.fp8": ("energy.fp16", 2 / 3, "two thirds of fp16: half the operand bits; 0.71 in the board powers of [9]"),
    "energy.int8": ("energy.fp16", 2 / 3, "as fp8"),
    "energy.fp4": ("energy.fp16", 0.35, "0.35 of fp16; 0.45 in the board powers of [9]; no hardware"),
}


def fit() -> dict[str, float]:
    """Constants by TOML path.

    Raises
    ------
    InputError : the power of the device may not be fitted, or the installed tables do not tell the order
    """
    values = fit_power(read_device(DEVICE), ALONG)
    values |= fit_latency(read_device(LATENCY_DEVICE, _overrides(values)))
    values |= fit_power(read_device(DEVICE, _overrides(values)), {"energy.fp8": ALONG["energy.fp8"]})
    return values | {path: values[other] * factor for path, (other, factor, _) in FOLLOWING.items()}


def _overrides(values: dict[str, float]) -> dict[str, str]:
    return {path: written(path, value).strip('"') for path, value in values.items()}


def fit_power(device: Device, along: dict[str, tuple[float, float]]) -> dict[str, float]:
    """Constants that minimise the forgiving loss of the products' readings; others are fitted ``along``, not used."""
    from scipy.optimize import least_squares  # type: ignore[import-untyped,unused-ignore]

    status = read_device(device.name).status["power"]  # as the catalog has it; one with other constants is unvalidated
    if status != "calibrated":
        raise InputError(f"calibration: the power of '{device.name}' is {status}, not calibrated")
    every = load(device.name)
    rows = every.where(~every.held_out & np.char.startswith(every.family, "gemm"))
    collection, listed = products(device.name, rows)
    readings = rows.power_w[listed]
    bounds = FROM_POWER | along
    watts, fixed_w = _watts(device, collection, list(bounds))
    start = np.array([getattr(device.record, device.record_paths[path]) for path in bounds])
    low, high = (np.array([bounds[path][side] for path in bounds]) for side in range(2))

    def residuals(free: Floats) -> Floats:
        own = np.minimum(fixed_w + (free * start) @ watts, HELD_SHARE * device.record.power_limit_w)
        found: Floats = np.log(collection.expected_w(own, device.idle_power_w) / readings)
        return found

    found: Any = least_squares(
        residuals, np.ones(len(start)), loss="cauchy", f_scale=FORGIVING, diff_step=1e-3,
        bounds=(low / start, high / start),
    )  # fmt: skip
    return {path: float(value) for path, value in zip(bounds, found.x * start, strict=True) if path in FROM_POWER}


def _watts(device: Device, collection: Collection, paths: list[str]) -> tuple[Floats, Floats]:
    """Watts of each kernel per unit of each constant, (paths, kernels), and those of all else, at measured latency."""
    rows = collection.rows
    given_paths = [path for path in GIVEN if path not in paths]
    found = activities(device, rows, [*paths, *given_paths])
    running = paths.index("power.active_share")
    # A start and a drain last as long at any latency; a launch by the host only leaves the board waiting.
    own_s = np.array([device.cost(device.record, row).latency_s for row in rows.rows])
    limit_w = device.record.power_limit_w
    waiting_s = np.maximum(0.0, own_s - found[running] / limit_w)
    launched = rows.family == "gemm fp8_block"
    lasts_s = np.where(launched, np.minimum(own_s, rows.latency_s), rows.latency_s)
    found[running] = limit_w * np.maximum(0.0, lasts_s - waiting_s)
    given = np.array([getattr(device.record, device.record_paths[path]) for path in given_paths])
    return found[: len(paths)] / rows.latency_s, device.idle_power_w + given @ found[len(paths) :] / rows.latency_s


def fit_latency(device: Device) -> dict[str, float]:
    """``energy.fp16`` with the least mean error of the latency of long bf16 products not held out."""
    from scipy.optimize import minimize_scalar

    from hwsim.explore.kernel import row_kernel

    calibrated(device.name)
    (table,) = (each for each in targets.load("matmul", device.name) if each.table == "matmul bf16")
    chosen = thinned(table, LATENCY_POINTS)
    chosen = chosen.where(chosen.latency_s > LONG_S)
    kernel, operators = row_kernel(device), operator_rows(chosen)
    column = list(type(device.record)._fields).index(device.record_paths["energy.fp16"])
    low, high = FROM_LATENCY["energy.fp16"]
    found = np.empty((len(operators), len(OperatorCost._fields)))

    def error(share: float) -> float:
        record = np.array(device.record, dtype=np.float64)
        record[column] = share * high
        kernel(record, operators, found)
        return float(np.mean(np.abs(found[:, LATENCY] / chosen.latency_s - 1.0)))

    least = minimize_scalar(error, bounds=(low / high, 1.0), method="bounded", options={"xatol": 1e-3})
    return {"energy.fp16": float(least.x) * high}


def fit_setup(kind: str) -> float:
    """Seconds between two attention kernels of the collection, for `hwsim.validation.meter`.

    Fitted over all of its kernels not held out, with the power that the catalog's constants give at measured latency.
    """
    from scipy.optimize import minimize_scalar

    device = read_device(DEVICE)
    every = load(DEVICE)
    rows = every.where(~every.held_out & np.char.startswith(every.family, kind))
    collection, found = attention(DEVICE, rows, kind)
    watts, readings = predicted_w(device, collection.rows, collection.rows.latency_s), rows.power_w[found]

    def error(gap_s: float) -> float:
        return float(np.mean(np.abs(np.log(collection.expected_w(watts, device.idle_power_w, gap_s) / readings))))

    return float(minimize_scalar(error, bounds=(0.0, 1.0), method="bounded").x)


def errors(device: Device, rows: KernelPower) -> dict[str, str]:
    """Errors of all kernels and by family: of the steady power, of the meter's reading, of the nearest neighbours."""
    columns = {
        "steady": predicted_w(device, rows), "steady at measured latency": predicted_w(device, rows, rows.latency_s),
        "read": read_w(device, rows), "neighbours": neighbour_w(rows),
    }  # fmt: skip
    settled = rows.latency_s >= SETTLED_S
    groups = {"all": settled | True, "held out": rows.held_out, "settled": settled}
    for name in np.unique(rows.family):
        groups |= {f"held out {name}": rows.held_out & (rows.family == name)}
        groups |= {f"settled {name}": settled & (rows.family == name)}
    return {
        name: ", ".join(
            [f"{int(chosen.sum())} kernels", *(_line(label, w, rows, chosen) for label, w in columns.items())]
        )
        for name, chosen in groups.items()
    }


def _line(label: str, watts: Floats, rows: KernelPower, chosen: NDArray[np.bool_]) -> str:
    signed = (watts / rows.power_w - 1.0)[chosen & ~np.isnan(watts)]
    size = np.abs(signed)
    return f"{label} {size.mean():.3f} (median {np.median(size):.3f}, bias {signed.mean():+.3f})"


def written(path: str, value: float) -> str:
    """A value as TOML text with three digits.

    >>> written("energy.fp16", 5.4321e-13), written("power.active_share", 0.21234)
    ('"0.543 pJ"', '0.212')
    """
    return f'"{value * 1e12:.3g} pJ"' if path.startswith("energy.") else f"{value:.3g}"


def in_place(texts: dict[str, str]) -> None:
    """Write the constants into the architecture's file, each with its provenance."""
    file = Path(read_device.__code__.co_filename).parent / "architectures" / f"{ARCHITECTURE}.toml"
    text = file.read_text()
    for path, value in texts.items():
        comment = f"fitted: {COMMAND}, on {LATENCY_DEVICE if path in FROM_LATENCY else DEVICE}"
        if path in FOLLOWING:
            comment = f"(assumption) {FOLLOWING[path][2]}"
        text = with_values(text, {path: value}, comment)
    file.write_text(text)


def main(arguments: list[str] | None = None) -> None:
    """Fit; print, or write with ``--in-place``."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--in-place", action="store_true", help="write the constants into the architecture's file")
    write = parser.parse_args(arguments).in_place
    texts = {path: written(path, value) for path, value in fit().items()}
    print(f"# {ARCHITECTURE}", *(f"{path} = {text}" for path, text in texts.items()), sep="\n")
    if write:
        in_place(texts)
    for kind in ATTENTION:
        print(f"# hwsim.validation.meter: seconds between two {kind} kernels: {fit_setup(kind):.3f}")
    device = read_device(DEVICE, {path: text.strip('"') for path, text in texts.items()})
    for name, found in errors(device, load(DEVICE)).items():
        print(f"{name}: {found}")


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
