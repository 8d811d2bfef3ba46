"""What the engine needs to know of a device, a link and a system; families in models/ build them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hwsim.rows import OperatorCost, OperatorRow

if TYPE_CHECKING:
    from hwsim.intervals import Residuals

STATUSES = ("calibrated", "development", "zero-shot", "unvalidated")  # of a latency, the surest first


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device as the engine sees it: a plain record of floats and the cost function that reads it.

    Attributes
    ----------
    name, family : catalog name and family (``gpu``, ``npu``, ...)
    record : NamedTuple of floats, one field for each number of the TOML file that a formula reads
    cost : ``cost(record, row) -> OperatorCost``, a marked cost function
    memory_bytes : capacity for weights, KV and activations
    weight_memory_bytes : capacity of a memory of its own for weights (flash); 0: weights share ``memory_bytes``
    weight_capacity : ``weight_capacity(record)``, the same of a record whose fields may be arrays, for sweeps
    peak_flops_per_s : dense peak by format name, for rooflines and utilisation
    bandwidth_bytes_per_s : peak bandwidth of the main memory
    native_link : catalog name of the link that joins several of it, or None
    status : calibrated, development, zero-shot or unvalidated, by quantity (latency, power)
    sources : the source of each TOML path that states one, as text
    record_paths : TOML path -> record field, what ``--set`` and a sweep may vary
    residuals : how far predictions are off by operator, see `hwsim.intervals`; empty where nothing was measured
    units : processors of a system on a chip by name (``npu``), each a device of its own; empty where there is one
    """

    name: str
    family: str
    record: Any
    cost: Callable[[Any, OperatorRow], OperatorCost]
    memory_bytes: float
    peak_flops_per_s: Mapping[str, float]
    bandwidth_bytes_per_s: float
    native_link: str | None = None
    idle_power_w: float = 0.0
    status: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    record_paths: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    weight_memory_bytes: float = 0.0
    weight_capacity: Callable[[Any], Any] | None = None
    units: Mapping[str, Device] = field(default_factory=dict)
    residuals: Mapping[str, Residuals] = field(default_factory=dict)

    @property
    def capacity_bytes(self) -> float:
        """Bytes of all memories together."""
        return self.memory_bytes + self.weight_memory_bytes

    def collective_w(self, record: Any) -> Any:
        """Watts of one device, with ``record``, while a collective runs; the bytes moved are the link's."""
        return self.idle_power_w if self.collective_power is None else self.collective_power(record)

    def spare_bytes(self, weights: float, rest: float) -> float:
        """Bytes left in the fuller memory with these weights and all the rest (KV, activations); negative: too few."""
        if self.weight_memory_bytes:
            return min(self.weight_memory_bytes - weights, self.memory_bytes - rest)
        return self.memory_bytes - weights - rest

    collective_power: Callable[[Any], Any] | None = None  # watts while a collective runs, of a record; None: idle
    area_mm2: Mapping[str, float] = field(default_factory=dict)  # estimated, by part; empty: no node given
    static_power_w: float = 0.0  # estimated leakage of that area, part of the idle power; 0: no node given
    launches: bool = True  # False: it follows a compiled instruction stream; no host launches its operators
    skips_zeros: bool = False  # its products leave out the weights that N:M sparsity removed
    check: Callable[[Any, OperatorRow], None] | None = None  # raises where the design cannot hold an operator
    cannot_run: frozenset[str] = frozenset({"recurrent"})  # kinds of operators that the family has no cost of


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link between devices of a system; ``cost(record, row)`` times a collective.

    Attributes
    ----------
    status : how far its latency is checked, as of a `Device`
    residuals : how far collectives are off over it, where that is known of links of its status
    native_only : it joins devices that name it as their native link, and no others
    """

    name: str
    record: Any
    cost: Callable[[Any, OperatorRow], OperatorCost]
    bandwidth_bytes_per_s: float
    sources: Mapping[str, str] = field(default_factory=dict)
    record_paths: Mapping[str, str] = field(default_factory=dict)  # TOML path -> record field
    status: Mapping[str, str] = field(default_factory=dict)
    residuals: Mapping[str, Residuals] = field(default_factory=dict)
    native_only: bool = False


@dataclass(frozen=True, kw_only=True)
class System:
    """``count`` equal devices joined by a link; one device alone is a system of one."""

    name: str
    device: Device
    count: int = 1
    link: Link | None = None
    explicit: bool = False  # the user stated how many devices there are

    def basis(self, collectives: bool) -> str:
        """How sure a latency is: as the device, or as the link where that is less sure and there are collectives."""
        own = self.device.status.get("latency", "unvalidated")
        if not collectives or self.link is None:
            return own
        return max(own, self.link.status.get("latency", "unvalidated"), key=STATUSES.index)

    def residuals(self, collectives: bool) -> Mapping[str, Residuals]:
        """How far predictions are off by operator: the device's, and of collectives the link's if it is less sure."""
        own = self.device.residuals
        if self.link is None or self.basis(collectives) == self.basis(False):
            return own
        return {key: self.link.residuals.get(key, known) for key, known in own.items()}

    def collective_cost(self, link: Link, row: OperatorRow) -> OperatorCost:
        """Cost of a collective, joules of one device: its bytes on the link, and its board, switched on meanwhile."""
        cost = link.cost(link.record, row)
        return cost._replace(energy_j=cost.energy_j + self.device.collective_w(self.device.record) * cost.latency_s)
