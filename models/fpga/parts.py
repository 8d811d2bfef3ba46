"""FPGA parts: resources and memory only. A design (a device of family ``fpga``) names the part that it is built on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hwsim.errors import UnsupportedError
from hwsim.models.catalog.files import find, names, parse, read_text
from hwsim.models.catalog.schema import Bandwidth, Capacity, Count, Number, Positive, Table, validated
from hwsim.models.fpga.area import part_static_w, resources_mm2


class PartResources(Table):
    """Resources of a part: DSP slices, look-up tables, flip-flops, 36 kbit block RAMs, 288 kbit UltraRAMs."""

    dsp: Count
    lut: Count
    ff: Count
    bram: Count
    uram: Number


class PartMemory(Table):
    """Memory beside the fabric: HBM stacks or DDR."""

    capacity: Capacity
    bandwidth: Bandwidth
    channels: Count


class PartFile(Table):
    """A part of the catalog."""

    description: str = ""
    sources: dict[str, str] = {}
    node_nm: Positive  # process of the fabric
    regions: Count  # die regions (SLR)
    products_per_dsp: Count  # INT8 products with a common operand that one DSP slice does a cycle
    resources: PartResources
    memory: PartMemory


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part: resources by name, memory in bytes and bytes/s, INT8 products a DSP slice."""

    name: str
    description: str
    node_nm: float
    regions: float
    products_per_dsp: float
    resources: Mapping[str, float]
    memory_capacity: float
    memory_bandwidth: float
    memory_channels: float

    def document(self) -> dict[str, Any]:
        """The part as `hwsim show` prints it."""
        return {
            "name": self.name, "description": self.description, "node_nm": self.node_nm, "regions": self.regions,
            "products_per_dsp": self.products_per_dsp, "resources": dict(self.resources),
            "area_mm2": {name: round(area, 1) for name, area in resources_mm2(self.resources, self.node_nm).items()},
            "leakage_of_area_w": part_static_w(self.resources, self.node_nm),
            "memory_bytes": self.memory_capacity, "bandwidth_bytes_per_s": self.memory_bandwidth,
            "memory_channels": self.memory_channels, "designs": ", ".join(designs_on(self.name)) or "none",
        }  # fmt: skip


def list_parts() -> list[str]:
    """Names of all parts."""
    return names("parts")


def read_part(name: str) -> Part:
    """Read a part by its catalog name or TOML path.

    Raises
    ------
    UnknownNameError, InputError : no such part, or a mistake in its file
    """
    path = find("parts", name)
    file = validated(PartFile, parse(read_text(path), path.name), path.name)
    return Part(
        name=path.stem, description=file.description, node_nm=file.node_nm, regions=file.regions,
        products_per_dsp=file.products_per_dsp,
        resources=file.resources.model_dump(), memory_capacity=file.memory.capacity,
        memory_bandwidth=file.memory.bandwidth, memory_channels=file.memory.channels,
    )  # fmt: skip


def designs_on(part: str) -> list[str]:
    """Catalog devices that are built on a part."""
    return [name for name in names("devices") if parse(read_text(find("devices", name)), name).get("part") == part]


def refuse_part(name: str) -> UnsupportedError:
    """The error of running on a part, which carries resources only."""
    designs = designs_on(name)
    ways = f"designs on it: {', '.join(designs)}" if designs else "no design of the catalog is built on it"
    return UnsupportedError(f"'{name}' is an FPGA part and carries resources only; {ways}")


def resource_table(wanted: Mapping[str, float], there: Mapping[str, float]) -> str:
    """Needed of there, resource by resource, in one line."""
    return ", ".join(f"{name} {_count(value)} of {_count(there[name])}" for name, value in wanted.items())


def _count(value: float) -> str:
    return f"{value:,.0f}" if value < 1e12 else f"{value:.3g}"
