"""Matrix products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from hwsim.errors import InputError, did_you_mean
from hwsim.formats import number_format
from hwsim.operators.base import Operator, stored_bytes

SCALINGS = (
    "tensor",
    "row",
    "block",
    "row_eager",
)  # the last: a scale a row, by elementwise kernels one after the other


@dataclass(frozen=True, kw_only=True)
class Matmul(Operator):
    """``batch`` products of an (m, k) activation with a (k, n) weight; ``weight=False`` when both are activations."""

    kind: ClassVar[str] = "matmul"
    m: float
    n: float
    k: float
    batch: float = 1
    weight_dtype: str = ""
    scaling: Literal["tensor", "row", "block", "row_eager"] = "tensor"
    bias: bool = False
    weight: bool = True
    density: float = 1.0  # share of the weights that N:M sparsity keeps; FLOPs and bytes count only those
    streamed: bool = False  # its rows come one by one from the layer before (dataflow designs overlap the two)
    weight_sets: float = 0.0  # equal sets of weights that take turns; 0 as in a network: too many for any cache
    stored_bits: float = (
        0.0  # bits a kept value takes where that is not its format's (indices beside it); 0: the format's
    )

    def __post_init__(self) -> None:
        if not self.weight_dtype:
            object.__setattr__(self, "weight_dtype", self.dtype)
        super().__post_init__()
        if self.scaling not in SCALINGS:
            guess = did_you_mean(self.scaling, SCALINGS) + f"; allowed: {', '.join(SCALINGS)}"
            raise InputError(f"operator '{self.name}': scaling '{self.scaling}' does not exist{guess}")
        if not 0.0 < self.density <= 1.0:
            raise InputError(f"operator '{self.name}': density(={self.density}) must be above 0 and at most 1")
        if self.stored_bits < 0.0:
            raise InputError(f"operator '{self.name}': stored_bits(={self.stored_bits}) must be >= 0")

    @property
    def flops(self) -> float:
        return 2.0 * self.batch * self.m * self.n * self.k * self.density

    @property
    def parameters(self) -> float:
        return self.batch * (self.n * self.k + (self.n if self.bias else 0)) if self.weight else 0.0

    @property
    def value_bytes(self) -> float:
        """Stored bytes of a kept value of the second matrix."""
        return (self.stored_bits or number_format(self.weight_dtype).bits) / 8.0

    @property
    def weight_bytes(self) -> float:
        return self.parameters * self.value_bytes * self.density

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        second = self.batch * self.n * self.k * self.value_bytes
        activation = stored_bytes(self.batch * (self.m * self.k + self.m * self.n), self.dtype)
        if not self.weight:
            return {"activation": activation + second}
        return {"weight": self.weight_bytes, "activation": activation}

    @property
    def input_elements(self) -> float:
        return self.batch * self.m * self.k

    @property
    def output_elements(self) -> float:
        return self.batch * self.m * self.n
