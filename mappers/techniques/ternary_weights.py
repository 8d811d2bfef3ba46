"""Ternary weights: -1, 0 or 1, packed at 1.58 (the entropy bound) to 2 bits.

The bias that takes the place of dead-zone weights is computed beforehand, a value an output: not counted. Unlike
``--weights ternary`` the head and the embeddings keep their format.
"""

from __future__ import annotations

from hwsim.graph import OperatorGraph
from hwsim.mappers.techniques.stored_weights import stored_as
from hwsim.mappers.techniques.technique import Parameter, Technique, Values


def rewrite(graph: OperatorGraph, values: Values) -> OperatorGraph:
    """Weights of the layers are stored ternary."""
    return stored_as(graph, f"ternary:{values['bits']:.6g}")


TECHNIQUE = Technique(
    name="ternary-weights",
    summary="stores the layers' weights as -1, 0 or 1; head and embeddings keep their format",
    changes="weight bytes: 1.58 to 2 bits a value; FLOPs unchanged, in the activations' format",
    paper="Tequila, arXiv 2509.23809",
    parameters=(
        Parameter(
            name="bits", default=1.67, minimum=1.58, maximum=2.0, whole=False,
            summary="stored bits a weight (1.67: three weights in five bits; 2: one in two)",
        ),
    ),
    rewrite=rewrite,
    sets="the format of weights",
)  # fmt: skip
