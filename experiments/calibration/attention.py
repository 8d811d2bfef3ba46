"""Fit the attention constants of a GPU generation to the bf16 kernels measured on its calibrated device.

    python -m hwsim.experiments.calibration.attention                             # Ampere on A100, Hopper on H100
    python -m hwsim.experiments.calibration.attention h100-sxm-80gb --in-place    # writes them in a checkout

Prefill and decode are fitted together. Rows held out for validation and all other formats are left out. Blackwell
takes the constants of Hopper, so that all its devices stay zero-shot.
"""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.experiments.calibration.kernels import Constant, run
from hwsim.experiments.command import exit_status

FITTED_ON = {"a100-sxm-80gb": "ampere", "h100-sxm-80gb": "hopper"}
TABLES = {"attention prefill bf16": 4000, "attention decode bf16": 4000}
CONSTANTS = {
    "attention.fixed": Constant(7e-6, 1e-6, 20e-6, "us"),
    "attention.append": Constant(3e-6, 0.0, 10e-6, "us"),
    "attention.append_row": Constant(5e-11, 0.0, 1e-9, "ns"),
    "attention.block": Constant(3e-6, 0.2e-6, 10e-6, "us"),
    "attention.ungrouped": Constant(0.5, 0.1, 1.0),
    "attention.achieved": Constant(0.85, 0.3, 1.0),
    "attention.memory": Constant(0.9, 0.5, 1.0),
    "attention.ramp": Constant(6e-6, 0.0, 20e-6, "us"),
    "attention.combine": Constant(2e-6, 0.0, 10e-6, "us"),
    "attention.split": Constant(0.05e-6, 0.0, 1e-6, "us"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit the generations; print, or write with ``--in-place``."""
    run("attention", "attention", FITTED_ON, TABLES, CONSTANTS, arguments)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
