"""Shared by the tests of networks."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def require_package() -> Callable[[str, str], ModuleType]:
    """Import an optional package or skip, naming the extra that brings it; HWSIM_REQUIRE_ALL=1 makes that a failure."""

    def require(name: str, extra: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except ImportError:
            reason = f"{name} is not installed; pip install 'hwsim[{extra}]'"
            if os.environ.get("HWSIM_REQUIRE_ALL") == "1":
                pytest.fail(reason)
            pytest.skip(reason)

    return require
