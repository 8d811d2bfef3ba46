"""Fit the energies of Hopper to the board power of measured H200 kernels (``kernel_power_h200.csv``).

    HWSIM_DATA_DIR=... python -m hwsim.experiments.calibration.power             # prints the constants and the errors
    HWSIM_DATA_DIR=... python -m hwsim.experiments.calibration.power --in-place  # writes them into the catalog

The balance ``power = idle + active x busy share + sum of energy x activity / latency`` uses the measured latency, so
that clocks slowed by the power limit are in it and the limit itself is not needed. The meter of those measurements
shows an average over its last second, and kernels under 0.1 ms ran for 0.3 s or less: their readings are mostly of
what ran before. Only kernels of 0.1 ms and more are fitted, rows held out for validation left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.errors import InputError
from hwsim.experiments.calibration.toml_values import with_values
from hwsim.models.catalog import read_device
from hwsim.validation.power import SETTLED_S, KernelPower, activities, errors, load
from hwsim.validation.targets import Floats

COMMAND = "python -m hwsim.experiments.calibration.power"
DEVICE, ARCHITECTURE = "h200-sxm-141gb", "hopper"
#: TOML path -> start, least and most, in the record's unit.
START: dict[str, tuple[float, float, float]] = {
    "power.active_share": (0.2, 0.0, 0.5),
    "energy.fp16": (0.5e-12, 0.1e-12, 2e-12),
    "energy.fp8": (0.3e-12, 0.05e-12, 1e-12),
    "energy.l2_byte": (4e-12, 2e-12, 20e-12),  # at least the on-chip memory of the TPU v4i, 0.25 pJ a bit
    "energy.memory_byte": (56e-12, 30e-12, 100e-12),
}


def settled(rows: KernelPower) -> KernelPower:
    """The rows to fit: those a meter had the time to settle on, and not held out."""
    return rows.where((rows.latency_s >= SETTLED_S) & ~rows.held_out)


def fit() -> dict[str, float]:
    """Constants that minimise the relative errors of the power (soft L1), by TOML path.

    Raises
    ------
    InputError : the power of the device may not be fitted
    """
    from scipy.optimize import least_squares  # type: ignore[import-untyped,unused-ignore]

    device = read_device(DEVICE)
    if device.status["power"] != "calibrated":
        raise InputError(f"calibration: the power of '{DEVICE}' is {device.status['power']}, not calibrated")
    rows = settled(load(DEVICE))
    watts = activities(device, rows, list(START)) / rows.latency_s
    vector_j = activities(device, rows, ["energy.vector"])[0] * device.record.energy_vector_j
    fixed_w = device.idle_power_w + vector_j / rows.latency_s
    start, low, high = (np.array([START[path][side] for path in START]) for side in range(3))

    def residuals(values: Floats) -> Floats:
        balance: Floats = (fixed_w + (values * start) @ watts) / rows.power_w - 1.0
        return balance

    found: Any = least_squares(
        residuals, np.ones(len(START)), bounds=(low / start, high / start), loss="soft_l1", f_scale=0.1
    )
    return dict(zip(START, map(float, found.x * start), strict=True))


def written(path: str, value: float) -> str:
    """A value as TOML text with three digits.

    >>> written("energy.fp16", 5.4321e-13), written("power.active_share", 0.21234)
    ('"0.543 pJ"', '0.212')
    """
    return f'"{value * 1e12:.3g} pJ"' if path.startswith("energy.") else f"{value:.3g}"


def main(arguments: list[str] | None = None) -> None:
    """Fit; print, or write with ``--in-place``."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--in-place", action="store_true", help="write the constants into the architecture's file")
    in_place = parser.parse_args(arguments).in_place
    values = fit()
    texts = {path: written(path, value) for path, value in values.items()}
    print(f"# {ARCHITECTURE}", *(f"{path} = {text}" for path, text in texts.items()), sep="\n")
    if in_place:
        file = Path(read_device.__code__.co_filename).parent / "architectures" / f"{ARCHITECTURE}.toml"
        file.write_text(with_values(file.read_text(), texts, f"fitted: {COMMAND}, on {DEVICE}"))
    device = read_device(DEVICE, {path: text.strip('"') for path, text in texts.items()})
    for name, found in errors(device, load(DEVICE)).items():
        print(f"{name}: {found}")


if __name__ == "__main__":
    main()
