"""The catalog: devices, systems, links, storage devices and runtimes as TOML, read into what the engine works with."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.errors import InputError, UnknownNameError, unknown_name
from hwsim.hardware import Device, Link, System
from hwsim.models.catalog.files import cited, find, is_path, merged, names, parse, read_text
from hwsim.models.catalog.residuals import published_residuals
from hwsim.rows import Runtime

if TYPE_CHECKING:
    from hwsim.models.storage.record import Storage

FAMILIES = ("gpu", "cpu", "npu", "gaudi", "fpga", "flash", "soc")
LARGEST_SYSTEM = 1_000_000
_SEVERAL = re.compile(r"\s*([-+]?\d+)\s*[xX×]\s*(\S+?)(?:\s+over\s+(\S+))?\s*")
_NO_OVERRIDES: Mapping[str, Any] = {}


def list_devices() -> list[str]:
    """Names of all devices."""
    return names("devices")


def list_systems() -> list[str]:
    """Names of all systems."""
    return names("systems")


def list_parts() -> list[str]:
    """Names of all FPGA parts, which designs (devices) are built on."""
    return names("parts")


def list_links() -> list[str]:
    """Names of all links."""
    return names("links")


def list_storages() -> list[str]:
    """Names of all storage devices."""
    return names("storages")


def list_runtimes() -> list[str]:
    """Names of all runtime profiles."""
    return names("runtimes")


def read_device(name_or_path: str | Path, overrides: Mapping[str, Any] = _NO_OVERRIDES) -> Device:
    """Read a device.

    Parameters
    ----------
    name_or_path : a catalog name (``a100-sxm-80gb``) or the path of a TOML file
    overrides : TOML path -> value as in a TOML file, such as ``{"memory.bandwidth": "3 TB/s"}``

    Raises
    ------
    UnknownNameError : a name, key or override that is not known
    InputError : a file that cannot be read, a missing key, an impossible value
    """
    _not_a_part(str(name_or_path))
    path = find("devices", str(name_or_path))
    return _build_device(path, read_text(path), overrides)


#: Tables of an architecture that tell how the libraries' kernels run; another generation's hold until one is measured.
KERNEL_TABLES = ("matmul", "quantise", "attention", "moe")


def _not_a_part(name: str) -> None:
    if name in names("parts") and name not in names("devices"):
        from hwsim.models.fpga.parts import refuse_part

        raise refuse_part(name)


def _build_device(path: Path, text: str, overrides: Mapping[str, Any]) -> Device:
    where = str(path) if path.parent.name != "devices" else path.name
    table = parse(text, where)
    sources = cited(text, table)
    if isinstance(table.get("architecture"), str):
        table, sources = _over_architecture(table, sources)
    device: Device = family_module(table, where).build(table, where, overrides)
    if device.native_link is not None and not is_path(device.native_link):
        _known_link(device.native_link, where)
    sources.update({path: f"set to {value} by the user" for path, value in overrides.items()})
    known = {path: text for path, text in sources.items() if not path.startswith("sources.")}
    return replace(device, name=path.stem, sources=known, residuals=device.residuals or published_residuals())


def _known_link(name: str, where: str) -> None:
    if name not in names("links"):
        raise UnknownNameError(f"{where}: link.native: {unknown_name('link', name, names('links'))}")


def _over_architecture(table: dict[str, Any], sources: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Lay a device's table over that of its architecture, which several devices share."""
    base, own = _architecture(table["architecture"])
    return merged(base, table), {**own, **sources}


def _architecture(name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """An architecture's table and sources; ``kernels`` names another one whose kernels' constants it takes over."""
    path = find("architectures", name)
    text = read_text(path)
    table = parse(text, path.name)
    own = cited(text, table)
    table.pop("sources", None)
    lender = table.pop("kernels", None)
    own.pop("kernels", None)
    if lender is None:
        return table, own
    lent, notes = _architecture(str(lender))
    shared = {section: lent[section] for section in KERNEL_TABLES if section in lent}
    taken = {path: f"as {lender}: {note}" for path, note in notes.items() if path.partition(".")[0] in shared}
    return merged(shared, table), {**taken, **own}


def family_module(table: Mapping[str, Any], where: str) -> Any:
    """Import the module that reads a device table, by its ``family``."""
    family = table.get("family")
    if family is None:
        raise InputError(f"{where}: missing key 'family'; allowed: {', '.join(known_families())}")
    if family not in known_families():
        raise unknown_name("family", str(family), known_families())
    return importlib.import_module(f"hwsim.models.{family}.family")


def known_families() -> list[str]:
    """Families that are there: each is a folder with a ``family.py`` that has ``SCHEMA`` and ``build``."""
    here = Path(__file__).resolve().parent.parent
    return [name for name in FAMILIES if (here / name / "family.py").is_file()]


def field_units(family: str) -> dict[str, str]:
    """SI unit of every quantity in a device file of a family, by TOML path."""
    from hwsim.models.catalog.schema import units

    return dict(units(importlib.import_module(f"hwsim.models.{family}.family").SCHEMA))


def read_link(name: str) -> Link:
    """Read a link by its catalog name or TOML path."""
    from hwsim.models.link.family import build

    path = find("links", name)
    text = read_text(path)
    table = parse(text, path.name)
    return replace(build(table, path.name, path.stem), sources=cited(text, table))


def read_storage(name: str) -> Storage:
    """Read a storage device by its catalog name or TOML path."""
    from hwsim.models.storage import family

    return family.read_storage(name)


def read_runtime(name: str) -> Runtime:
    """Read a runtime profile by its catalog name or TOML path."""
    from hwsim.models.catalog.schema import validated
    from hwsim.models.catalog.shared import RuntimeFile

    path = find("runtimes", name)
    file = validated(RuntimeFile, parse(read_text(path), path.name), path.name)
    return Runtime(
        host_s=file.host, gap_s=file.gap, layer_s=file.layer, collective_s=file.collective, step_s=file.step,
        unfused=float(file.attention == "unfused"), direct=float(file.all_reduce == "best"),
        sampling=file.sampling,
    )  # fmt: skip


def read_system(text: str, overrides: Mapping[str, Any] = _NO_OVERRIDES) -> System:
    """Read a system: a catalog system or device, a TOML path, or ``"8 x h100-sxm-80gb over nvlink-4"``.

    ``overrides`` apply to the device. Without ``over LINK`` the device's native link joins several of it.

    Raises
    ------
    UnknownNameError : a name that no catalog folder has
    InputError : a count outside 1 to 10^6, a file that cannot be read, an impossible value
    """
    if match := _SEVERAL.fullmatch(text):
        return several(int(match[1]), match[2], match[3], overrides)
    if is_path(text):
        return _from_path(text, overrides)
    if text in names("systems"):
        return _from_table(find("systems", text), overrides)
    _not_a_part(text)
    if text not in names("devices"):
        raise unknown_name("device or system", text, [*names("devices"), *names("systems")])
    device = read_device(text, overrides)
    return System(name=device.name, device=device)


def several(count: int, device_name: str, link_name: str | None, overrides: Mapping[str, Any]) -> System:
    """``count`` equal devices over a link, by default the device's native one."""
    if not 1 <= count <= LARGEST_SYSTEM:
        raise InputError(f"system '{count} x {device_name}': the number of devices must be 1 to {LARGEST_SYSTEM}")
    device = read_device(device_name, overrides)
    link_name = link_name or device.native_link
    link = read_link(link_name) if link_name else None
    name = f"{count}x {device.name}" + (f" over {link.name}" if link else "")
    return System(name=name, device=device, count=count, link=link, explicit=True)


def _from_path(text: str, overrides: Mapping[str, Any]) -> System:
    path = find("devices", text)
    content = read_text(path)
    if "family" not in parse(content, text) and "device" in parse(content, text):
        return _from_table(path, overrides)
    device = _build_device(path, content, overrides)
    return System(name=device.name, device=device)


def _from_table(path: Path, overrides: Mapping[str, Any]) -> System:
    from hwsim.models.catalog.schema import validated
    from hwsim.models.catalog.shared import SystemFile

    file = validated(SystemFile, parse(read_text(path), path.name), path.name)
    return replace(several(int(file.count), file.device, file.link, overrides), name=path.stem)
