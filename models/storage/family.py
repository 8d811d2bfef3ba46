"""Read a storage device of the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.models.catalog.files import find, parse, read_text
from hwsim.models.catalog.schema import (
    Bandwidth,
    Capacity,
    Energy,
    Number,
    Positive,
    Share,
    StatusTable,
    Table,
    Time,
    validated,
    value_at,
    with_overrides,
)  # fmt: skip
from hwsim.models.storage.record import STORAGE_PATHS, Storage


class Small(Table):
    """Small random reads with many in flight: rate, block, the range it holds in, share lost a doubling of it."""

    rate: Bandwidth
    block: Capacity
    range: Capacity
    range_loss: Number


class Core(Table):
    """Rate by the class of the issuing core over a big one's; share lost when several cores contend."""

    middle: Share = 1.0
    little: Share = 1.0
    queue_loss: Number = 0.0


class StorageFile(Table):
    """A storage device of the catalog."""

    description: str = ""
    sources: dict[str, str] = {}
    capacity: Capacity
    stream: Bandwidth
    command: Time
    random_share: Positive
    small: Small
    core: Core = Core()
    energy_byte: Energy
    status: StatusTable = StatusTable()


SCHEMA = StorageFile


def build(table: Mapping[str, Any], where: str, overrides: Mapping[str, Any]) -> Storage:
    """Check a storage table and build its record.

    Raises
    ------
    InputError, UnknownNameError : a mistake in the table, as one line that names ``where`` and the key
    """
    file = validated(StorageFile, with_overrides(StorageFile, table, overrides, where), where)
    return Storage(**{field: float(value_at(file, path)) for path, field in STORAGE_PATHS.items()})


def read_storage(name: str, overrides: Mapping[str, Any] | None = None) -> Storage:
    """Read a storage device by its catalog name (``ufs-4.0``) or TOML path."""
    path = find("storages", name)
    return build(parse(read_text(path), path.name), path.name, overrides or {})
