"""A sweep is the same formulas as a single query, over a grid; nothing that was done is lost."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import hwsim
from hwsim.errors import InputError
from hwsim.explore.pareto import pareto_front
from hwsim.explore.run import Outcome, run_sweep
from hwsim.explore.spec import read_sweep

pytestmark = pytest.mark.xdist_group("sweep")  # one process compiles the kernels

SMALL = """
network = "llama-2-7b"
device = "a100-sxm-80gb"
[vary]
batch = [1, 16]
weights = ["fp16", "int4:g128"]
"device.sm_count" = [54, 108]
"device.memory.bandwidth" = ["1 TB/s", "2039 GB/s"]
"""


def swept(folder: Path, text: str, resume: bool = False) -> Outcome:
    spec = folder / "spec.toml"
    spec.write_text(text)
    return run_sweep(read_sweep(spec), folder / "out", resume)


def rows(folder: Path) -> list[dict[str, object]]:
    table: list[dict[str, object]] = pq.read_table(folder / "out" / "points").to_pylist()
    return table


def test_collectives_take_the_swept_boards_idle_and_running_power(tmp_path: Path) -> None:
    text = """
network = "llama-2-7b"
device = "2 x a100-sxm-80gb"
[vary]
parallel = ["tp=2"]
"device.power.idle" = ["40 W", "85 W"]
"device.power.limit" = ["300 W", "400 W"]
"""
    assert swept(tmp_path, text).done == 4
    for row in rows(tmp_path):
        changed = {name: f"{row[f'device.power.{name}']} W" for name in ("idle", "limit")}
        device = hwsim.device("a100-sxm-80gb", power__idle=changed["idle"], power__limit=changed["limit"])
        single = hwsim.simulate("llama-2-7b", on=device, parallel={"tp": 2})
        assert row["energy_j"] == pytest.approx(single.energy_j, rel=1e-9)


def test_every_point_of_a_sweep_equals_the_single_query(tmp_path: Path) -> None:
    outcome = swept(tmp_path, SMALL)
    assert outcome.points == outcome.done == 16
    for row in rows(tmp_path):
        device = hwsim.device(
            "a100-sxm-80gb", sm_count=row["device.sm_count"],  # type: ignore[arg-type]
            memory__bandwidth=f"{row['device.memory.bandwidth']} B/s",
        )  # fmt: skip
        single = hwsim.simulate(
            "llama-2-7b", on=device, batch=row["batch"], weights=row["weights"],  # type: ignore[arg-type]
        )  # fmt: skip
        assert row["latency_s"] == pytest.approx(single.latency_s, rel=1e-9)
        assert row["energy_j"] == pytest.approx(single.energy_j, rel=1e-9)
        assert row["tokens_per_s"] == pytest.approx(single.tokens_per_s, rel=1e-9)
        assert row["peak_memory_bytes"] == single.peak_memory_bytes


@pytest.mark.parametrize(
    ("network", "device", "more"),
    [
        ("llama-2-7b", "a100-sxm-80gb", 'runtime = ["graph", "eager", "serving-top-p"]\noutput = [1, 2, 9]'),
        ("gemma-3-1b", "h100-sxm-80gb", "output = [24]\nprompt = [1000, 1020]"),  # the windows fill on the way
        ("mixtral-8x7b", "h100-sxm-80gb", 'parallel = ["tp=2", "tp=2,pp=2"]\noutput = [4]'),
    ],
)
def test_a_swept_generation_equals_the_single_query(tmp_path: Path, network: str, device: str, more: str) -> None:
    head = f'network = "{network}"\ndevice = "{device}"\nphase = "generate"\n'
    swept(tmp_path, head + f'[vary]\n{more}\n"device.sm_count" = [40, 80]\n')
    for row in rows(tmp_path):
        asked = {name: row[name] for name in ("output", "prompt", "parallel", "runtime") if name in row}
        on = hwsim.device(device, sm_count=row["device.sm_count"])  # type: ignore[arg-type]
        single = hwsim.simulate(network, on=on, phase="generate", **asked)  # type: ignore[arg-type]
        for name in ("latency_s", "energy_j", "tokens_per_s", "time_to_first_token_s", "peak_memory_bytes"):
            assert row[name] == pytest.approx(getattr(single, name), rel=1e-9), name
        between: Any = row["time_per_output_token_s"]
        if single.time_per_output_token_s is None:
            assert math.isnan(between)
        else:
            assert between == pytest.approx(single.time_per_output_token_s, rel=1e-9)


def test_a_network_without_a_cache_is_swept_forward(tmp_path: Path) -> None:
    text = 'network = "alexnet"\ndevice = "a100-sxm-80gb"\nphase = "forward"\n[vary]\nbatch = [1, 16]\n'
    swept(tmp_path, text + '[objectives]\nsamples_per_s = "max"\n')
    for row in rows(tmp_path):
        single = hwsim.simulate("alexnet", on="a100-sxm-80gb", phase="forward", batch=row["batch"])  # type: ignore[arg-type]
        assert row["samples_per_s"] == pytest.approx(single.samples_per_s, rel=1e-9)
        assert row["energy_per_sample_j"] == pytest.approx(single.energy_j / row["batch"], rel=1e-9)  # type: ignore[operator]


def test_a_generation_of_one_token_never_beats_one_with_a_time_between_tokens(tmp_path: Path) -> None:
    head = 'network = "llama-2-7b"\ndevice = "a100-sxm-80gb"\nphase = "generate"\n[vary]\noutput = [1, 4]\n'
    outcome = swept(tmp_path, head + '[objectives]\ntime_per_output_token_s = "min"\n')
    assert outcome.front is not None and outcome.front["output"].to_pylist() == [4]


@pytest.mark.parametrize(
    ("network", "device", "more"),
    [
        ("mixtral-8x7b", "h100-sxm-80gb", 'parallel = ["tp=2", "tp=4,pp=2", "ep=8", "tp=8,ep=8,dp=1"]\nbatch = [8]'),
        ("qwen3-30b-a3b", "b200-sxm-180gb", 'runtime = ["graph", "eager", "serving-top-p"]\nkv = ["bf16", "fp8_e4m3"]'),
        ("gemma-2-9b", "l40s-48gb", "context = { from = 100, to = 7000, steps = 4 }"),
        ("nemotron-nano-9b-v2", "h100-sxm-80gb", 'runtime = ["serving-top-p"]\nbatch = [8]'),
    ],
)
def test_parallel_runtime_and_context_axes_equal_the_single_query(
    tmp_path: Path, network: str, device: str, more: str
) -> None:
    swept(tmp_path, f'network = "{network}"\ndevice = "{device}"\n[vary]\n{more}\n"device.sm_count" = [40, 80]\n')
    for row in rows(tmp_path):
        names = ("batch", "context", "parallel", "runtime", "kv")
        asked = {name: row[name] for name in names if name in row}
        single = hwsim.simulate(
            network, on=hwsim.device(device, sm_count=row["device.sm_count"]), **asked,  # type: ignore[arg-type]
        )  # fmt: skip
        assert row["latency_s"] == pytest.approx(single.latency_s, rel=1e-9)
        assert row["energy_j"] == pytest.approx(single.energy_j, rel=1e-9)


def test_a_prefill_sweep_equals_the_single_query(tmp_path: Path) -> None:
    swept(tmp_path, SMALL.replace("[vary]", 'phase = "prefill"\nprompt = 300\n[vary]'))
    row = rows(tmp_path)[-1]
    single = hwsim.simulate(
        "llama-2-7b", on="a100-sxm-80gb", phase="prefill", prompt=300, batch=16, weights="int4:g128"
    )
    assert row["latency_s"] == pytest.approx(single.latency_s, rel=1e-9)


def test_points_that_do_not_fit_or_break_a_limit_are_kept_and_marked(tmp_path: Path) -> None:
    text = SMALL.replace("[1, 16]", "[1, 400]") + '[constraints]\nlatency_s = { max = "10 ms" }\n'
    outcome = swept(tmp_path, text)
    table = rows(tmp_path)
    assert len(table) == 16
    for row in table:
        assert row["fits"] == (row["peak_memory_bytes"] <= 80e9)  # type: ignore[operator]
        assert row["feasible"] == (row["fits"] and row["latency_s"] <= 0.010)  # type: ignore[operator]
    assert 0 < outcome.feasible < outcome.fitting < 16
    assert outcome.front is not None
    assert all(outcome.front["feasible"].to_pylist())


def test_keep_feasible_leaves_the_others_out(tmp_path: Path) -> None:
    text = 'keep = "feasible"\n' + SMALL + "[constraints]\npower_w = { max = 1e-3 }\n"
    outcome = swept(tmp_path, text)
    assert rows(tmp_path) == []
    assert outcome.done == 16
    assert outcome.front is not None
    assert len(outcome.front) == 0


def test_no_point_dominates_a_point_of_the_front(tmp_path: Path) -> None:
    objectives = '[objectives]\nlatency_s = "min"\ntokens_per_s = "max"\n"device.sm_count" = "min"\n'
    outcome = swept(tmp_path, SMALL + objectives)
    assert outcome.front is not None

    def losses(row: dict[str, Any]) -> Any:
        return np.array([row["latency_s"], -row["tokens_per_s"], row["device.sm_count"]])

    everything = [losses(row) for row in rows(tmp_path)]
    front = [losses(row) for row in outcome.front.to_pylist()]
    for point in front:
        assert not any(np.all(other <= point) and np.any(other < point) for other in everything)
    for other in everything:
        assert any(np.all(point <= other) for point in front)


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_the_front_is_the_one_that_comparing_all_pairs_gives(objectives: int) -> None:
    values = np.random.default_rng(objectives).integers(0, 6, size=(300, objectives)).astype(float)
    unique = {tuple(row) for row in values}
    expected = {a for a in unique if not any(all(p <= q for p, q in zip(b, a, strict=True)) for b in unique - {a})}
    found = [tuple(values[index]) for index in pareto_front(values)]
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_an_interrupted_sweep_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwsim.explore.evaluate.POINTS_A_CHUNK", 4)
    seen: list[int] = []

    def stop(what: str, done: int, points: int) -> None:
        seen.append(done)
        if done >= 8:
            raise KeyboardInterrupt

    spec = tmp_path / "spec.toml"
    spec.write_text(SMALL)
    first = run_sweep(read_sweep(spec), tmp_path / "out", progress=stop)
    assert (first.interrupted, first.done) == (True, 8)
    assert len(rows(tmp_path)) == 8
    assert json.loads((tmp_path / "out" / "sweep.json").read_text())["finished"] is False
    second = run_sweep(read_sweep(spec), tmp_path / "out", resume=True)
    assert (second.interrupted, second.done, second.evaluated) == (False, 16, 8)
    (tmp_path / "again").mkdir()
    whole = swept(tmp_path / "again", SMALL)
    assert rows(tmp_path) == rows(tmp_path / "again")
    assert second.front == whole.front


def test_a_folder_of_another_sweep_is_not_resumed_or_overwritten(tmp_path: Path) -> None:
    swept(tmp_path, SMALL)
    with pytest.raises(InputError, match="not empty"):
        swept(tmp_path, SMALL)
    with pytest.raises(InputError, match="another sweep file"):
        swept(tmp_path, SMALL.replace("54", "60"), resume=True)
    (tmp_path / "out" / "sweep.json").write_text("{")
    with pytest.raises(InputError, match="no sweep to resume"):
        swept(tmp_path, SMALL, resume=True)


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_ends_with_130(tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(SMALL.replace("[54, 108]", "{ from = 20, to = 140, steps = 121 }").replace(
        '["1 TB/s", "2039 GB/s"]', '{ from = "1 TB/s", to = "4 TB/s", steps = 60000 }'))  # fmt: skip
    command = [sys.executable, "-m", "hwsim", "sweep", str(spec), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "out" / "points" / "part-000000.parquet").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "--resume" in err
    assert "Traceback" not in err
    state = json.loads((tmp_path / "out" / "sweep.json").read_text())
    assert state["done"] == pq.read_table(tmp_path / "out" / "points").num_rows > 0
    assert (tmp_path / "out" / "pareto.parquet").exists()
    assert (tmp_path / "out" / "report.html").exists()
