"""Token mixers with a state of fixed size: Mamba-2 (arXiv:2405.21060), gated delta rule (arXiv:2412.06464).

Both project to a gate, to values and to keys and queries of a few groups, run a short convolution over all but the
gate, and keep for each head a matrix of key by value width. Decode reads and writes that matrix, in fp32; prefill
works on chunks: products inside a chunk, and products of the chunk with the state.
"""

from __future__ import annotations

from hwsim.graph import OperatorGraph
from hwsim.mappers.networks.layers import StateMixer
from hwsim.mappers.networks.stored import StoredElementwise
from hwsim.mappers.networks.workload import Pass
from hwsim.operators import Attention, Matmul

CONVOLUTION_FLOPS = 2.0  # a product and a sum for each tap
GATE_FLOPS = 9.0  # a norm (4) and a gate by SiLU (5)
STATE_FLOPS = 6.0  # decay, outer product, sum, and a product and a sum of the read, for each value of the state
STATE_FORMAT = "fp32"  # mamba_ssm_dtype of the configurations


def add_state_mixer(
    graph: OperatorGraph, spec: StateMixer, run: Pass, hidden: int, *, prefix: str, block: str, source: str
) -> str:
    """Add the mixer after ``source`` and return the name of its output projection."""
    heads, groups = run.split("heads", spec.heads), run.split_kv_heads(spec.groups)
    inner, convolved = heads * spec.head_dim, heads * spec.head_dim + 2 * groups * spec.state_dim
    projected = graph.add(
        Matmul(
            name=f"{prefix}state_in", m=run.tokens, n=inner + convolved + spec.scalars * heads, k=hidden,
            dtype=run.activations, weight_dtype=run.weights,
        ),
        after=[source], block=block,
    )  # fmt: skip
    history = (spec.taps - 1) / run.query_length if run.decode else 0.0  # earlier inputs, read and kept
    mixed = graph.add(
        StoredElementwise(
            name=f"{prefix}convolution", elements=run.tokens * convolved, reads=1 + history, writes=1 + history,
            flops_per_element=CONVOLUTION_FLOPS * spec.taps, dtype=run.activations,
            stored=convolved * (spec.taps + spec.convolution_bias) + spec.stored_scalars * heads,
        ),
        slices=[projected], block=block,
    )  # fmt: skip
    if run.decode:
        read = _add_step(graph, spec, run, heads, prefix=prefix, block=block, source=mixed)
    else:
        read = _add_chunks(graph, spec, run, heads, groups, prefix=prefix, block=block, source=mixed)
    gated = graph.add(
        StoredElementwise(
            name=f"{prefix}state_norm", elements=run.tokens * inner, reads=2, flops_per_element=GATE_FLOPS,
            dtype=run.activations, stored=inner if spec.norm_all else spec.head_dim,
        ),
        after=[read], slices=[projected], block=block,
    )  # fmt: skip
    return graph.add(
        Matmul(
            name=f"{prefix}state_out", m=run.tokens, n=hidden, k=inner, dtype=run.activations, weight_dtype=run.weights
        ),
        after=[gated], block=block,
    )  # fmt: skip


def _add_step(
    graph: OperatorGraph, spec: StateMixer, run: Pass, heads: int, *, prefix: str, block: str, source: str
) -> str:  # fmt: skip
    """One token a request: the state of every head is read, changed and written."""
    inner = run.tokens * heads * spec.head_dim
    step = StoredElementwise(
        name=f"{prefix}state_step", elements=inner, input_size=run.tokens, reads=spec.state_dim + 1,
        writes=spec.state_dim + 1, flops_per_element=STATE_FLOPS * spec.state_dim, dtype=STATE_FORMAT,
    )  # fmt: skip
    return graph.add(step, slices=[source], block=block)


def _add_chunks(
    graph: OperatorGraph, spec: StateMixer, run: Pass, heads: int, groups: int, *, prefix: str, block: str, source: str
) -> str:  # fmt: skip
    """A whole prompt: attention inside chunks, and products of each chunk with the state before and after it.

    Heads of a group share keys and queries, so that a group is one head with the values of all of them side by side.
    """
    chunk = min(spec.chunk, run.query_length)
    values = heads // groups * spec.head_dim
    inside = graph.add(
        Attention(
            name=f"{prefix}state_inside", batch=run.batch, query_length=run.query_length, kv_length=run.query_length,
            heads=groups, kv_heads=groups, head_dim=spec.state_dim, value_head_dim=values,
            window=chunk if chunk < run.query_length else 0, dtype=run.activations, kv_dtype=run.activations,
        ),
        after=[source], block=block,
    )  # fmt: skip
    across = Matmul(
        name=f"{prefix}state_across", batch=run.batch * groups * run.query_length / chunk * spec.products, m=chunk,
        n=values, k=spec.state_dim, dtype=run.activations, weight_dtype=run.activations, weight=False,
    )  # fmt: skip
    crossed = graph.add(across, slices=[source], block=block)
    inner = run.tokens * heads * spec.head_dim
    joined = StoredElementwise(
        name=f"{prefix}state_sum", elements=inner, input_size=inner, reads=2, dtype=run.activations
    )
    return graph.add(joined, after=[inside], slices=[crossed], block=block)
