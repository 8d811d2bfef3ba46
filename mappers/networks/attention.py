"""Attention layers as operators: projections, rotary embedding with the cache write, and the attention itself."""

from __future__ import annotations

from hwsim.graph import OperatorGraph
from hwsim.mappers.networks.layers import SelfAttention
from hwsim.mappers.networks.stored import StoredElementwise
from hwsim.mappers.networks.workload import Pass
from hwsim.operators import Attention, Elementwise, Matmul

ROTARY_FLOPS = 3.0  # two products and a sum for each turned value
NORM_FLOPS = 4.0  # a square, its sum, and two products
GATE_FLOPS = 5.0  # a sigmoid (exponential, sum, quotient) and a product


def add_self_attention(
    graph: OperatorGraph, spec: SelfAttention, run: Pass, hidden: int, *, prefix: str, block: str, source: str
) -> str:
    """Add grouped-query attention after ``source`` and return the name of its output projection."""
    heads, kv_heads = run.split("heads", spec.heads), run.split_kv_heads(spec.kv_heads)
    query, key, value = heads * spec.head_dim, kv_heads * spec.head_dim, kv_heads * spec.value_head_dim
    stored_value = 0 if spec.values_from_keys else value
    gate = heads * spec.gate
    qkv = graph.add(
        Matmul(
            name=f"{prefix}qkv", m=run.tokens, n=query + key + stored_value + gate, k=hidden, dtype=run.activations,
            weight_dtype=run.weights, bias=spec.qkv_bias,
        ),
        after=[source], block=block,
    )  # fmt: skip
    cached = _add_cache_write(graph, spec, run, heads, kv_heads, prefix=prefix, block=block, source=qkv)
    attention = graph.add(
        Attention(
            name=f"{prefix}attention", batch=run.batch, query_length=run.query_length, kv_length=run.kv_length,
            heads=heads, kv_heads=kv_heads, head_dim=spec.head_dim, value_head_dim=spec.value_head_dim,
            window=spec.window if spec.window < run.kv_length else 0, dtype=run.activations, kv_dtype=run.kv,
        ),
        after=[cached], block=block,
    )  # fmt: skip
    output_width = heads * spec.value_head_dim
    if spec.gate:
        attention = graph.add(
            Elementwise(
                name=f"{prefix}attention_gate", elements=run.tokens * output_width, reads=1 + gate / output_width,
                flops_per_element=GATE_FLOPS, dtype=run.activations,
            ),
            after=[attention], block=block,
        )  # fmt: skip
    return graph.add(
        Matmul(
            name=f"{prefix}attention_output", m=run.tokens, n=hidden, k=output_width, dtype=run.activations,
            weight_dtype=run.weights, bias=spec.output_bias,
        ),
        after=[attention], block=block,
    )  # fmt: skip


def _add_cache_write(
    graph: OperatorGraph, spec: SelfAttention, run: Pass, heads: int, kv_heads: int, *, prefix: str, block: str,
    source: str,
) -> str:  # fmt: skip
    """Add the norm of queries and keys, where the network has one, and the rotary embedding with the cache write."""
    query, key, value = heads * spec.head_dim, kv_heads * spec.head_dim, kv_heads * spec.value_head_dim
    stored_value = 0 if spec.values_from_keys else value
    width = query + key + value
    last = source
    if spec.norm:
        turned = query + key
        last = graph.add(
            StoredElementwise(
                name=f"{prefix}query_key_norm", elements=run.tokens * (turned + stored_value), reads=turned / width,
                writes=turned / width, flops_per_element=NORM_FLOPS * turned / width, dtype=run.activations,
                stored=spec.norm_vectors * (2 * spec.head_dim if spec.norm == "head" else turned),
            ),
            slices=[source], block=block,
        )  # fmt: skip
    touched = width if spec.rotary_dim else key + value
    return graph.add(
        StoredElementwise(
            name=f"{prefix}rotary" if spec.rotary_dim else f"{prefix}cache_write", elements=run.tokens * width,
            reads=touched / width, writes=touched / width, dtype=run.activations,
            flops_per_element=ROTARY_FLOPS * (heads + kv_heads) * spec.rotary_dim / width,
            input_size=run.tokens * (query + key + stored_value), stored=heads if spec.sinks else 0,
        ),
        slices=[last], block=block,
    )  # fmt: skip
