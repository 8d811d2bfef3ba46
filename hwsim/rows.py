"""The flat form of an operator that cost functions read: one NamedTuple of floats, the same plain or compiled."""

from __future__ import annotations

from functools import singledispatch
from typing import NamedTuple

from hwsim.errors import UnsupportedError
from hwsim.formats import STORAGE_ONLY, number_format
from hwsim.operators import (
    Attention,
    Collective,
    Convolution,
    Elementwise,
    Gather,
    Matmul,
    MixtureOfExperts,
    Norm,
    Operator,
    Recurrent,
)

# Kind codes: which cost function of a family reads the row.
MATMUL, ATTENTION, MOE, NORM, SOFTMAX, ELEMENTWISE, GATHER, COLLECTIVE = (float(code) for code in range(8))
CONVOLUTION, RECURRENT = 8.0, 9.0

# Arithmetic codes: which execution rate of a device applies.
ARITHMETIC_CODES = {
    "fp32": 0.0, "tf32": 1.0, "bf16": 2.0, "fp16": 3.0, "fp8_e4m3": 4.0, "fp8_e5m2": 5.0,
    "int8": 6.0, "int4": 7.0, "mxfp8": 8.0, "mxfp4": 9.0, "nvfp4": 10.0,
}  # fmt: skip
SCALING_CODES = {"tensor": 0.0, "row": 1.0, "block": 2.0, "row_eager": 3.0}
OPERATION_CODES = {"all_reduce": 0.0, "all_gather": 1.0, "reduce_scatter": 2.0, "all_to_all": 3.0, "send_recv": 4.0}
ALGORITHM_CODES = {"nccl": 0.0, "one_shot": 1.0, "nvls": 2.0, "best": 3.0}

BOUND_NAMES = ("compute", "memory", "cache", "link", "launch")
COMPUTE, MEMORY, CACHE, LINK, LAUNCH = (float(code) for code in range(5))


class OperatorRow(NamedTuple):
    """One call of an operator. Fields that a kind does not use are 0; counts and dimensions are plain floats."""

    kind: float
    arithmetic: float = 0.0  # ARITHMETIC_CODES: the format the multipliers run in
    dtype_bytes: float = 0.0  # activations, bytes a value
    stored_bytes: float = 0.0  # weights (matmul, moe, gather) or KV (attention), bytes a value with scales
    m: float = 0.0
    n: float = 0.0
    k: float = 0.0
    batch: float = 0.0
    scaling: float = 0.0
    query_length: float = 0.0
    kv_length: float = 0.0
    heads: float = 0.0
    kv_heads: float = 0.0
    head_dim: float = 0.0
    value_head_dim: float = 0.0
    window: float = 0.0
    causal: float = 0.0
    tokens: float = 0.0
    hidden: float = 0.0
    intermediate: float = 0.0
    top_k: float = 0.0
    matrices: float = 0.0
    load_peak: float = 1.0  # busiest expert's load over the mean
    experts_touched: float = 0.0
    all_pairs: float = 0.0  # of a token and an expert on any of the devices that share the experts
    rows: float = 0.0
    columns: float = 0.0
    elements: float = 0.0
    operation: float = 0.0
    algorithm: float = 0.0
    ranks: float = 0.0
    message_bytes: float = 0.0
    flops: float = 0.0
    bytes: float = 0.0
    # A convolution is also a matrix product: `batch` groups of (m, k) by (k, n).
    images: float = 0.0
    output_rows: float = 0.0
    output_columns: float = 0.0
    filter_rows: float = 0.0
    filter_columns: float = 0.0
    stride: float = 0.0
    input_rows: float = 0.0  # padding included
    input_columns: float = 0.0
    density: float = 1.0  # share of the weights that N:M sparsity keeps
    streamed: float = 0.0  # 1: the rows come one by one from the layer before
    weight_sets: float = 0.0  # equal sets of weights, or KVs, that take turns; 0: too many for any cache


class OperatorCost(NamedTuple):
    """What one call costs on a device, without the host's share. ``bound`` indexes `BOUND_NAMES`."""

    latency_s: float
    energy_j: float
    compute_s: float
    memory_s: float
    cache_s: float
    link_s: float
    fixed_s: float
    bound: float


class Runtime(NamedTuple):
    """A runtime profile: what the host and the dependency between kernels add. Shared by all devices."""

    host_s: float  # host time to issue one kernel; hidden while the device is busy for longer
    gap_s: float  # device idle between dependent kernels
    layer_s: float  # host time of a layer, hidden while its kernels take longer
    collective_s: float = 0.0  # host time each collective of a layer adds to it
    step_s: float = 0.0  # host time a step costs that nothing hides: sampling, scheduling, detokenising
    unfused: float = 0.0  # 1: attention is three kernels, its scores go through memory
    direct: float = 0.0  # 1: an all-reduce takes the faster of the library and the engine's own one-shot kernel
    sampling: float = 0.0  # accesses of four bytes to memory for each logit of a step: what the choice of tokens moves


@singledispatch
def lower(operator: Operator) -> OperatorRow:
    """Flatten an operator into the record that cost functions read; each kind of operator has its own way.

    Raises
    ------
    UnsupportedError : a kind without a flat form, or activations in a format that has no multiplier
    """
    raise UnsupportedError(f"operator '{operator.name}' of kind '{operator.kind}' has no flat form")


def _common(operator: Operator) -> dict[str, float]:
    return {"flops": operator.flops, "bytes": operator.bytes, "dtype_bytes": number_format(operator.dtype).bytes}


@lower.register
def _(operator: Matmul) -> OperatorRow:
    return OperatorRow(
        kind=MATMUL, arithmetic=_arithmetic(operator.dtype, operator.weight_dtype), m=operator.m, n=operator.n,
        k=operator.k, batch=operator.batch, stored_bytes=operator.value_bytes,
        scaling=SCALING_CODES[operator.scaling], density=operator.density, streamed=float(operator.streamed),
        weight_sets=operator.weight_sets, **_common(operator),
    )  # fmt: skip


@lower.register
def _(operator: Attention) -> OperatorRow:
    return OperatorRow(
        kind=ATTENTION, arithmetic=_arithmetic(operator.dtype, operator.dtype), batch=operator.batch,
        query_length=operator.query_length, kv_length=operator.kv_length, heads=operator.heads,
        kv_heads=operator.kv_heads, head_dim=operator.head_dim, value_head_dim=operator.value_head_dim,
        window=operator.window, causal=float(operator.causal),
        stored_bytes=operator.value_bytes, weight_sets=operator.kv_sets, **_common(operator),
    )  # fmt: skip


@lower.register
def _(operator: MixtureOfExperts) -> OperatorRow:
    return OperatorRow(
        kind=MOE, arithmetic=_arithmetic(operator.dtype, operator.weight_dtype), tokens=operator.tokens,
        hidden=operator.hidden, intermediate=operator.intermediate,
        top_k=operator.pairs / operator.tokens, matrices=float(operator.matrices),
        experts_touched=operator.touched_experts, load_peak=operator.load_peak,
        all_pairs=operator.tokens * operator.top_k * operator.shards,
        stored_bytes=number_format(operator.weight_dtype).bytes, **_common(operator),
    )  # fmt: skip


@lower.register
def _(operator: Norm) -> OperatorRow:
    kind = SOFTMAX if operator.kind == "softmax" else NORM
    return OperatorRow(
        kind=kind,
        arithmetic=2.0,
        rows=operator.rows,
        columns=operator.columns,
        matrices=operator.weights,
        **_common(operator),
    )


@lower.register
def _(operator: Elementwise) -> OperatorRow:
    return OperatorRow(kind=ELEMENTWISE, arithmetic=2.0, elements=operator.elements, **_common(operator))


@lower.register
def _(operator: Gather) -> OperatorRow:
    return OperatorRow(
        kind=GATHER, rows=operator.rows, columns=operator.columns,
        stored_bytes=number_format(operator.weight_dtype).bytes, **_common(operator),
    )  # fmt: skip


@lower.register
def _(operator: Collective) -> OperatorRow:
    return OperatorRow(
        kind=COLLECTIVE, operation=OPERATION_CODES[operator.operation], ranks=operator.ranks,
        algorithm=ALGORITHM_CODES[operator.algorithm], message_bytes=operator.message_bytes, **_common(operator),
    )  # fmt: skip


@lower.register
def _(operator: Convolution) -> OperatorRow:
    return OperatorRow(
        kind=CONVOLUTION, arithmetic=_arithmetic(operator.dtype, operator.weight_dtype), m=operator.m, n=operator.n,
        k=operator.k, batch=operator.groups, stored_bytes=number_format(operator.weight_dtype).bytes,
        images=operator.batch, output_rows=operator.output_rows, output_columns=operator.output_columns,
        filter_rows=operator.filter_rows, filter_columns=operator.filter_columns, stride=operator.stride,
        input_rows=operator.input_rows + 2.0 * operator.padding,
        input_columns=operator.input_columns + 2.0 * operator.padding, **_common(operator),
    )  # fmt: skip


@lower.register
def _(operator: Recurrent) -> OperatorRow:
    return OperatorRow(
        kind=RECURRENT, arithmetic=_arithmetic(operator.dtype, operator.weight_dtype), images=operator.batch,
        rows=operator.steps, k=operator.inputs, hidden=operator.hidden, matrices=operator.gates,
        batch=operator.directions, stored_bytes=number_format(operator.weight_dtype).bytes, **_common(operator),
    )  # fmt: skip


def _arithmetic(dtype: str, weight_dtype: str) -> float:
    """Multipliers run in the wider of the two formats; formats that are only stored run in the activations' one."""
    activation, weight = number_format(dtype), number_format(weight_dtype)
    if activation.base in STORAGE_ONLY:
        raise UnsupportedError(f"activations in {dtype} have no multiplier; use int8, fp8 or bf16 activations")
    if weight.base in STORAGE_ONLY or weight.bits <= activation.bits:
        return ARITHMETIC_CODES[activation.base]
    return ARITHMETIC_CODES[weight.base]
