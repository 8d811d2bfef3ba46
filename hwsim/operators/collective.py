"""Collectives between devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hwsim.operators.base import Operator, stored_bytes


@dataclass(frozen=True, kw_only=True)
class Collective(Operator):
    """A collective over ``ranks`` devices; ``message_bytes`` is the whole (or gathered) tensor."""

    kind: ClassVar[str] = "collective"
    operation: str = "all_reduce"
    ranks: float
    elements: float
    algorithm: str = "nccl"

    @property
    def message_bytes(self) -> float:
        """Bytes of the whole tensor."""
        return stored_bytes(self.elements, self.dtype)

    @property
    def flops(self) -> float:
        return self.elements if "reduce" in self.operation else 0.0

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        return {"message": self.message_bytes}

    @property
    def input_elements(self) -> float:
        return self.elements

    @property
    def output_elements(self) -> float:
        return self.elements
