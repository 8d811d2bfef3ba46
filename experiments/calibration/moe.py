"""Fit the mixture-of-experts constants of a GPU generation to the bf16 kernels measured on its calibrated device.

    python -m hwsim.experiments.calibration.moe                             # Ampere on A100, Hopper on H100
    python -m hwsim.experiments.calibration.moe h100-sxm-80gb --in-place    # writes them in a checkout

Only balanced routing with all experts on the device is fitted; held-out rows, power laws, sharded experts and all other
formats are left out. Blackwell takes the constants of Hopper, so that all its devices stay zero-shot.
"""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.experiments.calibration.kernels import Constant, run
from hwsim.experiments.command import exit_status

FITTED_ON = {"a100-sxm-80gb": "ampere", "h100-sxm-80gb": "hopper"}
TABLES = {"moe bf16": 4000, "moe bf16 ungated": 1000}
CONSTANTS = {
    "moe.fixed": Constant(25e-6, 5e-6, 80e-6, "us"),
    "moe.block": Constant(1e-6, 0.1e-6, 10e-6, "us"),
    "moe.achieved": Constant(0.7, 0.2, 1.0),
    "moe.unaligned": Constant(0.33, 0.1, 1.0),
    "moe.interference": Constant(0.5, 0.0, 1.0),
}
OWN = {"a100-sxm-80gb": ("moe.achieved",)}  # the rest are Hopper's: alone the A100 is no better with all of them


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit the generations; print, or write with ``--in-place``."""
    run("moe", "moe", FITTED_ON, TABLES, CONSTANTS, arguments, OWN)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
