"""Operators as a runtime launches them: unfused attention in parts, an all-reduce by the engine's own kernel."""

from __future__ import annotations

from dataclasses import replace

from hwsim.operators import Attention, Collective, Matmul, Operator, Softmax
from hwsim.rows import Runtime


def launched_operators(operator: Operator, runtime: Runtime) -> list[Operator]:
    """What a runtime launches for an operator, in order: itself, or for unfused attention its three parts.

    Scores of every head are written, normalised (scale and mask in the softmax kernel) and read again, masked ones too.
    """
    if runtime.direct > 0.0 and isinstance(operator, Collective) and operator.operation == "all_reduce":
        return [replace(operator, algorithm="best")]
    if runtime.unfused <= 0.0 or not isinstance(operator, Attention):
        return [operator]
    groups = operator.batch * operator.heads
    queries, keys = operator.query_length, operator.kv_length
    return [
        Matmul(
            name=f"{operator.name}_scores", dtype=operator.dtype, weight_dtype=operator.kv_dtype, batch=groups,
            m=queries, n=keys, k=operator.head_dim, weight=False,
        ),
        Softmax(name=f"{operator.name}_softmax", dtype=operator.dtype, rows=groups * queries, columns=keys),
        Matmul(
            name=f"{operator.name}_values", dtype=operator.dtype, weight_dtype=operator.kv_dtype, batch=groups,
            m=queries, n=operator.value_head_dim, k=keys, weight=False,
        ),
    ]  # fmt: skip
