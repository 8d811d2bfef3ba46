"""Operators: closed forms against counting by hand, and laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.operators import Attention, Collective, Elementwise, Gather, Matmul, MixtureOfExperts, Norm
from hwsim.rows import lower


def test_a_matmul_counts_two_operations_a_multiply_add_and_each_tensor_once() -> None:
    operator = Matmul(name="x", m=3, n=5, k=7, weight_dtype="int4:g128")
    assert operator.flops == 2 * 3 * 5 * 7
    assert operator.bytes_by_kind == {"weight": 35 * 4.125 / 8, "activation": (21 + 15) * 2}
    assert operator.parameters == 35


@given(
    q=st.integers(1, 40), extra=st.integers(0, 40), window=st.integers(0, 100), causal=st.booleans(),
)  # fmt: skip
def test_the_keys_a_query_sees_equal_a_count_over_the_mask(q: int, extra: int, window: int, causal: bool) -> None:
    kv = q + extra
    operator = Attention(
        name="a", batch=1, query_length=q, kv_length=kv, heads=4, kv_heads=2, head_dim=8, window=window, causal=causal
    )
    if not causal:
        expected = float(min(kv, window) if window else kv)
    else:
        seen = [kv - q + 1 + i for i in range(q)]
        expected = sum(min(s, window) if window else s for s in seen) / q
    assert operator.visible_kv == pytest.approx(expected, rel=1e-12)
    assert operator.flops == pytest.approx(4 * 2 * q * expected * 8 * 2, rel=1e-12)


def test_attention_reads_each_cached_key_and_value_once() -> None:
    operator = Attention(
        name="a", batch=2, query_length=1, kv_length=100, heads=32, kv_heads=8, head_dim=128, kv_dtype="fp8_e4m3"
    )
    assert operator.bytes_by_kind["kv"] == 2 * 8 * 100 * 256
    assert operator.bytes_by_kind["activation"] == 2 * 32 * 256 * 2


def test_few_tokens_touch_few_experts_and_many_touch_all() -> None:
    one = MixtureOfExperts(name="m", tokens=1, hidden=8, intermediate=4, experts=64, top_k=8)
    many = one.with_(tokens=10_000)
    assert one.touched_experts == pytest.approx(8)
    assert many.touched_experts == pytest.approx(64)
    assert many.parameters == 64 * 3 * 8 * 4


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: Matmul(name="x", m=0, n=1, k=1), "m"),
        (lambda: Norm(name="x", rows=-1, columns=1), "rows"),
        (lambda: Elementwise(name="x", elements=float("nan")), "elements"),
        (lambda: Attention(name="x", batch=1, query_length=1, kv_length=1, heads=3, kv_heads=2, head_dim=1), "heads"),
    ],
)
def test_an_impossible_size_is_refused_by_field(build: object, field: str) -> None:
    with pytest.raises(InputError, match=field):
        build()  # type: ignore[operator]


def test_every_kind_lowers_to_a_row_that_keeps_flops_and_bytes() -> None:
    operators = [
        Matmul(name="a", m=2, n=3, k=4), Norm(name="b", rows=2, columns=3), Elementwise(name="c", elements=5),
        Attention(name="d", batch=1, query_length=1, kv_length=9, heads=4, kv_heads=2, head_dim=8),
        MixtureOfExperts(name="e", tokens=3, hidden=8, intermediate=4, experts=4, top_k=2),
        Gather(name="f", rows=2, columns=3, table_rows=10), Collective(name="g", ranks=4, elements=100),
    ]  # fmt: skip
    for operator in operators:
        row = lower(operator)
        assert (row.flops, row.bytes) == (operator.flops, operator.bytes)
