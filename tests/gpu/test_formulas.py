"""The GPU's formulas: plain and compiled agree, and the laws hold on random devices and operators."""

from __future__ import annotations

import pytest

import hwsim
from hwsim.cost import compiled
from hwsim.models.catalog import list_devices, read_device
from hwsim.operators import Attention, Elementwise, Gather, Matmul, MixtureOfExperts, Norm, Operator, Softmax
from hwsim.rows import BOUND_NAMES, OperatorRow, lower

OPERATORS: list[Operator] = [
    Matmul(name="decode", m=1, n=4096, k=4096),
    Matmul(name="prefill", m=1024, n=11008, k=4096),
    Matmul(name="int4", m=16, n=4096, k=4096, weight_dtype="int4:g128"),
    Matmul(name="fp8", m=4096, n=4096, k=4096, dtype="fp8_e4m3"),
    Attention(name="prefill", batch=1, query_length=1024, kv_length=1024, heads=32, kv_heads=8, head_dim=128),
    Attention(name="decode", batch=8, query_length=1, kv_length=8192, heads=32, kv_heads=8, head_dim=128),
    MixtureOfExperts(name="moe", tokens=64, hidden=4096, intermediate=14336, experts=8, top_k=2),
    Norm(name="norm", rows=1024, columns=4096),
    Softmax(name="softmax", rows=1024, columns=4096),
    Elementwise(name="act", elements=1e6, reads=2),
    Gather(name="embed", rows=1024, columns=4096, table_rows=32000),
]


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: f"{o.kind}-{o.name}")
@pytest.mark.parametrize("name", [name for name in list_devices() if read_device(name).family == "gpu"])
def test_every_operator_has_a_finite_cost_above_the_roofline(name: str, operator: Operator) -> None:
    device = read_device(name)
    cost = device.cost(device.record, lower(operator))
    compute = operator.flops / max(device.peak_flops_per_s[operator.dtype], 1.0)
    memory = operator.bytes / device.bandwidth_bytes_per_s
    assert max(compute, memory) <= cost.latency_s < 1.0
    assert cost.energy_j > 0.0
    assert BOUND_NAMES[int(cost.bound)] in ("compute", "memory", "cache", "launch")


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: f"{o.kind}-{o.name}")
def test_the_compiled_formula_equals_the_plain_one(operator: Operator) -> None:
    device = read_device("h100-sxm-80gb")
    row = OperatorRow(*map(float, lower(operator)))  # ints would compile anew
    assert compiled(device.cost)(device.record, row) == pytest.approx(device.cost(device.record, row), rel=1e-9)


@pytest.mark.parametrize("kind", ["norm", "softmax"])
@pytest.mark.parametrize("device", ["a100-sxm-80gb", "h100-sxm-80gb", "rtx-4090-24gb"])
def test_more_rows_are_never_faster(device: str, kind: str) -> None:
    rows = [1, 2, 3, 8, 50, 100, 107, 108, 109, 133, 500, 1024, 100_000]
    for columns in (64, 4096, 16384):
        seconds = hwsim.estimate(device, kind, rows=rows, columns=columns, dtype="bf16").latency_s
        assert (seconds[1:] >= seconds[:-1] * (1.0 - 1e-12)).all(), (columns, seconds)


def test_llama_2_7b_decodes_on_an_a100_in_8_to_13_ms_a_token() -> None:
    result = hwsim.simulate("llama-2-7b", on="a100-sxm-80gb", phase="decode", batch=1, context=1024)
    assert 0.008 < result.latency_s < 0.013


@pytest.mark.parametrize("m", [1, 16, 200, 70_000])
@pytest.mark.parametrize("n", [1, 256_000, 3_000_000])
def test_a_matrix_product_of_any_shape_has_a_tile(m: int, n: int) -> None:
    for device in ("h100-sxm-80gb", "a100-sxm-80gb"):
        assert 0.0 < hwsim.estimate(device, "matmul", m=m, n=n, k=64, dtype="bf16").latency_s < 1.0
