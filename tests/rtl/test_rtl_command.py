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
