"""A sweep over techniques gives what single queries give, and refuses one that a device cannot use."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

import hwsim
from hwsim.commands.app import run_app
from hwsim.explore.run import run_sweep
from hwsim.explore.spec import read_sweep

pytestmark = pytest.mark.xdist_group("sweep")  # one process compiles the kernels

SWEEP = """
network = "llama-2-7b"
device = "a100-sxm-80gb"
[vary]
context = [500, 5000]
technique = ["none", "kv-eviction:budget=1000", "layer-dropping + kv-quantisation:bits=4"]
"""


def test_every_technique_of_a_sweep_equals_the_single_query(tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(SWEEP)
    assert run_sweep(read_sweep(spec), tmp_path / "out", False).done == 6
    for row in pq.read_table(tmp_path / "out" / "points").to_pylist():
        texts = [] if row["technique"] == "none" else row["technique"].split(" + ")
        single = hwsim.simulate("llama-2-7b", on="a100-sxm-80gb", context=row["context"], techniques=texts)
        assert row["latency_s"] == pytest.approx(single.latency_s, rel=1e-9)
        assert row["energy_j"] == pytest.approx(single.energy_j, rel=1e-9)
        assert row["peak_memory_bytes"] == single.peak_memory_bytes


@pytest.mark.parametrize(
    ("value", "words"),
    [("n-m-sparsity", "has no effect"), ("kv-evict", "did you mean 'kv-eviction'"), ("kv-eviction:budget=0", "budget")],
)
def test_a_technique_that_cannot_be_swept_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], value: str, words: str
) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(SWEEP.replace('"none"', f'"{value}"'))
    assert run_app(["sweep", str(spec), "--out", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert words in err
    assert "spec.toml" in err
