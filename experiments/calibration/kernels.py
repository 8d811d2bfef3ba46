"""What the fits of GPU operators share: points to fit, the compiled formulas over them, and the search.

Points are the measured shapes of the calibrated device without those held out for validation, thinned by a fixed
seed. The search minimises the logarithm of predicted over measured with a soft L1 loss, so that a framework's outlier
counts linearly. Everything is deterministic: same data, same constants.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.errors import InputError
from hwsim.estimation import KINDS
from hwsim.experiments.calibration.toml_values import with_values
from hwsim.hardware import Device
from hwsim.models.catalog import read_device
from hwsim.models.gpu.record import RECORD_PATHS
from hwsim.rows import OperatorCost, lower
from hwsim.validation.targets import Floats, Targets, load

SCALE = {"us": 1e-6, "ns": 1e-9, "": 1.0}
LATENCY = OperatorCost._fields.index("latency_s")


@dataclass(frozen=True)
class Constant:
    """A constant to fit: where its search starts, the range it keeps to, and the unit it is written in."""

    start: float
    low: float
    high: float
    unit: str = ""

    def written(self, value: float) -> str:
        """A value as TOML text with three digits.

        >>> Constant(1e-6, 0.0, 1.0, "us").written(5.4321e-6), Constant(0.5, 0.0, 1.0).written(0.75123)
        ('"5.43 us"', '0.751')
        """
        scaled = value / SCALE[self.unit]
        number = f"{scaled if scaled > 1e-6 else 0.0:.3g}"  # the search stops short of its lower bound
        return f'"{number} {self.unit}"' if self.unit else number


def calibrated(device: str) -> Device:
    """The catalog device, where its latency may be fitted.

    Raises
    ------
    InputError : its status is not calibrated
    """
    found = read_device(device)
    status = found.status.get("latency", "unvalidated")
    if status != "calibrated":
        raise InputError(f"calibration: '{device}' is {status}: only devices of status calibrated are fitted")
    return found


def thinned(targets: Targets, most: int) -> Targets:
    """At most so many of the points not held out, drawn with a fixed seed."""
    points = np.flatnonzero(~targets.held_out)
    if len(points) > most:
        points = np.sort(np.random.default_rng(0).permutation(points)[:most])
    return targets.where(points)


def operator_rows(targets: Targets) -> Floats:
    """Flat operators of all points, (points, fields), as `hwsim.estimate` lowers them."""
    builder, _, _ = KINDS[targets.operator]
    arrays = {name: value for name, value in targets.arguments.items() if isinstance(value, np.ndarray)}
    fixed = {name: value for name, value in targets.arguments.items() if name not in arrays}
    return np.array(
        [
            lower(builder(**{name: float(values[index]) for name, values in arrays.items()}, **fixed))
            for index in range(len(targets))
        ],
        dtype=np.float64,
    )


def fit(device: str, operator: str, tables: Mapping[str, int], constants: Mapping[str, Constant]) -> dict[str, float]:
    """Constants of a device by TOML path, fitted to so many points of each table of an operator.

    Raises
    ------
    InputError : the device may not be fitted
    """
    from scipy.optimize import least_squares  # type: ignore[import-untyped,unused-ignore]

    from hwsim.explore.kernel import row_kernel

    model = calibrated(device)
    chosen = [thinned(targets, tables[targets.table]) for targets in load(operator, device) if targets.table in tables]
    rows = np.concatenate([operator_rows(targets) for targets in chosen])
    measured = np.concatenate([targets.latency_s for targets in chosen])
    kernel, fields = row_kernel(model), list(type(model.record)._fields)
    columns = [fields.index(RECORD_PATHS[path]) for path in constants]
    starts = np.array([constant.start for constant in constants.values()])
    bounds = tuple(
        np.array([getattr(constant, side) for constant in constants.values()]) / starts for side in ("low", "high")
    )

    def residuals(shares: Floats) -> Floats:
        record = np.array(model.record, dtype=np.float64)
        record[columns] = shares * starts
        found = np.empty((len(rows), len(OperatorCost._fields)))
        kernel(record, rows, found)
        logarithms: Floats = np.log(found[:, LATENCY] / measured)
        return logarithms

    found: Any = least_squares(
        residuals, np.ones(len(starts)), bounds=bounds, loss="soft_l1", f_scale=0.1, diff_step=1e-3, max_nfev=100
    )
    return dict(zip(constants, (found.x * starts).tolist(), strict=True))


def run(
    module: str,
    operator: str,
    families: Mapping[str, str],
    tables: Mapping[str, int],
    constants: Mapping[str, Constant],
    arguments: Sequence[str] | None,
    own: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Fit the devices that were named and print the constants, or write them with ``--in-place`` into a checkout.

    ``own`` names the constants of a device that takes the rest from another generation.
    """
    command = f"python -m hwsim.experiments.calibration.{module}"
    parser = argparse.ArgumentParser(prog=command, description=f"Fit the {operator} constants of a GPU generation.")
    parser.add_argument("devices", nargs="*", help=f"calibrated devices; default: {' '.join(families)}")
    parser.add_argument("--in-place", action="store_true", help="write the constants into the architecture's file")
    given = parser.parse_args(arguments)
    for device in given.devices or families:
        chosen = {path: constants[path] for path in (own or {}).get(device, constants)}
        values = fit(device, operator, tables, chosen)
        texts = {path: constants[path].written(value) for path, value in values.items()}
        architecture = families[device]
        print(f"# {architecture}, fitted on {device}", *(f"{path} = {text}" for path, text in texts.items()), sep="\n")
        if given.in_place:
            file = Path(read_device.__code__.co_filename).parent / "architectures" / f"{architecture}.toml"
            file.write_text(with_values(file.read_text(), texts, f"fitted: {command} {device}"))
