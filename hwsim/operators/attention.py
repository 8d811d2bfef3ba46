"""Scaled dot-product attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hwsim.errors import InputError
from hwsim.formats import number_format
from hwsim.operators.base import Operator, stored_bytes


@dataclass(frozen=True, kw_only=True)
class Attention(Operator):
    """Scaled dot-product attention of ``query_length`` new tokens over ``kv_length`` cached ones (the new included).

    ``causal`` aligns the queries to the end of the KV; ``window`` above 0 keeps the last so many keys. With
    ``shared_values`` the values are the first part of the keys, so that the cache is read once (latent attention).
    """

    kind: ClassVar[str] = "attention"
    batch: float
    query_length: float
    kv_length: float
    heads: float
    kv_heads: float
    head_dim: float
    value_head_dim: float = 0
    window: float = 0
    kv_dtype: str = ""
    causal: bool = True
    shared_values: bool = False
    kv_sets: float = 0.0  # equal KVs that take turns; 0 as in a network: too much passes between for any cache
    kv_bits: float = 0.0  # bits a cached value takes on average where that is not its format's; 0: the format's

    def __post_init__(self) -> None:
        if not self.kv_dtype:
            object.__setattr__(self, "kv_dtype", self.dtype)
        if not self.value_head_dim:
            object.__setattr__(self, "value_head_dim", self.head_dim)
        super().__post_init__()
        if self.heads % self.kv_heads:
            raise InputError(
                f"operator '{self.name}': heads(={self.heads}) must be a multiple of kv_heads(={self.kv_heads})"
            )

    @property
    def visible_kv(self) -> float:
        """Average number of keys a query sees under the causal mask and the window."""
        q, kv = self.query_length, self.kv_length
        if not self.causal:
            return min(kv, self.window) if self.window else kv
        full = kv - (q - 1.0) / 2.0
        if not self.window or self.window >= kv:
            return max(full, 0.5)
        # Query i (0-based) sees min(kv - q + 1 + i, window) keys.
        first = kv - q + 1.0
        rising = min(max(self.window - first, 0.0), q)
        return (rising * (first + (rising - 1.0) / 2.0) + (q - rising) * self.window) / q

    @property
    def flops(self) -> float:
        return (
            2.0 * self.batch * self.heads * self.query_length * self.visible_kv * (self.head_dim + self.value_head_dim)
        )

    @property
    def read_kv(self) -> float:
        """Keys that at least one query sees."""
        return min(self.kv_length, self.window + self.query_length - 1) if self.window else self.kv_length

    @property
    def value_bytes(self) -> float:
        """Stored bytes of a cached value."""
        return (self.kv_bits or number_format(self.kv_dtype).bits) / 8.0

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        width = self.head_dim if self.shared_values else self.head_dim + self.value_head_dim
        kv = self.batch * self.kv_heads * self.read_kv * width
        activation = self.batch * self.heads * self.query_length * (self.head_dim + self.value_head_dim)
        return {"kv": kv * self.value_bytes, "activation": stored_bytes(activation, self.dtype)}

    @property
    def input_elements(self) -> float:
        return (
            self.batch
            * self.query_length
            * (self.heads * self.head_dim + self.kv_heads * (self.head_dim + self.value_head_dim))
        )

    @property
    def output_elements(self) -> float:
        return self.batch * self.query_length * self.heads * self.value_head_dim
