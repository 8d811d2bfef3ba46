"""A sweep file that cannot be right ends in one line with the file and the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwsim.commands.app import run_app

GOOD = 'network = "llama-2-7b"\ndevice = "a100-sxm-80gb"\n'
VARY = "[vary]\nbatch = [1, 2]\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["network", "missing"]),
        ("network = ", ["not a TOML file"]),
        (GOOD, ["[vary]"]),
        (GOOD + "[vary]\n", ["[vary]"]),
        (GOOD + "batch = 1\n" + VARY, ["batch", "also under [vary]"]),
        (GOOD + "netwrk = 1\n" + VARY, ["netwrk", "did you mean"]),
        (GOOD.replace("llama-2-7b", "lama-2-7b") + VARY, ["lama-2-7b", "did you mean"]),
        (GOOD.replace("a100-sxm", "a100-smx") + VARY, ["a100-smx-80gb", "did you mean"]),
        (GOOD + 'phase = "train"\n' + VARY, ["train", "prefill, decode, generate, forward"]),
        (GOOD + "[vary]\nbatch = []\n", ["vary.batch"]),
        (GOOD + "[vary]\nbatch = [1, 1]\n", ["vary.batch", "twice"]),
        (GOOD + "[vary]\nbatch = [0]\n", ["batch", "0"]),
        (GOOD + "[vary]\nbatch = [1.5]\n", ["batch", "1.5"]),
        (GOOD + '[vary]\nbatch = ["two"]\n', ["batch", "two"]),
        (GOOD + "[vary]\nbatch = [nan]\n", ["batch", "nan"]),
        (GOOD + "[vary]\nbach = [1]\n", ["bach", "did you mean"]),
        (GOOD + '[vary]\nweights = ["fp7"]\n', ["fp7"]),
        (GOOD + "[vary]\nweights = [1]\n", ["weights", "text"]),
        (GOOD + '[vary]\nparallel = ["tp=3"]\n', ["3"]),
        (GOOD + '[vary]\n"device.sm_cont" = [1]\n', ["sm_cont", "did you mean"]),
        (GOOD + '[vary]\n"device.sm_count" = [0]\n', ["sm_count", "0"]),
        (GOOD + '[vary]\n"device.clock" = ["1 TB"]\n', ["clock", "1 TB"]),
        (GOOD + '[vary]\n"device.clock" = [1e9]\n', ["clock", "unit"]),
        (GOOD + '[vary]\n"device.clock" = { from = "1 GHz", to = "2 GHz" }\n', ["steps", "missing"]),
        (GOOD + "[vary]\nbatch = { from = 1, to = 9, steps = 1 }\n", ["steps"]),
        (GOOD + "[vary]\nbatch = { from = 0, to = 9, steps = 4, scale = 'log' }\n", ["log", "above 0"]),
        (GOOD + VARY + "[constraints]\nlatency = { max = 1 }\n", ["latency", "did you mean"]),
        (GOOD + VARY + "[constraints]\nlatency_s = { max = 1, min = 2 }\n", ["above max"]),
        (GOOD + VARY + '[constraints]\nlatency_s = { max = "1 GB" }\n', ["1 GB"]),
        (GOOD + VARY + '[objectives]\nlatency_s = "small"\n', ["small", "min"]),
        (GOOD + VARY + '[objectives]\nspeed = "max"\n', ["speed"]),
        (GOOD + "[vary]\ncontext = { from = 1, to = 900000, steps = 900000 }\n", ["too many"]),
    ],
)
def test_a_bad_sweep_is_one_clear_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: list[str]
) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(text)
    assert run_app(["sweep", str(spec), "--out", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    for word in words:
        assert word in err


def test_a_missing_file_and_impossible_options_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["sweep", str(tmp_path / "no.toml")]) == 2
    assert "no.toml" in capsys.readouterr().err
    spec = tmp_path / "spec.toml"
    spec.write_text(GOOD + VARY)
    assert run_app(["sweep", str(spec), "--workers", "-1"]) == 2
    assert "--workers" in capsys.readouterr().err
    assert run_app(["sweep", str(spec), "--out", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err
