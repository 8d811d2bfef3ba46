"""Routed experts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hwsim.operators.base import Operator, stored_bytes
from hwsim.routing import check_routing, device_pairs, load_peak, touched_experts


@dataclass(frozen=True, kw_only=True)
class MixtureOfExperts(Operator):
    """The routed experts of a layer as grouped matrix products: ``tokens`` before top-k, ``experts`` on this device.

    ``routing`` says how many tokens each expert gets: "balanced" (all alike), "uniform" (what independent random
    choices touch on average), "power_law_A" (loads drawn from a power law of exponent A), or a count for each expert.

    ``shards`` devices hold ``experts`` each, of which a token chooses ``top_k`` on average, and all have all tokens.
    Under a power law this is the device with the most pairs.
    """

    kind: ClassVar[str] = "moe"
    tokens: float
    hidden: float
    intermediate: float
    experts: float
    top_k: float
    gated: bool = True
    shards: float = 1.0
    weight_dtype: str = ""
    routing: str | tuple[float, ...] = "balanced"

    def __post_init__(self) -> None:
        if not self.weight_dtype:
            object.__setattr__(self, "weight_dtype", self.dtype)
        super().__post_init__()
        if not isinstance(self.routing, str):
            object.__setattr__(self, "routing", tuple(map(float, self.routing)))
        check_routing(self.name, self.routing, self.tokens, self.top_k, self.experts)

    @property
    def matrices(self) -> int:
        """Weight matrices an expert: gate, up and down, or up and down."""
        return 3 if self.gated else 2

    @property
    def pairs(self) -> float:
        """Pairs of a token and an expert that this device computes."""
        return device_pairs(self.routing, self.tokens, self.top_k, self.experts, self.shards)

    @property
    def flops(self) -> float:
        return 2.0 * self.pairs * self.matrices * self.hidden * self.intermediate

    @property
    def parameters(self) -> float:
        return self.experts * self.matrices * self.hidden * self.intermediate

    @property
    def weight_bytes(self) -> float:
        return stored_bytes(self.parameters, self.weight_dtype)

    @property
    def touched_experts(self) -> float:
        """Distinct experts with at least one token; see `hwsim.routing`."""
        return touched_experts(self.routing, self.tokens, self.top_k, self.experts, self.shards)

    @property
    def load_peak(self) -> float:
        """Load of the busiest expert over the mean of those with a token; 1 where all are alike."""
        return load_peak(self.routing, self.tokens, self.top_k, self.experts, self.shards)

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        weights = self.weight_bytes * self.touched_experts / self.experts
        activation = self.pairs * (2.0 * self.hidden + self.matrices * self.intermediate)
        return {"weight": weights, "activation": stored_bytes(activation, self.dtype)}

    @property
    def input_elements(self) -> float:
        return self.tokens * self.hidden

    @property
    def output_elements(self) -> float:
        return self.tokens * self.hidden
