"""Operators of convolutional networks: convolution and pooling, as frozen records like those of `hwsim.operators`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hwsim.errors import InputError
from hwsim.formats import number_format
from hwsim.operators.base import Operator


@dataclass(frozen=True, kw_only=True)
class Convolution(Operator):
    """A two-dimensional convolution of (batch, input_channels, input_rows, input_columns), NCHW, with a fused map.

    As a matrix product it is ``groups`` products of m = batch x output positions, n = output channels of a group,
    k = input channels of a group x filter size.
    """

    kind: ClassVar[str] = "convolution"
    batch: float
    input_channels: float
    output_channels: float
    input_rows: float
    input_columns: float
    filter_rows: float
    filter_columns: float
    stride: float = 1
    padding: float = 0
    groups: float = 1
    weight_dtype: str = ""
    bias: bool = True

    def __post_init__(self) -> None:
        if not self.weight_dtype:
            object.__setattr__(self, "weight_dtype", self.dtype)
        super().__post_init__()
        for field in ("input_channels", "output_channels", "input_rows", "input_columns", "filter_rows", "stride"):
            if not getattr(self, field) > 0:
                raise InputError(f"operator '{self.name}': {field}(={getattr(self, field)}) must be > 0")
        for field in ("input_channels", "output_channels"):
            if getattr(self, field) % self.groups:
                raise InputError(
                    f"operator '{self.name}': {field}(={getattr(self, field)}) must be a multiple of "
                    f"groups(={self.groups})"
                )
        if self.output_rows < 1 or self.output_columns < 1:
            raise InputError(
                f"operator '{self.name}': filter {self.filter_rows:.0f} x {self.filter_columns:.0f} is larger than the "
                f"padded input {self.input_rows + 2 * self.padding:.0f} x {self.input_columns + 2 * self.padding:.0f}"
            )

    @property
    def output_rows(self) -> float:
        """Rows of the output."""
        return (self.input_rows + 2 * self.padding - self.filter_rows) // self.stride + 1

    @property
    def output_columns(self) -> float:
        """Columns of the output."""
        return (self.input_columns + 2 * self.padding - self.filter_columns) // self.stride + 1

    @property
    def m(self) -> float:
        """Rows of the matrix product: output positions of all images."""
        return self.batch * self.output_rows * self.output_columns

    @property
    def n(self) -> float:
        """Columns of one group's matrix product."""
        return self.output_channels / self.groups

    @property
    def k(self) -> float:
        """Depth of one group's matrix product."""
        return self.input_channels / self.groups * self.filter_rows * self.filter_columns

    @property
    def flops(self) -> float:
        return 2.0 * self.groups * self.m * self.n * self.k

    @property
    def parameters(self) -> float:
        return self.groups * self.n * self.k + (self.output_channels if self.bias else 0.0)

    @property
    def weight_bytes(self) -> float:
        return self.parameters * number_format(self.weight_dtype).bytes

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        activation = (self.input_elements + self.output_elements) * number_format(self.dtype).bytes
        return {"weight": self.weight_bytes, "activation": activation}

    @property
    def input_elements(self) -> float:
        return self.batch * self.input_channels * self.input_rows * self.input_columns

    @property
    def output_elements(self) -> float:
        return self.m * self.output_channels
