"""`hwsim validate`: JSON, page, refusals, and the errors that must not grow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from hwsim.commands.app import run_app
from hwsim.validation.evaluation import Evaluation, evaluate
from hwsim.validation.targets import load

# Largest mean absolute error on rows never fitted; L40S was looked at, H200 and B200 are zero-shot.
BOUNDS = {
    ("a100-sxm-80gb", "matmul bf16"): 0.080,
    ("h100-sxm-80gb", "matmul bf16"): 0.065,
    ("h200-sxm-141gb", "matmul bf16"): 0.070,
    ("b200-sxm-180gb", "matmul bf16"): 0.100,
    ("l40s-48gb", "matmul bf16"): 0.190,
    ("h100-sxm-80gb", "matmul fp8"): 0.110,
    ("h200-sxm-141gb", "matmul fp8"): 0.120,
    ("h100-sxm-80gb", "matmul fp8_block"): 0.150,
    ("h200-sxm-141gb", "matmul fp8_block"): 0.150,
}


@pytest.fixture(scope="module")
def evaluations(require_package: Callable[[str, str], ModuleType]) -> dict[tuple[str, str], Evaluation]:
    require_package("aiconfigurator_core", "validation")
    devices = sorted({device for device, _ in BOUNDS})
    tables = [targets for device in devices for targets in load("matmul", device)]
    chosen = [targets for targets in tables if (targets.device, targets.table) in BOUNDS]
    return {(targets.device, targets.table): evaluate(targets) for targets in chosen}


@pytest.mark.parametrize("case", BOUNDS, ids=" ".join)
def test_the_error_on_rows_never_fitted_stays_within_its_bound(
    case: tuple[str, str], evaluations: dict[tuple[str, str], Evaluation]
) -> None:
    found = evaluations[case]
    assert found.never_fitted.mape <= BOUNDS[case]
    assert found.never_fitted.roofline is not None and found.never_fitted.roofline > 0.3
    if found.status == "calibrated":
        assert found.never_fitted.points < 0.25 * found.all_rows.points


def test_a_fit_does_no_better_on_its_rows_than_on_those_held_out(
    evaluations: dict[tuple[str, str], Evaluation],
) -> None:
    found = evaluations["h100-sxm-80gb", "matmul bf16"]
    assert found.held_out is not None
    assert found.held_out.mape == pytest.approx(found.all_rows.mape, rel=0.1)


def test_the_worst_offenders_come_first_and_carry_a_reason(evaluations: dict[tuple[str, str], Evaluation]) -> None:
    worst = evaluations["l40s-48gb", "matmul bf16"].worst(5)
    errors = [abs(each["error"]) for each in worst]
    assert errors == sorted(errors, reverse=True)
    assert all("frameworks differ" in each["reason"] for each in worst)


def test_the_command_prints_json_and_writes_a_page(
    require_package: Callable[[str, str], ModuleType], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    require_package("aiconfigurator_core", "validation")
    page = tmp_path / "validation.html"
    arguments = ["validate", "--device", "a100-sxm-80gb", "--operator", "matmul", "--json", "--report", str(page)]
    assert run_app(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    row = next(row for row in document["rows"] if row["table"] == "matmul bf16")
    assert row["status"] == "calibrated" and row["held_out"]["points"] == row["never_fitted"]["points"]
    assert set(row["sizes"]) == {"m 1-16", "m 17-256", "m 257-"}
    text = page.read_text(encoding="utf-8")
    assert "worst offenders" in text and "matmul bf16" in text and "held out" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--operator", "matmull"], ["matmull", "did you mean 'matmul'"]),
        (["--device", "a100-smx-80gb"], ["did you mean 'a100-sxm-80gb'"]),
        (["--device", "gaudi2-96gb"], ["nothing is measured on 'gaudi2-96gb'", "h100-sxm-80gb"]),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    require_package: Callable[[str, str], ModuleType], capsys: pytest.CaptureFixture[str], arguments: list[str],
    words: list[str],
) -> None:  # fmt: skip
    require_package("aiconfigurator_core", "validation")
    assert run_app(["validate", *arguments]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert all(word in message for word in words)


def test_without_the_extra_the_command_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run_app(["validate", "--operator", "matmul"]) == 2
    assert "hwsim[validation]" in capsys.readouterr().err
