"""Targets and scores: medians, held-out keys, repeated versions, and errors counted by hand."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from hwsim.errors import MissingExtraError
from hwsim.validation.scoring import by_size, score
from hwsim.validation.targets import Targets, data_folder, grouped, held_out, load, operators, read_table


def _targets(latency_s: list[float], **frameworks: list[float]) -> Targets:
    count = len(latency_s)
    keys = np.arange(3 * count, dtype=np.int64).reshape(count, 3)
    return Targets(
        operator="matmul", table="matmul bf16", device="h100-sxm-80gb", arguments={"m": keys[:, 0], "dtype": "bf16"},
        keys=keys, latency_s=np.array(latency_s), framework_s={k: np.array(v) for k, v in frameworks.items()},
        size_class=np.array(["small", "large"] * count)[:count],
    )  # fmt: skip


def _write(folder: Path, framework: str, version: str, latency_ms: list[float]) -> None:
    path = folder / "gemm" / framework / version
    path.mkdir(parents=True)
    rows = {"m": [1, 2], "latency": latency_ms, "version": [version] * 2}
    parquet.write_table(pa.table(rows), path / "gemm_perf.parquet")


def test_a_key_is_held_out_when_its_checksum_is_a_multiple_of_five() -> None:
    keys = np.array([[m, 4096, 4096] for m in range(1, 200)])
    expected = [zlib.crc32(f"{m},4096,4096".encode()) % 5 == 0 for m in range(1, 200)]
    assert held_out(keys).tolist() == expected
    assert 20 < sum(expected) < 60


def test_the_target_is_the_median_of_all_rows_not_of_the_frameworks() -> None:
    found = grouped(
        [np.array([7, 7, 7, 7, 3])], np.array([1.0, 2.0, 9.0, 4.0, 5.0]), np.array(["a", "a", "a", "b", "b"])
    )
    assert found.keys.tolist() == [[3], [7]]
    assert found.latency_s.tolist() == [5.0, 3.0]
    assert found.framework_s["a"][1] == 2.0 and np.isnan(found.framework_s["a"][0])
    assert found.framework_s["b"].tolist() == [5.0, 4.0]


def test_rows_that_are_not_a_positive_time_are_left_out() -> None:
    found = grouped([np.array([1, 1, 2])], np.array([0.0, 2.0, np.nan]), np.array(["a", "a", "a"]))
    assert found.keys.tolist() == [[1]] and found.latency_s.tolist() == [2.0]


def test_rows_that_a_version_repeats_from_another_count_once(tmp_path: Path) -> None:
    _write(tmp_path, "engine", "1.0", [1.0, 2.0])
    _write(tmp_path, "engine", "1.1", [1.0, 3.0])
    (tmp_path / "gemm" / "engine" / "1.1" / "reuse.yaml").write_text(
        "reuse:\n- table: gemm_perf\n  from_version: 1.0\n  reason: same kernels\n"
    )
    rows = read_table(tmp_path, "gemm", "gemm_perf")
    assert sorted(zip(rows["m"].tolist(), rows["latency_s"].tolist(), strict=True)) == [
        (1, 1e-3), (2, 2e-3), (2, 3e-3),
    ]  # fmt: skip


def test_a_table_that_was_not_measured_is_empty(tmp_path: Path) -> None:
    assert read_table(tmp_path, "gemm", "gemm_perf") == {}


def test_a_score_counts_errors_against_target_nearest_and_range() -> None:
    targets = _targets([10.0, 10.0], a=[8.0, 10.0], b=[12.0, np.nan])
    found = score(targets, np.array([11.0, 5.0]), np.array([5.0, 5.0]))
    assert found is not None
    assert found.mape == pytest.approx(0.3) and found.bias == pytest.approx(-0.2)
    assert found.nearest == pytest.approx((1 / 12 + 0.5) / 2)
    assert found.in_range == 1.0  # only the first point has a range
    assert found.noise_floor == pytest.approx(0.4)
    assert found.roofline == pytest.approx(0.5)


def test_sizes_are_scored_apart() -> None:
    targets = _targets([1.0, 1.0, 1.0], a=[1.0, 1.0, 1.0])
    found = by_size(targets, np.array([2.0, 1.0, 2.0]))
    assert found["small"].mape == 1.0 and found["large"].mape == 0.0


def test_without_the_extra_one_line_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"hwsim\[validation\]"):
        data_folder("h100-sxm-80gb")


def test_every_operator_loads_targets_of_the_h100(require_package: Callable[[str, str], ModuleType]) -> None:
    require_package("aiconfigurator_core", "validation")
    assert "matmul" in operators()
    tables = load("matmul", "h100-sxm-80gb")
    assert len(tables[0]) > 30_000
    for targets in tables:
        assert np.all(targets.fastest_s <= targets.slowest_s)
        assert 1e-6 < np.median(targets.latency_s) < 1e-1
        assert targets.held_out.mean() == pytest.approx(0.2, abs=0.02)
