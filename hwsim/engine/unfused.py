"""Operators as a runtime launches them: unfused attention in parts, the engine's own all-reduce, sampling."""

from __future__ import annotations

from dataclasses import replace

from hwsim.operators import Attention, Collective, Elementwise, Matmul, Operator, Softmax
from hwsim.rows import Runtime

#: accesses of four bytes for each score around a softmax of 16-bit scores without a fused kernel, as Megatron-LM's
#: `forward_torch_softmax` has them: to fp32 (6 bytes), scale (8), mask (9), the softmax in fp32 (4 more), back (6)
CAST_READS, CAST_WRITES = 4.5, 3.75


def sampled(operator: Operator, runtime: Runtime) -> list[Operator]:
    """What chooses the tokens after a graph's last operator, whose outputs are the logits: nothing, or its traffic.

    Choosing from the most likely tokens sorts each row of logits in fp32, sums it up, filters and draws; all of that
    is bound by memory, so that it counts as accesses to memory for each logit. Every device of a group does it.
    """
    if runtime.sampling <= 0.0:
        return []
    half = 0.5 * runtime.sampling
    return [Elementwise(name="sampling", elements=operator.output_elements, reads=half, writes=half, dtype="fp32")]


def launched_operators(operator: Operator, runtime: Runtime, *, last: bool = False) -> list[Operator]:
    """What a runtime launches for an operator, in order; after the last one of a graph, the sampling of tokens."""
    return [*_launched(operator, runtime), *(sampled(operator, runtime) if last else [])]


def _launched(operator: Operator, runtime: Runtime) -> list[Operator]:
    """The operator itself, or for unfused attention its four parts.

    Scores of every head are written, cast, scaled and masked, normalised and read again, masked ones too.
    """
    if runtime.direct > 0.0 and isinstance(operator, Collective) and operator.operation == "all_reduce":
        return [replace(operator, algorithm="best")]
    if runtime.unfused <= 0.0 or not isinstance(operator, Attention):
        return [operator]
    groups = operator.batch * operator.heads
    queries, keys = operator.query_length, operator.kv_length
    return [
        Matmul(
            name=f"{operator.name}_scores", dtype=operator.dtype, weight_dtype=operator.kv_dtype,
            stored_bits=operator.kv_bits, batch=groups,
            m=queries, n=keys, k=operator.head_dim, weight=False,
        ),
        Elementwise(
            name=f"{operator.name}_casts", dtype="fp32", elements=groups * queries * keys, reads=CAST_READS,
            writes=CAST_WRITES, input_size=groups * queries * keys, flops_per_element=2,
        ),
        Softmax(name=f"{operator.name}_softmax", dtype=operator.dtype, rows=groups * queries, columns=keys),
        Matmul(
            name=f"{operator.name}_values", dtype=operator.dtype, weight_dtype=operator.kv_dtype,
            stored_bits=operator.kv_bits, batch=groups,
            m=queries, n=operator.value_head_dim, k=keys, weight=False,
        ),
    ]  # fmt: skip
