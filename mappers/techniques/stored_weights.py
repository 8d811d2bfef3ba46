"""Storing the layers' weights in another format: what weight techniques share."""

from __future__ import annotations

from hwsim.graph import OperatorGraph
from hwsim.mappers.techniques.technique import in_layers
from hwsim.operators import Convolution, Matmul, MixtureOfExperts, Operator


def stored_as(graph: OperatorGraph, weight_dtype: str) -> OperatorGraph:
    """Return the graph with the stored products of its layers in a format; embeddings, head and router stay.

    Devices multiply weights of a format without multipliers in the activations' one, so FLOPs do not change.
    """

    def change(operator: Operator) -> Operator:
        if isinstance(operator, (MixtureOfExperts, Convolution)) or (isinstance(operator, Matmul) and operator.weight):
            return operator.with_(weight_dtype=weight_dtype)
        return operator

    return in_layers(graph, change)
