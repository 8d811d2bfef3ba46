"""Operators that move more than they compute: norms, softmax, maps, table look-ups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hwsim.operators.base import Operator, stored_bytes


@dataclass(frozen=True, kw_only=True)
class Norm(Operator):
    """Layer or root-mean-square normalisation of (rows, columns); ``weights`` stored vectors of ``columns`` values."""

    kind: ClassVar[str] = "norm"
    rows: float
    columns: float
    weights: float = 1
    residual: bool = False

    @property
    def flops(self) -> float:
        return (5.0 if self.residual else 4.0) * self.rows * self.columns

    @property
    def parameters(self) -> float:
        return self.weights * self.columns

    @property
    def weight_bytes(self) -> float:
        return stored_bytes(self.parameters, self.dtype)

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        passes = 4.0 if self.residual else 2.0
        return {"weight": self.weight_bytes, "activation": stored_bytes(passes * self.rows * self.columns, self.dtype)}

    @property
    def input_elements(self) -> float:
        return self.rows * self.columns

    @property
    def output_elements(self) -> float:
        return self.rows * self.columns


@dataclass(frozen=True, kw_only=True)
class Softmax(Norm):
    """Row softmax of (rows, columns)."""

    kind: ClassVar[str] = "softmax"
    weights: float = 0


@dataclass(frozen=True, kw_only=True)
class Elementwise(Operator):
    """A map over ``elements`` outputs with ``reads`` and ``writes`` tensors of that size (activation, rotary, add)."""

    kind: ClassVar[str] = "elementwise"
    elements: float
    reads: float = 1
    writes: float = 1
    flops_per_element: float = 1
    input_size: float = 0

    @property
    def flops(self) -> float:
        return self.elements * self.flops_per_element

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        return {"activation": stored_bytes(self.elements * (self.reads + self.writes), self.dtype)}

    @property
    def input_elements(self) -> float:
        return self.input_size or self.elements

    @property
    def output_elements(self) -> float:
        return self.elements


@dataclass(frozen=True, kw_only=True)
class Gather(Operator):
    """Look up ``rows`` rows of ``columns`` values in a stored table of ``table_rows`` (token or position embedding)."""

    kind: ClassVar[str] = "gather"
    rows: float
    columns: float
    table_rows: float
    weight_dtype: str = ""
    stored: bool = True

    def __post_init__(self) -> None:
        if not self.weight_dtype:
            object.__setattr__(self, "weight_dtype", self.dtype)
        super().__post_init__()

    @property
    def flops(self) -> float:
        return 0.0

    @property
    def parameters(self) -> float:
        return self.table_rows * self.columns if self.stored else 0.0

    @property
    def weight_bytes(self) -> float:
        return stored_bytes(self.parameters, self.weight_dtype)

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        elements = self.rows * self.columns
        return {"weight": stored_bytes(elements, self.weight_dtype), "activation": stored_bytes(elements, self.dtype)}

    @property
    def input_elements(self) -> float:
        return self.rows

    @property
    def output_elements(self) -> float:
        return self.rows * self.columns
