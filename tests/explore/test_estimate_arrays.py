"""Many points at once are the single query, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hwsim
from hwsim.errors import InputError
from hwsim.estimation import COMPILED_FROM

pytestmark = pytest.mark.xdist_group("sweep")
RANDOM = np.random.default_rng(7)


def whole(low: int, high: int) -> Any:
    return RANDOM.integers(low, high, COMPILED_FROM).astype(float)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("matmul", {"m": whole(1, 9000), "n": whole(1, 9000), "k": whole(1, 9000), "dtype": "bf16"}),
        ("matmul", {"m": whole(1, 99), "n": 4096, "k": 4096, "batch": 3, "weight_dtype": "int4:g128"}),
        ("attention", {"batch": whole(1, 64), "query_length": 1, "kv_length": whole(1, 9000), "heads": 32,
                       "kv_heads": 8, "head_dim": 128}),
        ("moe", {"tokens": whole(1, 9000), "hidden": 2048, "intermediate": 768, "experts": 128, "top_k": 8}),
        ("norm", {"rows": whole(1, 9000), "columns": 4096}),
        ("softmax", {"rows": whole(1, 9000), "columns": 4096}),
        ("elementwise", {"elements": whole(1, 10**8), "reads": 2, "writes": 1}),
    ],
)  # fmt: skip
def test_many_points_equal_the_single_query(kind: str, arguments: dict[str, Any]) -> None:
    device = hwsim.device("h100-sxm-80gb")
    many = hwsim.estimate(device, kind, **arguments)
    assert many.latency_s.shape == many.energy_j.shape == many.bound.shape == (COMPILED_FROM,)
    for index in range(0, COMPILED_FROM, 97):
        one = hwsim.estimate(
            device, kind, **{n: v[index] if isinstance(v, np.ndarray) else v for n, v in arguments.items()}
        )
        assert many.latency_s[index] == pytest.approx(one.latency_s, rel=1e-12)
        assert many.energy_j[index] == pytest.approx(one.energy_j, rel=1e-12)
        assert many.bound[index] == one.bound


def test_many_points_are_broadcast() -> None:
    m, n = np.arange(1.0, 101.0)[:, None], np.arange(64.0, 64.0 * 51, 64.0)[None, :]
    grid = hwsim.estimate("a100-sxm-80gb", "matmul", m=m, n=n, k=512)
    assert grid.latency_s.shape == (100, 50)
    assert grid.latency_s[3, 7] == pytest.approx(hwsim.estimate("a100-sxm-80gb", "matmul", m=4, n=512, k=512).latency_s)


def test_an_impossible_value_among_many_points_is_refused() -> None:
    m = np.ones(COMPILED_FROM)
    m[17] = 0.0
    with pytest.raises(InputError, match="m.*must be > 0"):
        hwsim.estimate("a100-sxm-80gb", "matmul", m=m, n=64, k=64)
    with pytest.raises(InputError, match="missing argument"):
        hwsim.estimate("a100-sxm-80gb", "matmul", m=np.ones(COMPILED_FROM), n=64)
