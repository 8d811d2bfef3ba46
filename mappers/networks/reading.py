"""Find and read a network: a catalog name, or the path of a Hugging Face `config.json`."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from hwsim.errors import HwsimError, InputError, UnsupportedError, unknown_name
from hwsim.mappers.networks.architectures import ARCHITECTURES
from hwsim.mappers.networks.fields import Fields
from hwsim.mappers.networks.network import Network

CATALOG = Path(__file__).resolve().parent.parent / "catalog" / "networks"
LARGEST_FILE_BYTES = 16 * 2**20  # a configuration is a few kilobytes; weights or a tokenizer were meant otherwise


def list_networks() -> list[str]:
    """Return the names of the catalog, those in the folders of ``HWSIM_CATALOG`` included, sorted."""
    return sorted(_catalog())


def read_network(source: str | Path) -> Network:
    """Read a network from the catalog by name, or from the path of its `config.json`.

    Raises
    ------
    UnknownNameError : neither a catalog name nor an existing file
    InputError : the file is not a readable configuration; the line names the file and the field
    UnsupportedError : the architecture is not known
    """
    text = str(source)
    catalog = _catalog()
    if not isinstance(source, Path) and text in catalog:
        return _read_file(catalog[text], name=text)
    path = Path(text)
    if not _exists(path):
        if isinstance(source, Path) or path.suffix or len(path.parts) != 1:
            raise InputError(f"{_shown(text)}: there is no such file")
        raise unknown_name("network", _shown(text), catalog)
    return _read_file(path, name=_name_of(path))


def _shown(text: str) -> str:
    clean = "".join(character if character.isprintable() else "?" for character in text)
    return clean if len(clean) <= 200 else clean[:197] + "..."


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long for the file system, or with a null character
        return False


def _catalog() -> dict[str, Path]:
    folders = [CATALOG]
    for entry in os.environ.get("HWSIM_CATALOG", "").split(os.pathsep):
        folders += [Path(entry), Path(entry) / "networks"] if entry else []
    return {path.stem: path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.json"))}


def _name_of(path: Path) -> str:
    stem = path.stem.removesuffix("_config").removesuffix(".config")
    return path.resolve().parent.name or stem if stem == "config" else stem


def _read_file(path: Path, *, name: str) -> Network:
    return read_config(_load(path), source=str(path), name=name)


def _load(path: Path) -> dict[str, Any]:
    """Load a JSON object, refusing by size before parsing."""
    if path.is_dir():
        raise InputError(f"{path}: is a directory; give the path of its config.json")
    if not path.is_file():
        raise InputError(f"{path}: is not a regular file")
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            limit = LARGEST_FILE_BYTES / 1e6
            raise InputError(f"{path}: {size / 1e6:.0f} MB is too large for a configuration; at most {limit:.0f} MB")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not JSON: byte {error.start} is not text in UTF-8") from None
    if not text.strip():
        raise InputError(f"{path}: is empty; a JSON object is expected")
    values = _parse(text, path)
    if not isinstance(values, dict):
        raise InputError(f"{path}: holds a JSON {_json_type(values)}; an object with the network's fields is expected")
    _refuse_nan(values, str(path))
    return values


def _parse(text: str, path: Path) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            names = [key for key, _ in pairs]
            twice = next(key for key in names if names.count(key) > 1)
            raise InputError(f"{path}: field '{_shown(twice)}' is given twice")
        return table

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: is not JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    except HwsimError:
        raise
    except (ValueError, RecursionError) as error:
        reason = "it nests too deep" if isinstance(error, RecursionError) else "a number has too many digits"
        raise InputError(f"{path}: is not a usable JSON document: {reason}") from None


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    names = {list: "array", str: "text", bool: "true or false", int: "number", float: "number"}
    return names.get(type(value), "value")


def _refuse_nan(values: dict[str, Any], source: str) -> None:
    stack: list[tuple[str, Any]] = list(values.items())
    while stack:
        path, value = stack.pop()
        if isinstance(value, float) and math.isnan(value):
            raise InputError(f"{source}: field '{path}' (=NaN) must be a number")
        if isinstance(value, dict):
            stack += [(f"{path}.{key}", each) for key, each in value.items()]
        elif isinstance(value, list):
            stack += [(f"{path}[{index}]", each) for index, each in enumerate(value)]


def read_config(values: dict[str, Any], *, source: str, name: str) -> Network:
    """Read a parsed configuration; ``source`` is what errors call it."""
    fields = Fields(values, source)
    listed = fields.items("architectures")
    if not listed or not isinstance(listed[0], str):
        raise fields.wrong("architectures", listed, "a list with the network's class name")
    architecture = listed[0]
    reader = ARCHITECTURES.get(architecture)
    if reader is None:
        raise UnsupportedError(
            f"{source}: architecture '{_shown(architecture)}' is not known; known: {', '.join(sorted(ARCHITECTURES))}"
        )
    network = reader(fields)
    stated = values.get("_source")
    where = stated if isinstance(stated, str) else source
    return replace(network, name=name, architecture=architecture, source=where)
