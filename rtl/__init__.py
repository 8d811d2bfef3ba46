"""Verilog kernels, each with its golden model, cycle model and bench."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from hwsim.errors import unknown_name


def kernel_names() -> list[str]:
    """Names of the kernels: the folders here that declare one."""
    return sorted(file.parent.name for file in Path(__file__).resolve().parent.glob("*/kernel.py"))


def kernel(name: str) -> Any:
    """A kernel by name: its parameters, ports, golden model, cycles and resources.

    Raises
    ------
    UnknownNameError : no such kernel
    """
    if name not in kernel_names():
        raise unknown_name("kernel", name, kernel_names())
    return importlib.import_module(f"hwsim.rtl.{name}.kernel").KERNEL
