"""`hwsim rtl`: tables, JSON, one line for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hwsim.commands.app import run_app


@pytest.mark.rtl
def test_verify_prints_one_json_document(
    capsys: pytest.CaptureFixture[str],
    require_tool: Callable[[str], str],
    require_package: Callable[[str, str], object],
) -> None:
    require_tool("iverilog")
    require_package("cocotb", "rtl")
    arguments = ["rtl", "verify", "systolic_array", "--parameter", "ROWS=2", "--parameter", "COLUMNS=3", "--json"]
    assert run_app(arguments) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert one["parameters"]["ROWS"] == 2 and one["cycles_measured"] == one["cycles_predicted"] > 0
    assert one["failures"] == [] and all(one["coverage"].values())


def test_list_names_every_kernel_with_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["rtl", "list", "--json"]) == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert {"systolic_array", "fp8_mac", "gru_cell"} <= set(found)
    assert found["systolic_array"]["parameters"][0]["allowed"] == "1..64"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "systolic_aray"], "did you mean 'systolic_array'"),
        (["verify", "systolic_array", "--parameter", "ROWS=0"], "ROWS(=0) must be one of 1..64"),
        (["verify", "systolic_array", "--parameter", "ROWS"], "must be NAME=VALUE"),
        (["verify", "systolic_array", "--simulator", "verilatr"], "did you mean 'verilator'"),
        (["verify", "systolic_array", "--coverage"], "--coverage needs --simulator verilator"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["rtl", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_simulator_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    require_package: Callable[[str, str], object],
) -> None:  # fmt: skip
    require_package("cocotb", "rtl")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_app(["rtl", "verify", "secded"]) == 2
    error = capsys.readouterr().err
    assert "iverilog is not installed" in error and error.count("\n") == 1


@pytest.mark.rtl
def test_waves_are_written_on_demand_and_a_folder_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], require_tool: Callable[[str], str],
    require_package: Callable[[str, str], object],
) -> None:  # fmt: skip
    require_tool("iverilog")
    require_package("cocotb", "rtl")
    arguments = ["rtl", "verify", "secded", "--parameter", "DATA_WIDTH=6", "--waves"]
    assert run_app([*arguments, str(tmp_path / "none" / "run.fst")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert run_app([*arguments, str(tmp_path / "run.fst")]) == 0
    header = (tmp_path / "run.fst").read_bytes()
    assert header[:1] == b"\0" and b"Icarus Verilog" in header[:200]  # block 0 of an FST file names its writer


@pytest.mark.rtl
def test_a_new_kernel_runs_and_its_mutants_are_caught(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], require_tool: Callable[[str], str],
    require_package: Callable[[str, str], object],
) -> None:  # fmt: skip
    require_tool("iverilog")
    require_package("cocotb", "rtl")
    assert run_app(["rtl", "new", "my_sum", "--folder", str(tmp_path)]) == 0
    assert run_app(["rtl", "verify", str(tmp_path / "my_sum")]) == 0
    assert run_app(["rtl", "mutate", str(tmp_path / "my_sum")]) == 0
    capsys.readouterr()
    assert run_app(["rtl", "new", "my_sum", "--folder", str(tmp_path)]) == 2
    assert "exists" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert run_app(["rtl", "new", "my_sum", "--folder", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err
