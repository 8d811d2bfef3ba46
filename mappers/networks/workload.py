"""One pass through a network: how many tokens, over how much cache, in which formats, on how many devices."""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Pass:
    """The workload that operators are sized for. Lengths in tokens a request; formats by name."""

    network: str
    batch: int
    query_length: int
    kv_length: int
    decode: bool
    weights: str
    activations: str
    kv: str
    tensor_parallel: int
    expert_parallel: int
    data_parallel: int

    @property
    def expert_tensor(self) -> int:
        """Devices that cut each expert: those that hold no experts of their own."""
        return self.tensor_parallel * self.data_parallel // self.expert_parallel

    @property
    def tokens(self) -> int:
        """Tokens of the pass on one device."""
        return self.batch * self.query_length

    def split(self, dimension: str, size: int) -> int:
        """Return one device's share of a dimension under tensor parallelism, which must come out even."""
        if size % self.tensor_parallel:
            raise InputError(
                f"network '{self.network}': {dimension}(={size}) does not split evenly over "
                f"tensor_parallel(={self.tensor_parallel})"
            )
        return size // self.tensor_parallel

    def split_expert(self, size: int) -> int:
        """Return one device's share of an expert's width, which must come out even."""
        if size % self.expert_tensor:
            raise InputError(
                f"network '{self.network}': expert intermediate(={size}) does not split evenly over "
                f"{self.expert_tensor} devices"
            )
        return size // self.expert_tensor

    def split_kv_heads(self, kv_heads: int) -> int:
        """Return one device's key/value heads; fewer heads than devices are replicated."""
        if kv_heads < self.tensor_parallel and self.tensor_parallel % kv_heads == 0:
            return 1
        return self.split("kv_heads", kv_heads)
