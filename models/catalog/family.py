"""What the readers of all families share: the head of a device file, its record, and what of a `Device` follows."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, TypeVar

from hwsim.errors import InputError
from hwsim.models.catalog.schema import Power, StatusTable, Table, Time, validated, value_at, with_overrides


class LinkTable(Table):
    """The link that joins several of this device, by its catalog name."""

    native: str


class KernelTable(Table):
    """Time no kernel goes below: to hand it out, start it and wait for its last part."""

    fixed: Time


class PowerTable(Table):
    """Power with nothing running, and the limit that is held."""

    idle: Power
    limit: Power


LEAKAGE_ONLY = -1.0  # no text with a unit reads as a negative power


class EstimatedPowerTable(PowerTable):
    """Power where the idle power may be left out: it is then the leakage of the modelled area."""

    idle: Power = LEAKAGE_ONLY


class DeviceFile(Table):
    """What every device file says beside the tables of its family."""

    family: str
    description: str = ""
    sources: dict[str, str] = {}
    status: StatusTable = StatusTable()


class LinkedDeviceFile(DeviceFile):
    """The file of a device of which a link may join several."""

    link: LinkTable | None = None


File = TypeVar("File", bound=DeviceFile)
#: The status of a device that somebody changed, by TOML path.
UNMEASURED = {"status.latency": "unvalidated", "status.power": "unvalidated"}


def checked(schema: type[File], table: Mapping[str, Any], where: str, overrides: Mapping[str, Any]) -> File:
    """A device's table, with some TOML paths replaced, checked against its family's schema.

    A changed device is another one, that nobody measured: its status is what `hwsim device new` writes, unless the
    overrides state one.

    Raises
    ------
    InputError, UnknownNameError : a mistake in the table or the overrides, as one line that names ``where`` and the key
    """
    if any(not path.startswith("status.") for path in overrides):
        overrides = {**UNMEASURED, **overrides}
    return validated(schema, with_overrides(schema, table, overrides, where), where)


def record_values(file: Table, paths: Mapping[str, str]) -> dict[str, float]:
    """Values of a record's fields, from TOML path -> field; 0 where an optional table is absent."""
    return {field: float(value_at(file, path)) for path, field in paths.items()}


def idle_power_w(stated_w: float, static_power_w: float, where: str, limit_w: float = inf) -> float:
    """The stated idle power, else the leakage of the modelled area.

    Raises
    ------
    InputError : neither is known, or a stated one leaves nothing below the power limit
    """
    if stated_w != LEAKAGE_ONLY:
        if stated_w >= limit_w:
            raise InputError(f"{where}: power.limit = {limit_w:g} W must be more than power.idle = {stated_w:g} W")
        return stated_w
    if static_power_w <= 0.0:
        raise InputError(f"{where}: missing key 'power.idle', or 'silicon.node_nm' for the leakage of the area")
    return static_power_w


def described(file: DeviceFile, where: str, paths: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of a `Device` that its file states for every family."""
    link = getattr(file, "link", None)
    return {
        "name": where, "family": file.family, "description": file.description, "status": file.status.model_dump(),
        "record_paths": paths, "native_link": link.native if isinstance(link, LinkTable) else None,
    }  # fmt: skip
