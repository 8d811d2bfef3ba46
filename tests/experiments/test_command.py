"""Experiments run from the command line: one line for a mistake, and where measurements are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwsim.errors import InputError
from hwsim.experiments.command import INTERRUPTED, exit_status, measured_file
from hwsim.experiments.end_to_end import megatron, vllm_h100


@pytest.mark.parametrize("main", [lambda: megatron.main([]), lambda: vllm_h100.main([])], ids=["megatron", "vllm"])
def test_a_folder_without_the_measurements_is_one_line(
    main: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HWSIM_DATA_DIR", str(tmp_path))
    assert callable(main) and exit_status(main) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 1 and str(tmp_path) in told.err and ".csv" in told.err


def test_measurements_are_asked_for_by_the_name_of_their_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HWSIM_DATA_DIR", raising=False)
    with pytest.raises(InputError, match=r"HWSIM_DATA_DIR is not set.*megatron_models\.csv"):
        measured_file("megatron_models.csv")


def test_an_interrupt_ends_with_its_own_status(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    assert exit_status(interrupted) == INTERRUPTED
    assert capsys.readouterr().err == "interrupted\n"
    assert exit_status(lambda: None) == 0
