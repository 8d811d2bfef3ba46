"""Shared by all tests: what is optional skips by its name, or fails where everything is required."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest


def absent(reason: str) -> NoReturn:
    """Skip the test with a reason; under HWSIM_REQUIRE_ALL=1 (set by continuous integration) fail it."""
    if os.environ.get("HWSIM_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def require_package() -> Callable[[str, str], ModuleType]:
    """Import an optional package, or skip and name the extra that brings it."""

    def require(name: str, extra: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except ImportError:
            absent(f"{name} is not installed; pip install 'hwsim[{extra}]'")

    return require


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], str]:
    """Path of a program, or skip and name it."""

    def require(name: str) -> str:
        return shutil.which(name) or absent(f"{name} is not installed; scripts/install-system-packages brings it")

    return require


@pytest.fixture(scope="session")
def external_data() -> Path:
    """The folder of measured data, HWSIM_DATA_DIR; tests that use it are marked ``external_data``."""
    folder = os.environ.get("HWSIM_DATA_DIR")
    if not folder:
        pytest.skip("HWSIM_DATA_DIR is not set: it names the folder of measured data")
    return Path(folder)
