"""A user's own device: a new file from another one, and constants fitted to the user's measurements."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import hwsim
from hwsim.commands.app import run_app
from hwsim.models.catalog import read_device

SET = ["--set", "sm_count=100", "--set", "memory.bandwidth=3 TB/s", "--set", "device.matmul.fixed=2 us"]


def _measure(path: Path, fixed: str, points: int) -> Path:
    """Measurements that a device with another fixed time would give."""
    true = read_device("h100-sxm-80gb", {"matmul.fixed": fixed})
    random = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["m", "n", "k", "dtype", "latency_s"])
        for m, n, k in random.choice([64, 128, 256, 512, 1024, 2048], size=(points, 3)).tolist():
            latency = hwsim.estimate(true, "matmul", m=m, n=n, k=k, dtype="bf16").latency_s
            writer.writerow([m, n, k, "bf16", latency])
    return path


def test_a_new_device_is_valid_commented_and_unvalidated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "mine.toml"
    assert run_app(["device", "new", "--from", "h100-sxm-80gb", *SET, "--out", str(target)]) == 0
    assert str(target) in capsys.readouterr().out
    device, old = read_device(target), read_device("h100-sxm-80gb")
    assert device.record.sm_count == 100.0 and device.record.matmul_fixed_s == pytest.approx(2e-6)
    assert device.bandwidth_bytes_per_s == 3e12
    assert device.record.clock_hz == old.record.clock_hz
    assert device.status == {"latency": "unvalidated", "power": "unvalidated"}
    assert device.sources["sm_count"] == "set by the user" and "whitepaper" in device.sources["clock"]


@pytest.mark.parametrize("name", ["h100-sxm-80gb", "gaudi2-96gb", "tpu-v4"])
def test_a_changed_device_is_as_sure_as_the_same_device_written_to_a_file(name: str, tmp_path: Path) -> None:
    target, path, value = tmp_path / "mine.toml", "memory.bandwidth", "4 TB/s"
    assert run_app(["device", "new", "--from", name, "--set", f"{path}={value}", "--out", str(target)]) == 0
    what_if, written = read_device(name, {path: value}), read_device(target)
    assert dict(what_if.status) == dict(written.status) == {"latency": "unvalidated", "power": "unvalidated"}
    assert what_if.residuals == written.residuals
    found = [hwsim.simulate("llama-2-7b", on=device) for device in (what_if, written)]
    assert len({(each.latency_s, each.low_s, each.high_s, each.basis) for each in found}) == 1
    assert found[0].basis == "unvalidated"


def test_an_override_may_state_the_status_itself() -> None:
    assert read_device("h100-sxm-80gb", {"sm_count": "100", "status.latency": "zero-shot"}).status == {
        "latency": "zero-shot", "power": "unvalidated",
    }  # fmt: skip
    kept = read_device("h100-sxm-80gb", {"status.power": "unvalidated"}).status
    assert kept["latency"] == read_device("h100-sxm-80gb").status["latency"] == "calibrated"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "sm_cont=3"], "did you mean 'sm_count'"),
        (["--set", "sm_count"], "must be PATH=VALUE"),
        (["--set", "memory.bandwidth=3 GB"], "memory.bandwidth"),
        (["--set", "family=npu"], "family cannot be set"),
    ],
)
def test_an_impossible_change_is_one_line_and_writes_nothing(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "mine.toml"
    assert run_app(["device", "new", "--from", "h100-sxm-80gb", *arguments, "--out", str(target)]) == 2
    assert words in capsys.readouterr().err and not target.exists()


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "mine.toml"
    target.write_text("kept")
    assert run_app(["device", "new", "--from", "h100-sxm-80gb", "--out", str(target)]) == 2
    assert "exists" in capsys.readouterr().err and target.read_text() == "kept"


@pytest.mark.slow
def test_calibration_finds_the_constants_behind_the_measurements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("scipy", reason="scipy is not installed; pip install 'hwsim[validation]'")
    measured, out = _measure(tmp_path / "measured.csv", "5 us", 60), tmp_path / "fitted.toml"
    assert run_app(["calibrate", "h100-sxm-80gb", str(measured), "--out", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["points"] == 60 and found["error_before"] > 0.1
    assert found["error_after"] < 0.2 * found["error_before"]
    assert read_device(out).record.matmul_fixed_s == pytest.approx(5e-6, rel=0.1)
    assert "measured.csv" in read_device(out).sources["matmul.fixed"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("m,n,k,latency_s\n1,2,3,1e-5\n", "too few points: 1 of different shape"),
        ("m,n,kk,latency_s\n1,2,3,1e-5\n", "column 'kk' does not exist"),
        ("m,n,k\n1,2,3\n", "needs a column latency_s"),
        ("m,n,k,latency_s\n1,x,3,1e-5\n", "line 2: n 'x' is not a number"),
        ("m,n,k,latency_s\n1,2,3,-1\n", "latency_s -1 must be above 0"),
        ("m,n,k,dtype,latency_s\n1,2,3,bf61,1\n", "line 2"),
        ("", "needs a column latency_s"),
        ("m,n,k,latency_s\n", "has a header and no rows"),
        ("m,n,k,latency_s\n1,2,3\n", "line 2: has 3 values for 4 columns"),
        ("m,n,k,latency_s\n1,2,3,1e-5,7\n", "line 2: has 5 values for 4 columns"),
        ("m,n,n,latency_s\n1,2,3,1e-5\n", "a column stands twice"),
        ("m,k,latency_s\n1,2,1e-5\n", "line 2: missing 'n'"),
        ("m,n,k,latency_s\n" + "64,64,64,1e-5\n" * 60, "too few points: 1 of different shape"),
        ("m,n,k,latency_s\n" + "".join(f"{m},64,64,5\n" for m in range(1, 50)), "latency_s is in seconds"),
    ],
)
def test_measurements_that_cannot_be_used_are_refused_in_one_line(
    content: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "measured.csv"
    path.write_text(content)
    assert run_app(["calibrate", "h100-sxm-80gb", str(path)]) == 2
    message = capsys.readouterr().err
    assert words in message and message.count("\n") == 1


def test_a_device_file_is_toml_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "mine.txt"
    assert run_app(["device", "new", "--from", "h100-sxm-80gb", "--out", str(target)]) == 2
    assert "ends in .toml" in capsys.readouterr().err and not target.exists()
