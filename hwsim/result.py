"""Results: what a simulation found, one record per unique operator, and their JSON form."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class OperatorResult:
    """Totals of one unique operator over its ``count`` calls. Seconds, joules, operations, bytes."""

    name: str
    kind: str
    count: int
    latency_s: float
    energy_j: float
    flops: float
    bytes: float
    bound: str
    device: str
    compute_s: float = 0.0
    memory_s: float = 0.0
    cache_s: float = 0.0
    link_s: float = 0.0
    fixed_s: float = 0.0
    runtime_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class MemoryUse:
    """Peak bytes on each device by kind."""

    weights: float
    kv: float
    activations: float

    @property
    def total(self) -> float:
        """All bytes."""
        return self.weights + self.kv + self.activations


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one phase of one network costs on one system; None where something does not apply to the phase."""

    network: str
    device: str
    phase: str
    batch: int
    prompt: int | None
    context: int | None
    output: int | None
    formats: dict[str, str | None]
    runtime: str
    parallel: dict[str, int]
    engine: str
    latency_s: float
    energy_j: float
    memory: MemoryUse
    operators: tuple[OperatorResult, ...]
    basis: str
    low_s: float | None = None
    high_s: float | None = None
    time_to_first_token_s: float | None = None
    time_per_output_token_s: float | None = None
    tokens_per_s: float | None = None
    samples_per_s: float | None = None
    flops_share: float | None = None  # share of the devices' peak FLOP/s reached
    bandwidth_share: float | None = None  # share of the devices' peak bandwidth reached
    largest_batch: int | None = None
    techniques: tuple[str, ...] = field(default=())  # as --technique reads them, every parameter written out
    warnings: tuple[str, ...] = field(default=())

    @property
    def peak_memory_bytes(self) -> float:
        """Peak bytes on each device."""
        return self.memory.total

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document of `hwsim run` (plain types only)."""
        document = {"schema_version": SCHEMA_VERSION, **asdict(self)}
        document["peak_memory_bytes"] = self.peak_memory_bytes
        document["techniques"], document["warnings"] = list(self.techniques), list(self.warnings)
        return document
