"""How an experiment runs from the command line: what is wrong is one line and status 2, Ctrl-C is 130."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from hwsim.errors import HwsimError, InputError

INTERRUPTED = 130


def measured_file(name: str) -> Path:
    """A file of measurements in the folder that ``HWSIM_DATA_DIR`` names.

    Raises
    ------
    InputError : the variable is not set, or the folder has no such file
    """
    folder = os.environ.get("HWSIM_DATA_DIR")
    if not folder:
        raise InputError(f"HWSIM_DATA_DIR is not set; it must name the folder with {name}")
    path = Path(folder) / name
    if not path.is_file():
        raise InputError(f"HWSIM_DATA_DIR (='{folder}') names no folder with {name}")
    return path


def exit_status(main: Callable[[], int | None]) -> int:
    """Run ``main`` and return the exit status: its own, 2 after an error of the user's, 130 after Ctrl-C."""
    try:
        return main() or 0
    except HwsimError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
