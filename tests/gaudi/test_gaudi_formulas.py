"""Gaudi: the published matrix products, the rules of FP8 scales, laws, plain against compiled."""

from __future__ import annotations

import pytest

import hwsim
from hwsim.cost import compiled
from hwsim.errors import HwsimError
from hwsim.operators import Attention, Matmul, MixtureOfExperts, Norm, Operator
from hwsim.rows import OperatorRow, lower

# (m, k, n): TFLOPS in fp8 with a scale a tensor, fp8 with a scale a row, bf16; arXiv 2502.01070, measured warm.
PUBLISHED = {
    (16384, 1024, 8192): (787.9, 697.4, 417.9),
    (16384, 8192, 7168): (799.7, 799.4, 425.2),
    (4096, 4096, 4096): (751.7, 730.8, 408.2),
    (8192, 8192, 8192): (811.0, 684.7, 423.9),
    (16384, 16384, 16384): (842.7, 820.4, 379.8),
}
MODES = [("fp8_e4m3", "tensor"), ("fp8_e4m3", "row"), ("bf16", "tensor")]
OPERATORS: list[Operator] = [
    Matmul(name="decode", m=1, n=4096, k=4096),
    Matmul(name="fp8", m=4096, n=4096, k=4096, dtype="fp8_e4m3", scaling="block"),
    Attention(name="prefill", batch=1, query_length=1024, kv_length=1024, heads=32, kv_heads=8, head_dim=128),
    MixtureOfExperts(name="moe", tokens=64, hidden=4096, intermediate=14336, experts=8, top_k=2),
    Norm(name="norm", rows=1024, columns=4096),
]


def tflops(m: int, k: int, n: int, dtype: str, scaling: str) -> float:
    estimate = hwsim.estimate("gaudi2-96gb", "matmul", m=m, n=n, k=k, dtype=dtype, scaling=scaling)
    return float(2.0 * m * n * k / estimate.latency_s / 1e12)


def test_the_published_products_are_met_within_4_percent_on_average() -> None:
    errors = [
        abs(tflops(*shape, *mode) / published - 1.0)
        for shape, row in PUBLISHED.items()
        for mode, published in zip(MODES, row, strict=True)
    ]
    assert sum(errors) / len(errors) < 0.04


def test_only_the_deepest_bf16_product_is_slowed_by_the_sram() -> None:
    shares = {shape: tflops(*shape, "bf16", "tensor") / 432.5 for shape in PUBLISHED}
    assert min(shares, key=lambda shape: shares[shape]) == (16384, 16384, 16384)


def test_a_scale_a_tensor_is_free_and_finer_scales_cost_more() -> None:
    rates = [tflops(4096, 4096, 4096, "fp8_e4m3", scaling) for scaling in ("tensor", "row", "block")]
    assert rates[0] > rates[1] > rates[2]


def test_gaudi_3_runs_fp8_at_the_rate_of_bf16_and_gaudi_2_at_twice() -> None:
    assert hwsim.device("gaudi3-128gb").peak_flops_per_s["fp8_e4m3"] == pytest.approx(1835e12, rel=0.001)
    assert hwsim.device("gaudi3-128gb").peak_flops_per_s["bf16"] == pytest.approx(1835e12, rel=0.001)
    peaks = hwsim.device("gaudi2-96gb").peak_flops_per_s
    assert peaks["fp8_e4m3"] == 2.0 * peaks["bf16"] == pytest.approx(865e12, rel=0.001)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: f"{o.kind}-{o.name}")
def test_the_compiled_gaudi_formula_equals_the_plain_one(operator: Operator) -> None:
    device = hwsim.device("gaudi2-96gb")
    row = OperatorRow(*map(float, lower(operator)))  # ints would compile anew
    assert compiled(device.cost)(device.record, row) == pytest.approx(device.cost(device.record, row), rel=1e-9)


def test_llama_3_1_70b_decodes_above_the_floor_of_its_weight_bytes() -> None:
    result = hwsim.simulate(
        "llama-3.1-70b", on="gaudi2-96gb", phase="decode", weights="fp8_e4m3", activations="fp8_e4m3"
    )
    assert 0.0284 < result.latency_s < 0.040


@pytest.mark.parametrize("path", ["engine__count", "engine__rows", "sram__capacity"])
def test_an_engine_or_a_memory_of_size_zero_is_refused(path: str) -> None:
    with pytest.raises(HwsimError, match=path.replace("__", ".")):
        hwsim.device("gaudi2-96gb", **{path: "0"})


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [("sram__capacity", "4 KiB", "sram.capacity = 4096 B holds no tile"), ("engine__rows", "1.5", "whole number")],
)
def test_a_tile_larger_than_the_sram_and_parts_of_cells_are_refused_in_one_line(
    path: str, value: str, words: str
) -> None:
    with pytest.raises(HwsimError, match=words) as caught:
        hwsim.device("gaudi2-96gb", **{path: value})
    assert "\n" not in str(caught.value)
