"""KV eviction: a request keeps at most ``budget`` cached tokens; a new one takes the place of the least useful.

A prompt is attended in full; what it leaves behind is cut as each layer ends, so the peak is that of the budget. A
decode step attends to min(cached + 1, budget) tokens. Keeping the scores that choose the victims is not counted.
"""

from __future__ import annotations

from hwsim.graph import OperatorGraph
from hwsim.mappers.techniques.technique import KvBytes, Parameter, Technique, Values
from hwsim.operators import Attention, Operator


def rewrite(graph: OperatorGraph, values: Values) -> OperatorGraph:
    """A step of one token attends to at most the budget."""

    def change(operator: Operator) -> Operator:
        if not isinstance(operator, Attention) or operator.query_length > 1:
            return operator
        return operator.with_(kv_length=min(operator.kv_length, values["budget"]))

    return graph.map(change)


def kept_bytes(without: KvBytes, tokens: int, values: Values) -> float:
    """Bytes of at most the budget."""
    return without(min(tokens, int(values["budget"])), None)


TECHNIQUE = Technique(
    name="kv-eviction",
    summary="keeps at most so many tokens of each request in the KV cache",
    changes="KV bytes and attention FLOPs of a decode step: min(tokens, budget) of them; prefill attends in full",
    paper="H2O, NeurIPS 2023, arXiv 2306.14048; StreamingLLM, ICLR 2024, arXiv 2309.17453",
    parameters=(
        Parameter(name="budget", default=2048, minimum=1, maximum=1e9, summary="tokens kept a request, sinks included"),
    ),
    rewrite=rewrite,
    kv_bytes=kept_bytes,
)
