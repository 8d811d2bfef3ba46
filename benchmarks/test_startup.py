"""How long a cold process takes: the import, and the main job."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.benchmark(group="import")
@pytest.mark.parametrize("code", ["pass", "import hwsim"], ids=["bare interpreter (peer)", "import hwsim"])
def test_import(benchmark: Any, code: str) -> None:
    benchmark.pedantic(_run, args=("-c", code), rounds=9, warmup_rounds=1)


MAIN_JOB = ("-m", "hwsim", "run", "llama-2-7b", "--on", "a100-sxm-80gb", "--json")
LIBRARIES = ("-c", "import numpy, networkx, pydantic")


@pytest.mark.benchmark(group="run")
@pytest.mark.parametrize("arguments", [LIBRARIES, MAIN_JOB], ids=["import of the libraries (peer)", "hwsim run"])
def test_run(benchmark: Any, arguments: tuple[str, ...]) -> None:
    benchmark.pedantic(_run, args=arguments, rounds=7, warmup_rounds=1)
