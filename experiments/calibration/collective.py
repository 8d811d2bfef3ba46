"""Fit a link's constants to the measured collectives of its calibrated device.

    python -m hwsim.experiments.calibration.collective             # prints the constants and their errors
    python -m hwsim.experiments.calibration.collective --in-place  # writes them into the catalog of a checkout

NVLink 3 is fitted on the A100, NVLink 4 on the H100, rows held out for validation left out. NVLink 5 takes the
constants of NVLink 4: only its bandwidth is its own, so that B200, B300 and GB200 stay zero-shot.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.errors import InputError
from hwsim.experiments.calibration.toml_values import with_values
from hwsim.experiments.command import exit_status
from hwsim.models.catalog import read_device, read_link
from hwsim.models.link.collective import collective
from hwsim.models.link.record import LINK_PATHS, LinkRecord
from hwsim.operators import Collective
from hwsim.rows import OperatorRow, lower
from hwsim.validation.targets import Floats, Targets, load

FITTED_ON = {"nvlink-3": "a100-sxm-80gb", "nvlink-4": "h100-sxm-80gb"}
SAME_CONSTANTS = {"nvlink-5": "nvlink-4"}
COMMAND = "python -m hwsim.experiments.calibration.collective"
SWITCH_PATHS = ("switch.start", "switch.achieved")
#: TOML path -> where the search starts, the range it keeps to, and how a value is written.
START: dict[str, tuple[float, float, float, str]] = {
    "fixed": (5e-6, 1e-6, 20e-6, "us"),
    "latency": (0.8e-6, 0.2e-6, 3e-6, "us"),
    "achieved": (0.8, 0.4, 1.0, ""),
    "protocol.flagged_share": (0.4, 0.1, 0.5, ""),  # at most half: a flag beside every word
    "protocol.line_hop": (1.2e-6, 0.2e-6, 3e-6, "us"),
    "protocol.line_share": (0.6, 0.3, 0.9375, ""),  # at most 120 of 128 bytes
    "protocol.simple_start": (20e-6, 1e-6, 100e-6, "us"),
    "protocol.simple_hop": (0.8e-6, 0.2e-6, 5e-6, "us"),
    "protocol.chunk": (8e3, 2e3, 64e3, "B"),
    "protocol.channel": (3e10, 1e9, 1e11, "GB/s"),
    "protocol.copy_share": (0.4, 0.05, 1.0, ""),
    "peer.fixed": (7e-6, 1e-6, 20e-6, "us"),
    "peer.ramp": (6e-6, 1e-6, 20e-6, "us"),
    "peer.chunk": (3e4, 4e3, 256e3, "B"),
    "switch.start": (40e-6, 1e-6, 100e-6, "us"),
    "switch.achieved": (0.64, 0.3, 1.0, ""),
    "direct.fixed": (3e-6, 1e-6, 20e-6, "us"),
    "direct.achieved": (0.6, 0.1, 1.0, ""),
}
_SCALE = {"us": 1e-6, "GB/s": 1e9, "B": 1.0, "": 1.0}


def rows_of(targets: Targets) -> list[OperatorRow]:
    """The flat operators of the points, as `hwsim.estimate` builds them."""
    fixed = {name: value for name, value in targets.arguments.items() if isinstance(value, str)}
    size = {"fp16": 2.0, "bf16": 2.0, "int8": 1.0}[fixed["dtype"]]
    points = zip(targets.arguments["ranks"], targets.arguments["message_bytes"], strict=True)
    return [lower(Collective(name="c", ranks=float(n), elements=float(s) / size, **fixed)) for n, s in points]


def points_to_fit(device: str) -> tuple[list[OperatorRow], Floats]:
    """Flat operators and measured seconds of a device, without the rows held out.

    Raises
    ------
    InputError : the device is not one whose latency may be fitted
    """
    status = read_device(device).status["latency"]
    if status != "calibrated":
        raise InputError(f"calibration: '{device}' is {status}: only devices of status calibrated are fitted")
    kept = [targets.where(~targets.held_out) for targets in load("collective", device)]
    rows = [row for targets in kept for row in rows_of(targets)]
    return rows, np.concatenate([targets.latency_s for targets in kept])


def predicted(record: LinkRecord, rows: list[OperatorRow]) -> Floats:
    """Seconds of every row."""
    return np.array([collective(record, row).latency_s for row in rows])


def fit(link: str, device: str) -> dict[str, float]:
    """Constants that minimise the relative errors (soft L1: outliers count linearly), by TOML path."""
    from scipy.optimize import least_squares  # type: ignore[import-untyped,unused-ignore]

    record: LinkRecord = read_link(link).record
    rows, measured = points_to_fit(device)
    paths = [path for path in START if record.in_switch or path not in SWITCH_PATHS]
    start = np.log([START[path][0] for path in paths])
    bounds = tuple(np.log([START[path][side] for path in paths]) for side in (1, 2))

    def residuals(logarithms: Floats) -> Floats:
        values = dict(zip((LINK_PATHS[path] for path in paths), map(float, np.exp(logarithms)), strict=True))
        return predicted(record._replace(**values), rows) / measured - 1.0

    found: Any = least_squares(
        residuals, start, bounds=bounds, loss="soft_l1", f_scale=0.05, diff_step=0.01, max_nfev=60
    )
    return dict(zip(paths, map(float, np.exp(found.x)), strict=True))


def written(path: str, value: float) -> str:
    """A value as TOML text with three digits.

    >>> written("fixed", 5.4321e-6), written("achieved", 0.75123)
    ('"5.43 us"', '0.751')
    """
    unit = START[path][3]
    number = f"{value / _SCALE[unit]:.3g}" if unit != "B" else f"{value:.0f}"
    return f'"{number} {unit}"' if unit else number


def main(arguments: list[str] | None = None) -> None:
    """Fit all links; print, or write with ``--in-place``."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--in-place", action="store_true", help="write the constants into models/catalog/links")
    in_place = parser.parse_args(arguments).in_place
    fitted = {link: fit(link, device) for link, device in FITTED_ON.items()}
    fitted |= {link: fitted[base] for link, base in SAME_CONSTANTS.items()}
    for link, values in fitted.items():
        texts = {path: written(path, value) for path, value in values.items()}
        base = SAME_CONSTANTS.get(link)
        comment = f"fitted: {COMMAND}" + (f", on {base}" if base else "")
        print(f"# {link}", *(f"{path} = {text}" for path, text in texts.items()), sep="\n")
        if in_place:
            file = Path(read_link.__code__.co_filename).parent / "links" / f"{link}.toml"
            file.write_text(with_values(file.read_text(), texts, comment))


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
