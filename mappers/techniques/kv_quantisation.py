"""KV quantisation with a full-precision tail: the last tokens of a request stay as they are, older ones take few bits.

A group of ``group`` values shares an fp16 scale and an fp16 minimum. Decode reads min(tokens, recent) tokens in the
workload's KV format and the others at bits + 32 / group; prefill attends to what it has just computed. Without a tail,
``--kv int4:g32`` says the same.
"""

from __future__ import annotations

from hwsim.formats import GROUP_SCALE_BITS, number_format
from hwsim.graph import OperatorGraph
from hwsim.mappers.techniques.technique import KvBytes, Parameter, Technique, Values
from hwsim.operators import Attention, Operator


def _format(values: Values) -> str:
    """The format of the older tokens, minimum left out."""
    return f"int{values['bits']:.0f}:g{values['group']:.0f}"


def older_bits(values: Values) -> float:
    """Stored bits of a value that is not recent, scale and minimum counted."""
    return number_format(_format(values)).bits + GROUP_SCALE_BITS / values["group"]


def rewrite(graph: OperatorGraph, values: Values) -> OperatorGraph:
    """A step of one token reads narrow keys and values, but for the recent ones."""
    narrow = older_bits(values)

    def change(operator: Operator) -> Operator:
        if not isinstance(operator, Attention) or operator.query_length > 1:
            return operator
        recent = min(1.0, values["recent"] / operator.read_kv)
        wide = operator.value_bytes * 8.0
        return operator.with_(kv_dtype=_format(values), kv_bits=recent * wide + (1.0 - recent) * narrow)

    return graph.map(change)


def stored_bytes(without: KvBytes, tokens: int, values: Values) -> float:
    """Bytes of the recent tokens as they are, and of the older ones with their scales and minima."""
    recent = min(tokens, int(values["recent"]))
    eight, sixteen = (without(tokens, name) - without(recent, name) for name in ("int8", "bf16"))
    older_values = sixteen - eight  # a byte a value lies between the two formats
    return without(recent, None) + older_values * older_bits(values) / 8.0


TECHNIQUE = Technique(
    name="kv-quantisation",
    summary="stores all but the last tokens of the KV cache in a few bits",
    changes="KV bytes of a decode step and of the cache; FLOPs unchanged; widening is not counted",
    paper="KIVI, ICML 2024, arXiv 2402.02750",
    parameters=(
        Parameter(name="bits", default=2, minimum=2, maximum=4, summary="bits of an older value"),
        Parameter(name="group", default=32, minimum=1, maximum=1024, summary="values that share a scale and a minimum"),
        Parameter(
            name="recent", default=128, minimum=0, maximum=1e9, summary="last tokens kept in the KV's own format"
        ),
    ),
    rewrite=rewrite,
    kv_bytes=stored_bytes,
    last=True,
)
