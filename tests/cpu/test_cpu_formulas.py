"""Processors: laws, closed forms counted by hand, bad files, and the published INT4 rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.cost import compiled
from hwsim.errors import HwsimError
from hwsim.experiments.reproduction import judged_errors, paper_rows
from hwsim.models.catalog import read_device
from hwsim.operators import Matmul
from hwsim.rows import lower

NAMES = ("xeon-8480", "xeon-4214r", "xeon-gold-5220r", "epyc-7742", "graviton3", "apple-m1-max", "apple-m2-ultra")
FILE = (Path(hwsim.__file__).parent / "models" / "catalog" / "devices" / "xeon-8480.toml").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_processor_runs_a_network(name: str) -> None:
    result = hwsim.simulate("llama-3.2-1b", on=name, weights="int8", activations="fp32")
    assert 0.001 < result.latency_s < 0.2
    assert result.energy_j > 0.0


def test_a_memory_bound_product_is_its_bytes_over_the_achieved_channels() -> None:
    found = hwsim.estimate("xeon-8480", "matmul", m=1, n=4096, k=16384, dtype="fp32", weight_dtype="bf16")
    assert found.bound == "memory"
    assert found.latency_s == pytest.approx(4096 * 16384 * 2 / (0.51 * 307.2e9) + 6e-6, rel=1e-12)


def test_the_matrix_unit_pads_few_tokens_and_wins_for_many() -> None:
    one, many = (hwsim.estimate("xeon-8480", "matmul", m=m, n=8192, k=8192, dtype="int8").latency_s for m in (1, 4096))
    assert many < 4096 * one / 50
    assert many == pytest.approx(2 * 4096 * 160 * 8192 / (2048 * 0.8 * 2e9) + 6e-6, rel=1e-12)  # 160 columns a core


@settings(deadline=None)  # the first example compiles
@given(m=st.integers(1, 3000), n=st.integers(1, 9000), k=st.integers(1, 9000))
def test_a_product_is_never_under_the_roofline_and_plain_equals_compiled(m: int, n: int, k: int) -> None:
    device = read_device("graviton3")
    row = lower(Matmul(name="x", m=m, n=n, k=k, dtype="bf16"))
    plain = device.cost(device.record, row)
    assert plain.latency_s >= row.flops / device.peak_flops_per_s["bf16"]
    assert plain.latency_s >= 2.0 * n * k / device.bandwidth_bytes_per_s
    assert compiled(device.cost)(device.record, row) == pytest.approx(plain, rel=1e-12)


@given(share=st.floats(0.1, 1.0))
def test_more_cores_and_more_bandwidth_are_never_slower(share: float) -> None:
    slow = hwsim.device("epyc-7742", cores=str(int(1 + 63 * share)), memory__bandwidth=f"{204.8 * share} GB/s")
    fast = hwsim.device("epyc-7742")
    for kind, arguments in (
        ("matmul", {"m": 7, "n": 4096, "k": 4096}),
        ("attention", {"batch": 2, "query_length": 1, "kv_length": 4096, "heads": 32, "kv_heads": 8, "head_dim": 128}),
        ("norm", {"rows": 64, "columns": 4096}),
    ):
        assert hwsim.estimate(slow, kind, **arguments).latency_s >= hwsim.estimate(fast, kind, **arguments).latency_s


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("cores = 56", "cores = 0", ["cores"]),
        ('bandwidth = "307.2 GB/s"', 'bandwidth = "-1 GB/s"', ["memory.bandwidth"]),
        ("achieved = 0.51", "achieved = 1.5", ["memory.achieved"]),
        ("unpack = 32", "unpak = 32", ["vector.unpak", "did you mean"]),
    ],
)
def test_a_bad_file_is_refused_by_its_key(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    assert old in FILE
    path = tmp_path / "cpu.toml"
    path.write_text(FILE.replace(old, new, 1))
    with pytest.raises(HwsimError) as caught:
        read_device(path)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_the_tokens_of_the_published_networks_are_within_their_bounds() -> None:
    found = judged_errors(paper_rows("cpu-inference")[1])
    errors = {tuple(name.split(": ")): error for name, error in found.items()}
    tied = {key: errors.pop(key) for key in list(errors) if "opt" in key[0]}
    following = {key: error for key, error in errors.items() if key[1].startswith("next") and "ggml" not in key[1]}
    assert len(following) == 7
    assert all(abs(error) <= 0.05 for error in following.values()), following
    first = {key: error for key, error in errors.items() if key[1].startswith("first")}
    assert len(first) == 8
    assert all(abs(error) <= 0.36 for error in first.values()), first
    assert all(abs(error) <= 0.13 for key, error in tied.items() if key[1].startswith("next")), tied
