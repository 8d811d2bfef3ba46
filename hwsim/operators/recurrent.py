"""Operators whose steps wait for each other: gated recurrent layers, as frozen records like those of `operators`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hwsim.errors import InputError
from hwsim.formats import number_format
from hwsim.operators.base import Operator


@dataclass(frozen=True, kw_only=True)
class Recurrent(Operator):
    """A gated recurrent layer (GRU: 3 gates, LSTM: 4) over ``steps`` inputs of ``inputs`` values, in 1 or 2 directions.

    A step multiplies its input (inputs, gates x hidden) and the last state (hidden, gates x hidden).
    """

    kind: ClassVar[str] = "recurrent"
    batch: float
    steps: float
    inputs: float
    hidden: float
    gates: float = 3
    directions: float = 1
    sequences: bool = True  # the state of every step is handed on, not only the last
    weight_dtype: str = ""
    input_size: float = 0  # values that come in, where they are fewer than steps x inputs (a repeated row)

    def __post_init__(self) -> None:
        if not self.weight_dtype:
            object.__setattr__(self, "weight_dtype", self.dtype)
        super().__post_init__()
        for field in ("steps", "inputs", "gates", "directions"):
            if not getattr(self, field) > 0:
                raise InputError(f"operator '{self.name}': {field}(={getattr(self, field)}) must be > 0")

    @property
    def flops(self) -> float:
        products = self.gates * self.hidden * (self.inputs + self.hidden)
        return 2.0 * self.batch * self.steps * self.directions * products

    @property
    def parameters(self) -> float:
        return self.directions * self.gates * self.hidden * (self.inputs + self.hidden + 2.0)

    @property
    def weight_bytes(self) -> float:
        return self.parameters * number_format(self.weight_dtype).bytes

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        activation = (self.input_elements + self.output_elements) * number_format(self.dtype).bytes
        return {"weight": self.weight_bytes, "activation": activation}

    @property
    def input_elements(self) -> float:
        return self.input_size or self.batch * self.steps * self.inputs

    @property
    def output_elements(self) -> float:
        return self.batch * self.directions * self.hidden * (self.steps if self.sequences else 1.0)
