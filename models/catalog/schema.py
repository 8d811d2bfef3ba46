"""What every catalog file is checked against: fields read with their units, unknown keys refused with a guess."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, ErrorDetails

from hwsim.errors import InputError, UnknownNameError, did_you_mean
from hwsim.units import EXAMPLES, quantity, shown

Status = Literal["calibrated", "development", "zero-shot", "unvalidated"]


@dataclass(frozen=True)
class Unit:
    """Marks a field as a quantity in an SI unit; its JSON schema is a text with that unit."""

    unit: str

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        if not self.unit:
            return {"type": "number", "minimum": 0}
        return {"type": "string", "pattern": r"^\s*[0-9.]", "examples": [EXAMPLES[self.unit]]}


def _reads(unit: str) -> Any:
    return BeforeValidator(lambda value: quantity(value, unit, ""))


Number = Annotated[float, _reads(""), Unit("")]
Count = Annotated[float, _reads(""), Field(ge=1.0), Unit("")]
Share = Annotated[float, _reads(""), Field(gt=0.0, le=1.0), Unit("")]
Positive = Annotated[float, _reads(""), Field(gt=0.0), Unit("")]
Capacity = Annotated[float, _reads("B"), Field(gt=0.0), Unit("B")]
Bandwidth = Annotated[float, _reads("B/s"), Field(gt=0.0), Unit("B/s")]
Frequency = Annotated[float, _reads("Hz"), Field(gt=0.0), Unit("Hz")]
Time = Annotated[float, _reads("s"), Unit("s")]
Power = Annotated[float, _reads("W"), Unit("W")]
Energy = Annotated[float, _reads("J"), Unit("J")]


class Table(BaseModel):
    """A table of a catalog file: frozen, every key known, a dash of a key written as an underscore in Python."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StatusTable(Table):
    """How far each quantity is checked against silicon."""

    latency: Status = "unvalidated"
    power: Status = "unvalidated"


class Silicon(Table):
    """The process of the chip, for its area and leakage: its node, and whether its transistors are low-power ones."""

    node_nm: Positive
    process: Literal["general", "low_power"] = "general"


Schema = TypeVar("Schema", bound=Table)
FIXED = frozenset({"family", "architecture"})  # they say what a table is, so that no override may change them


def validated(schema: type[Schema], table: Mapping[str, Any], where: str) -> Schema:
    """Check a table; the first mistake becomes one line that names the file, the key, the value and what is allowed.

    Raises
    ------
    UnknownNameError : a key the schema does not know, with the nearest known one
    InputError : a missing key, or a value that is impossible
    """
    try:
        return schema.model_validate(dict(table))
    except ValidationError as error:
        # A misspelt key is also a missing one: the spelling is the mistake to tell.
        mistakes = sorted(error.errors(), key=lambda mistake: mistake["type"] != "extra_forbidden")
        raise _one_line(schema, mistakes[0], where) from None


def _one_line(schema: type[Table], mistake: ErrorDetails, where: str) -> InputError | UnknownNameError:
    path = ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] == "extra_forbidden":
        known = list(leaves(schema))
        parents = sorted({leaf.rpartition(".")[0] for leaf in known} - {""})
        siblings = [leaf for leaf in [*known, *parents] if leaf.rpartition(".")[0] == path.rpartition(".")[0]]
        guess = did_you_mean(path, siblings) or did_you_mean(path, known)
        return UnknownNameError(f"{where}: unknown key '{path}'{guess or '; allowed: ' + ', '.join(siblings)}")
    if mistake["type"] == "missing":
        return InputError(f"{where}: missing key '{path}'")
    cause = mistake.get("ctx", {}).get("error")
    if isinstance(cause, InputError):
        return InputError(f"{where}: {path}{cause}" if str(cause).startswith(":") else f"{where}: {path} {cause}")
    message = mistake["msg"].replace("Input should be", "must be")
    return InputError(f"{where}: {path} = {shown(mistake['input'])}: {message}")


def leaves(schema: type[Table], prefix: str = "") -> Iterator[str]:
    """Every key a schema knows, as TOML paths."""
    for name, field in schema.model_fields.items():
        inner = _table_of(field.annotation)
        if inner is None:
            yield prefix + name
        else:
            yield from leaves(inner, f"{prefix}{name}.")


def units(schema: type[Table], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every quantity a schema knows, as TOML path and SI unit; plain numbers have the unit ``""``."""
    for name, field in schema.model_fields.items():
        inner = _table_of(field.annotation)
        if inner is not None:
            yield from units(inner, f"{prefix}{name}.")
        for mark in field.metadata:
            if isinstance(mark, Unit):
                yield prefix + name, mark.unit


def _table_of(annotation: Any) -> type[Table] | None:
    options = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return next((option for option in options if isinstance(option, type) and issubclass(option, Table)), None)


def value_at(model: Table, path: str) -> Any:
    """The value at a TOML path; 0 where an optional table is absent."""
    value: Any = model
    for part in path.split("."):
        value = getattr(value, part, None)
        if value is None:
            return 0.0
    return value


def with_overrides(
    schema: type[Table], table: Mapping[str, Any], overrides: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """Return the raw table with some TOML paths replaced.

    Raises
    ------
    UnknownNameError : a path that the schema does not know
    InputError : a path that is a table, or says what the table is
    """
    changed: dict[str, Any] = {
        key: dict(value) if isinstance(value, Mapping) else value for key, value in table.items()
    }
    known = list(leaves(schema))
    for path, value in overrides.items():
        if path in FIXED:
            raise InputError(f"{where}: {path} cannot be set: the other keys depend on it; start from another device")
        if inside := [key for key in known if key.startswith(path + ".")]:
            raise InputError(f"{where}: '{path}' is a table; its keys: {', '.join(inside)}")
        if path not in known:
            raise UnknownNameError(f"{where}: unknown key '{path}'{did_you_mean(path, known)}")
        head, _, last = path.rpartition(".")
        inner = changed
        if head:
            inner = changed.setdefault(head, {})
        if isinstance(inner, dict):  # else the schema refuses what stands in the table's place
            inner[last] = value
    return changed
