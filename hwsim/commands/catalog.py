"""`hwsim list` and `hwsim show`: what the catalog holds, and one entry of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwsim.errors import unknown_name

if TYPE_CHECKING:
    from hwsim.hardware import Device

_SEVERAL = re.compile(r"\s*[-+]?\d+\s*[xX×]\s")
KINDS = ("networks", "devices", "systems", "parts", "links", "storages", "runtimes", "techniques", "kernels")


def _names(kind: str) -> list[str]:
    if kind == "networks":
        from hwsim.mappers.networks import list_networks

        return list(list_networks())
    if kind == "techniques":
        from hwsim.mappers.techniques.registry import list_techniques

        return list_techniques()
    if kind == "kernels":
        from hwsim.rtl import kernel_names

        return kernel_names()
    from hwsim.models import catalog

    return list(getattr(catalog, f"list_{kind}")())


def list_entries(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="networks, devices, systems, parts, links, storages, runtimes, techniques or kernels.",
        ),
    ],
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List what the catalog holds."""
    if kind not in KINDS:
        raise unknown_name("kind of entry", kind, KINDS)
    names = _names(kind)
    print(json.dumps(names) if json_output else "\n".join(names))


def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME_OR_PATH", help="Any name of the catalog, a config.json or a TOML path.")
    ],
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show a network, a device or another entry.

    A network: its sizes, parameters and memory. A device, a link, a storage device, a runtime: every number with its
    source. A technique: what it changes, its parameters, its paper.
    """
    if kind := next((kind for kind in ("links", "storages", "runtimes") if name in _names(kind)), None):
        document = _file_document(kind, name)
    elif Path(name).suffix == ".toml" or name in [*_names("devices"), *_names("systems")] or _SEVERAL.match(name):
        document = _machine_document(name)
    elif name in _names("techniques"):
        from hwsim.mappers.techniques.registry import techniques

        document = techniques()[name].document()
    elif name in _names("parts"):
        from hwsim.models.fpga.parts import read_part

        document = read_part(name).document()
    elif Path(name).exists() or Path(name).suffix == ".json" or name in _names("networks"):
        document = _network_document(name)
    else:
        kinds = [each for each in KINDS if each != "kernels"]
        raise unknown_name("network, device or other entry", name, [each for kind in kinds for each in _names(kind)])
    if json_output:
        print(json.dumps(document, allow_nan=False))
        return
    for key, value in document.items():
        if isinstance(value, dict):
            print(f"{key}:")
            for inner, text in value.items():
                print(f"  {inner:<40} {_readable(key, text)}")
        else:
            print(f"{key:<28} {_readable(key, value)}")


def _readable(key: str, value: Any) -> str:
    """Write a figure with the unit that its name ends in."""
    from hwsim.report.quantities import count, quantity

    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "-" if value is None else str(value)
    if "flops" in key:
        return quantity(value, "FLOP/s" if key.endswith("per_s") else "FLOP")
    if "bytes" in key:
        return quantity(value, "B/s" if key.endswith("per_s") else "B")
    if key.endswith("_w"):
        return quantity(value, "W")
    return f"{value:,} ({count(value)})" if value >= 1e6 else str(value)


def _network_document(name: str) -> dict[str, Any]:
    import hwsim

    network = hwsim.network(name)
    if not hasattr(network, "vocabulary"):
        return _layered_document(network)
    graph = network.graph(phase="decode", batch=1, prompt=1, context=1)
    document: dict[str, Any] = {
        "name": network.name, "architecture": network.architecture, "layers": network.layers,
        "hidden": network.hidden, "heads": network.heads, "kv_heads": network.kv_heads, "head_dim": network.head_dim,
        "intermediate": network.intermediate, "vocabulary": network.vocabulary,
        "context_limit": network.context_limit, "parameters": network.parameters,
        "active_parameters": network.active_parameters, "default_format": network.default_format,
        "source": network.source,
    }  # fmt: skip
    document["weight_bytes"] = {
        fmt: network.weight_bytes(fmt) for fmt in dict.fromkeys([network.default_format, "fp8_e4m3", "int4:g128"])
    }
    one, two = (network.kv_bytes(tokens, 1, network.default_format) for tokens in (1, 2))
    document["kv_bytes_per_token"] = two - one
    if 2.0 * one - two > 0.5:  # what a request keeps whatever its length
        document["state_bytes_per_request"] = 2.0 * one - two
    document["decode_flops_per_token"] = graph.flops
    return document


def _layered_document(network: Any) -> dict[str, Any]:
    """Show a network without a KV cache: a list of layers with one phase, `forward`."""
    return {
        "name": network.name, "architecture": network.architecture, "layers": network.layers,
        "input_shape": "x".join(map(str, network.input_shape)), "parameters": network.parameters,
        "default_format": network.default_format, "source": network.source,
        "weight_bytes": network.weight_bytes(), "forward_flops": network.graph(phase="forward").flops,
    }  # fmt: skip


def _machine_document(name: str) -> dict[str, Any]:
    """A device, or several of it."""
    import hwsim

    system = hwsim.system(name)
    if system.count == 1 and system.link is None:
        return _device_document(system.device)
    return {
        "name": system.name, "device": system.device.name, "count": system.count,
        "link": system.link.name if system.link else None,
        "memory_bytes": system.device.memory_bytes * system.count,
        "bandwidth_bytes_per_s": system.device.bandwidth_bytes_per_s * system.count,
        "link_bandwidth_bytes_per_s": system.link.bandwidth_bytes_per_s if system.link else None,
    }  # fmt: skip


def _file_document(kind: str, name: str) -> dict[str, Any]:
    """A link, a storage device or a runtime: each value as its file states it, with its source."""
    from hwsim.models import catalog
    from hwsim.models.catalog.files import cited, find, flat, parse, read_text

    getattr(catalog, f"read_{kind.removesuffix('s')}")(name)  # refuses a file that is wrong
    text = read_text(find(kind, name))
    table = parse(text, name)
    sources = cited(text, table)
    return {
        "name": name, "description": table.get("description", ""),
        "constants": {
            path: f"{value!s:<12} {sources.get(path, '')}".rstrip()
            for path, value in flat(table).items()
            if path != "description" and not path.startswith("sources.")
        },
    }  # fmt: skip


def _device_document(device: Device) -> dict[str, Any]:
    fields = {field: path for path, field in device.record_paths.items()}
    return {
        "name": device.name, "family": device.family, "description": device.description,
        "memory_bytes": device.memory_bytes, "bandwidth_bytes_per_s": device.bandwidth_bytes_per_s,
        "native_link": device.native_link, "status": dict(device.status),
        "peak_flops_per_s": dict(device.peak_flops_per_s),
        **({"area_mm2": {part: round(area, 1) for part, area in device.area_mm2.items()}} if device.area_mm2 else {}),
        **(
            {"idle_power_w": device.idle_power_w, "leakage_of_area_w": device.static_power_w}
            if device.static_power_w
            else {}
        ),
        "constants": {
            fields.get(field, field): (
                f"{value:<12.6g} {device.sources.get(fields.get(field, field), '')}".rstrip()
            )
            for field, value in device.record._asdict().items()
        },
    }  # fmt: skip
