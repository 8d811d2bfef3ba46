"""A sweep over a chiplet: every point equals the single query, and flash and DRAM are checked apart at each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import hwsim
from hwsim.errors import DoesNotFitError
from hwsim.explore.run import run_sweep
from hwsim.explore.spec import read_sweep

pytestmark = pytest.mark.xdist_group("sweep")  # one process compiles the kernels

SPEC = """
network = "opt-66b"
device = "cambricon-llm-s"
context = 512
weights = "int8"
activations = "int8"
[vary]
"device.nand.channels" = [2, 8]
batch = [1, 64]
"""


@pytest.mark.slow
def test_a_point_fits_where_its_flash_holds_the_weights_and_its_dram_the_rest(tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC)
    run_sweep(read_sweep(spec), tmp_path / "out", False)
    rows: list[dict[str, Any]] = pq.read_table(tmp_path / "out" / "points").to_pylist()
    assert len(rows) == 4
    for row in rows:
        device = hwsim.device("cambricon-llm-s", nand__channels=row["device.nand.channels"])
        asked: dict[str, Any] = {"context": 512, "weights": "int8", "activations": "int8", "batch": row["batch"]}
        try:
            single = hwsim.simulate("opt-66b", on=device, **asked)
        except DoesNotFitError:
            assert not row["fits"]
            continue
        assert row["fits"]
        assert row["latency_s"] == pytest.approx(single.latency_s, rel=1e-9)
        assert row["energy_j"] == pytest.approx(single.energy_j, rel=1e-9)
    assert [row["fits"] for row in rows] == [False, False, True, False]
