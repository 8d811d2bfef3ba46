"""Find a kernel: by its name among the folders here, or a user's own by the path of its folder."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from dataclasses import replace
from pathlib import Path

from hwsim.errors import InputError, unknown_name
from hwsim.rtl import kernel_names
from hwsim.rtl.record import Kernel
from hwsim.rtl.stream_adapter import adapted
from hwsim.rtl.stream_kernel import StreamKernel


def read_kernel(name: str | Path) -> Kernel:
    """Import ``KERNEL`` of a kernel's kernel.py."""
    text = str(name)
    if text in kernel_names():
        module = importlib.import_module(f"hwsim.rtl.{text}.kernel")
        found = module.KERNEL
        if isinstance(found, StreamKernel):
            bench = importlib.import_module(f"hwsim.rtl.{text}.bench")
            found = adapted(found, bench, getattr(module, "WIDTHS", {}))
        assert isinstance(found, Kernel)
        return _with_sweeps(found, f"hwsim.rtl.{text}.sweeps")
    folder = Path(text)
    if os.sep not in text and not folder.is_dir():
        raise unknown_name("kernel", text, kernel_names())
    return _read_folder(folder)


def _with_sweeps(kernel: Kernel, module: str) -> Kernel:
    """The kernel with the sweeps of its sweeps.py, where it has one."""
    if importlib.util.find_spec(module) is None:
        return kernel
    return replace(kernel, resource_sweeps=importlib.import_module(module).RESOURCE_SWEEPS)


def _read_folder(folder: Path) -> Kernel:
    file = folder / "kernel.py"
    if not file.is_file():
        raise InputError(f"kernel '{folder}': {file} does not exist; `hwsim rtl new NAME` makes a folder that works")
    name = f"hwsim_user_kernel_{folder.resolve().name}"
    specification = importlib.util.spec_from_file_location(name, file.resolve())
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    try:
        specification.loader.exec_module(module)
    except Exception as error:  # a user's file may raise anything: it becomes one line that names the file
        raise InputError(f"{file}: {type(error).__name__}: {error}") from error
    found = getattr(module, "KERNEL", None)
    if not isinstance(found, Kernel):
        raise InputError(f"{file}: KERNEL must be a hwsim.rtl.record.Kernel, got {type(found).__name__}")
    return found
