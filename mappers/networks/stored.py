"""Operators beyond the engine's own: maps that read stored values, experts with biases, attention on latents."""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.formats import number_format
from hwsim.operators import Elementwise, MixtureOfExperts


@dataclass(frozen=True, kw_only=True)
class StoredElementwise(Elementwise):
    """A map over ``elements`` outputs that reads ``stored`` weights, kept in the activations' format."""

    stored: float = 0.0

    @property
    def parameters(self) -> float:
        return self.stored

    @property
    def weight_bytes(self) -> float:
        return self.stored * number_format(self.dtype).bytes

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        return {"weight": self.weight_bytes, **super().bytes_by_kind}


@dataclass(frozen=True, kw_only=True)
class RoutedExperts(MixtureOfExperts):
    """Routed experts whose matrices may each store a bias; tokens choose experts independently of each other.

    ``held`` counts the tokens on the device where that is not what its experts get: each of them gives a sum.
    """

    bias: bool = False
    routing: str | tuple[float, ...] = "uniform"
    held: float = 0.0

    @property
    def parameters(self) -> float:
        biases = (self.matrices - 1) * self.intermediate + self.hidden if self.bias else 0
        return super().parameters + self.experts * biases

    @property
    def input_elements(self) -> float:
        return (self.held or self.tokens) * self.hidden

    @property
    def output_elements(self) -> float:
        return (self.held or self.tokens) * self.hidden
