"""Fit the energies of Hopper to the board power of measured H200 kernels (``kernel_power_h200.csv``).

    HWSIM_DATA_DIR=... python -m hwsim.experiments.calibration.power             # prints the constants and the errors
    HWSIM_DATA_DIR=... python -m hwsim.experiments.calibration.power --in-place  # writes them into the catalog

A reading is a mixture of the kernel and of what ran before it (`hwsim.validation.meter`); the kernel's own power is
``idle + active x busy share + sum of energy x activity / latency`` at the measured latency, up to the limit. Fitted are
the bf16 products with a fifth or more of the reading their own, each against the nearer of the two histories that it
can have had; attention and fp8 products are not fitted, and so test the constants. Readings of fp8 products are at the
limit or launch-bound, which tells nothing of fp8's energy. Rows held out for validation are left out of all of it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.errors import InputError
from hwsim.experiments.calibration.toml_values import with_values
from hwsim.experiments.command import exit_status
from hwsim.models.catalog import read_device
from hwsim.models.gpu.power import HELD_SHARE
from hwsim.validation.meter import SETUP_S, SETUP_W, own_share, readings_w
from hwsim.validation.power import KernelPower, activities, errors, load, predicted_w
from hwsim.validation.targets import Floats

COMMAND = "python -m hwsim.experiments.calibration.power"
DEVICE, ARCHITECTURE = "h200-sxm-141gb", "hopper"
OWN_SHARE = 0.2  # of a reading, from which on it is fitted
#: TOML path -> start, least and most, in the record's unit.
START: dict[str, tuple[float, float, float]] = {
    "energy.fp16": (0.7e-12, 0.1e-12, 2e-12),
    "energy.memory_byte": (65e-12, 30e-12, 120e-12),
}
GIVEN = ("power.active_share", "energy.l2_byte")  # assumptions that the power of products is no test of
#: Energies that follow from fitted ones: TOML path -> the fitted one, the factor, and why.
FOLLOWING = {
    "energy.tf32": ("energy.fp16", 2.0, "twice fp16: half the rate at the same power"),
    "energy.vector": ("energy.fp16", 4.0, "four times fp16: operands from registers for each operation"),
    "energy.fp8": ("energy.fp16", 0.6, "0.6 of fp16, as in the board powers of [9]"),
    "energy.int8": ("energy.fp16", 0.6, "as fp8"),
    "energy.fp4": ("energy.fp16", 0.35, "0.35 of fp16, as in the board powers of [9]; no hardware"),
}


def telling(rows: KernelPower) -> KernelPower:
    """The rows to fit: bf16 products whose reading is in part their own, not held out."""
    share = own_share(rows.family, rows.latency_s)
    return rows.where((share > OWN_SHARE) & ~rows.held_out & (rows.family == "gemm bfloat16"))


def fit() -> dict[str, float]:
    """Constants by TOML path that minimise the relative errors of the readings (soft L1).

    The time between two products is fitted with them, and not used: the meter has a round value of it.

    Raises
    ------
    InputError : the power of the device may not be fitted
    """
    from scipy.optimize import least_squares  # type: ignore[import-untyped,unused-ignore]

    device = read_device(DEVICE)
    if device.status["power"] != "calibrated":
        raise InputError(f"calibration: the power of '{DEVICE}' is {device.status['power']}, not calibrated")
    rows = telling(load(DEVICE))
    watts = activities(device, rows, list(START)) / rows.latency_s
    given = np.array([getattr(device.record, device.record_paths[path]) for path in GIVEN])
    fixed_w = device.idle_power_w + given @ activities(device, rows, GIVEN) / rows.latency_s
    start, low, high = (np.array([START[path][side] for path in START]) for side in range(3))

    def residuals(values: Floats) -> Floats:
        own = np.minimum(fixed_w + (values[:-1] * start) @ watts, HELD_SHARE * rows.limit_w)
        setup = {**SETUP_S, "gemm": float(values[-1])}
        return nearer_error(rows, readings_w(rows.family, rows.latency_s, own, device.idle_power_w, setup))

    found: Any = least_squares(
        residuals, np.append(np.ones(len(START)), 0.02), loss="soft_l1", f_scale=0.08, diff_step=1e-3,
        bounds=(np.append(low / start, 0.0), np.append(high / start, 0.5)),
    )  # fmt: skip
    values = dict(zip(START, map(float, found.x[:-1] * start), strict=True))
    return values | {path: values[other] * factor for path, (other, factor, _) in FOLLOWING.items()}


def fit_setup(kind: str) -> tuple[float, float]:
    """Seconds and watts between two attention kernels of the collection, for `hwsim.validation.meter`.

    Fitted over all of its kernels not held out, with the power that the catalog's constants give.
    """
    from scipy.optimize import least_squares

    device = read_device(DEVICE)
    every = load(DEVICE)
    rows = every.where(~every.held_out & np.char.startswith(every.family, kind))
    own = predicted_w(device, rows, rows.latency_s)

    def residuals(values: Floats) -> Floats:
        setup = ({kind: float(values[0])}, {kind: 100.0 * float(values[1])})
        return nearer_error(rows, readings_w(rows.family, rows.latency_s, own, device.idle_power_w, *setup))

    found: Any = least_squares(
        residuals, np.array([0.1, 3.0]), loss="soft_l1", f_scale=0.08, diff_step=1e-3, bounds=([0.0, 1.0], [3.0, 5.0])
    )
    return float(found.x[0]), 100.0 * float(found.x[1])


def nearer_error(rows: KernelPower, both: tuple[Floats, Floats]) -> Floats:
    """Logarithm of expected over measured reading, after whichever of the two histories is nearer."""
    like, idle = (np.log(reading / rows.power_w) for reading in both)
    nearer: Floats = np.where(np.abs(like) <= np.abs(idle), like, idle)
    return nearer


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
        comment = f"fitted: {COMMAND}, on {DEVICE}"
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
    for kind in SETUP_W:
        print(f"# hwsim.validation.meter: seconds and watts between two {kind} kernels:", *fit_setup(kind))
    device = read_device(DEVICE, {path: text.strip('"') for path, text in texts.items()})
    for name, found in errors(device, load(DEVICE)).items():
        print(f"{name}: {found}")


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
