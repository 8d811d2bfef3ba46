"""A runner that calls the command line in this process and returns its status and streams."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hwsim.commands.app import run_app

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        status = run_app(list(arguments))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call
