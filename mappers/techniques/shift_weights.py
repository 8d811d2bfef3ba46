"""Power-of-two weights without zero: a sign and an exponent, 2 to 4 bits, so that a product is a shift.

A device without shifters widens them and multiplies, so only bytes change. Unlike ``--weights shift3`` the head and
the embeddings keep their format.
"""

from __future__ import annotations

from hwsim.graph import OperatorGraph
from hwsim.mappers.techniques.stored_weights import stored_as
from hwsim.mappers.techniques.technique import Parameter, Technique, Values


def rewrite(graph: OperatorGraph, values: Values) -> OperatorGraph:
    """Weights of the layers are stored as powers of two."""
    return stored_as(graph, f"shift{values['bits']:.0f}")


TECHNIQUE = Technique(
    name="shift-weights",
    summary="stores the layers' weights as powers of two; head and embeddings keep their format",
    changes="weight bytes: 2 to 4 bits a value; FLOPs unchanged, in the activations' format",
    paper="DenseShift, ICCV 2023, arXiv 2208.09708",
    parameters=(
        Parameter(name="bits", default=3, minimum=2, maximum=4, summary="stored bits a weight, its sign included"),
    ),
    rewrite=rewrite,
    sets="the format of weights",
)
