"""What every operator is: a frozen record that knows its own FLOPs and its bytes by tensor kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, TypeVar

from hwsim.errors import InputError
from hwsim.formats import number_format

TensorKind = Literal["weight", "activation", "kv", "codebook", "message"]
Self = TypeVar("Self", bound="Operator")


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A unit of work. Subclasses give `flops`, `bytes_by_kind` and the element counts of their input and output."""

    name: str
    kind: ClassVar[str] = "operator"
    dtype: str = "bf16"

    def __post_init__(self) -> None:
        for field in self.__dataclass_fields__:
            value = getattr(self, field)
            if field in _POSITIVE and not _everywhere(value > 0):
                raise InputError(f"operator '{self.name}': {field}(={value}) must be > 0")
            if field in _NOT_NEGATIVE and not _everywhere(value >= 0):
                raise InputError(f"operator '{self.name}': {field}(={value}) must be >= 0")
            if field.endswith("dtype"):
                number_format(value)

    @property
    def flops(self) -> float:
        """Floating-point (or integer) operations of one call, a multiply-add being two."""
        raise AttributeError(f"{type(self).__name__} must define flops")

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        """Compulsory bytes of one call by tensor kind: weight, activation, kv, codebook, message."""
        raise AttributeError(f"{type(self).__name__} must define bytes_by_kind")

    @property
    def bytes(self) -> float:
        """Compulsory bytes of one call."""
        return sum(self.bytes_by_kind.values())

    @property
    def parameters(self) -> float:
        """Stored weights (values, not bytes) of one call's operator."""
        return 0.0

    @property
    def weight_bytes(self) -> float:
        """Stored weight bytes, all experts included; what the weights take in memory."""
        return 0.0

    @property
    def input_elements(self) -> float:
        """Elements of the activation that comes in along an edge."""
        raise AttributeError(f"{type(self).__name__} must define input_elements")

    @property
    def output_elements(self) -> float:
        """Elements of the activation that goes out along an edge."""
        raise AttributeError(f"{type(self).__name__} must define output_elements")

    def with_(self: Self, **changes: Any) -> Self:
        """Return a copy with some fields replaced."""
        return replace(self, **changes)


def _everywhere(true: Any) -> bool:
    """True of True, and of an array that is so in every place: closed forms take arrays as they are."""
    return true if isinstance(true, bool) else bool(true.all())


_POSITIVE = frozenset(
    (
        "m", "n", "k", "batch", "query_length", "kv_length", "heads", "kv_heads", "head_dim", "value_head_dim",
        "tokens", "hidden", "intermediate", "experts", "top_k", "rows", "columns", "elements", "ranks",
    )
)  # fmt: skip
_NOT_NEGATIVE = frozenset(("window", "reads", "writes", "weights"))


def stored_bytes(elements: float, dtype: str) -> float:
    """Bytes of so many values in a format, scales included."""
    return elements * number_format(dtype).bytes
