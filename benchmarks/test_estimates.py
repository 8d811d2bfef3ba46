"""`hwsim.estimate`: one query as it is, a million compiled; the peer is the bare roofline in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hwsim

POINTS = 1_000_000
DEVICE = "h100-sxm-80gb"
PEAK_FLOPS_PER_S, BANDWIDTH_BYTES_PER_S = 989.4e12, 3.35e12


def roofline_s(m: Any, n: Any, k: Any) -> Any:
    """Seconds of a bf16 product on the bare roofline."""
    return np.maximum(2.0 * m * n * k / PEAK_FLOPS_PER_S, 2.0 * (m * k + k * n + m * n) / BANDWIDTH_BYTES_PER_S)


def hwsim_s(m: Any, n: Any, k: Any) -> Any:
    """Seconds of the same as hwsim estimates it."""
    return hwsim.estimate(DEVICE_RECORD, "matmul", m=m, n=n, k=k, dtype="bf16").latency_s


DEVICE_RECORD = hwsim.device(DEVICE)
BOTH = pytest.mark.parametrize("function", [roofline_s, hwsim_s], ids=["numpy roofline (peer)", "hwsim.estimate"])


@pytest.mark.benchmark(group="single query")
@BOTH
def test_single_query(benchmark: Any, function: Any) -> None:
    benchmark.pedantic(function, args=(4096.0, 4096.0, 4096.0), rounds=200, warmup_rounds=5)


@pytest.mark.benchmark(group="million estimates")
@BOTH
def test_million_estimates(benchmark: Any, function: Any) -> None:
    random = np.random.default_rng(1)
    shapes = [2.0 ** random.uniform(0.0, 14.0, POINTS) // 1.0 for _ in range(3)]
    benchmark.pedantic(function, args=shapes, rounds=5, warmup_rounds=1)
