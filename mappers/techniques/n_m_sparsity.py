"""N:M sparsity of weights: of every M weights N are kept, each with the index of its place.

A kept weight takes its format's bits and ceil(log2 M) bits of index, so that bytes fall by N/M (1 + index / format) and
products by N/M. N = M stores no index. Applies to the products of the layers; embeddings, head, router and routed
experts stay dense.
"""

from __future__ import annotations

from math import ceil, log2

from hwsim.errors import InputError
from hwsim.formats import number_format
from hwsim.graph import OperatorGraph
from hwsim.mappers.techniques.sparsity import density
from hwsim.mappers.techniques.technique import Parameter, Technique, Values, in_layers
from hwsim.operators import Matmul, Operator


def index_bits(group: int) -> int:
    """Bits that tell one place of ``group`` from the others.

    >>> index_bits(4), index_bits(16)
    (2, 4)
    """
    return ceil(log2(group))


def rewrite(graph: OperatorGraph, values: Values) -> OperatorGraph:
    """Every stored product of the layers keeps N of M weights."""
    kept, group = int(values["n"]), int(values["m"])
    if kept == group:
        return graph

    def change(operator: Operator) -> Operator:
        if not isinstance(operator, Matmul) or not operator.weight:
            return operator
        stored_bits = number_format(operator.weight_dtype).bits + index_bits(group)
        return operator.with_(density=operator.density * density(kept, group), stored_bits=stored_bits)

    return in_layers(graph, change)


def _check(values: Values) -> None:
    if values["n"] > values["m"]:
        raise InputError(
            f"technique 'n-m-sparsity': n(={values['n']:.0f}) must be at most m(={values['m']:.0f}): N of M are kept"
        )


TECHNIQUE = Technique(
    name="n-m-sparsity",
    summary="keeps N of every M weights of the layers' products",
    changes="weight bytes x N/M, plus ceil(log2 M) bits a kept weight; FLOPs x N/M; only where a device skips zeros",
    paper="FlightLLM, FPGA 2024, arXiv 2401.03868",
    parameters=(
        Parameter(name="n", default=8, minimum=1, maximum=64, summary="weights kept of a block"),
        Parameter(name="m", default=16, minimum=1, maximum=64, summary="weights of a block"),
    ),
    rewrite=rewrite,
    check=_check,
    needs_skipped_zeros=True,
    last=True,
)
