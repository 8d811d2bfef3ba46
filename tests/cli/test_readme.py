"""Every command of the README runs as printed, and prints tables of the shape shown."""

from __future__ import annotations

import importlib.util
import re
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def refresher() -> ModuleType:
    loader = SourceFileLoader("refresh_readme", str(ROOT / "scripts" / "refresh-readme"))
    spec = importlib.util.spec_from_loader("refresh_readme", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def shown() -> list[tuple[str, str]]:
    """Each command of the README with the output printed below it."""
    pairs = []
    for block in BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            pairs.append((command, output.rstrip("\n")))
    return pairs


def test_the_readme_shows_at_least_three_more_things_than_the_two_commands() -> None:
    assert len(shown()) >= 4


@pytest.mark.parametrize(("command", "output"), shown())
def test_a_command_of_the_readme_runs_as_printed(command: str, output: str) -> None:
    assert len(refresher().output_of(command).splitlines()) == pytest.approx(len(output.splitlines()), abs=2)
