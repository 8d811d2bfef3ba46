"""From a file to a JSON object, refusing in one line what is no configuration: by size before reading, then by form."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from hwsim.errors import InputError

LARGEST_FILE_BYTES = 16 * 2**20  # a configuration is a few kilobytes; anything larger was meant for something else

_JSON_TYPES = {list: "array", str: "text", bool: "true or false", int: "number", float: "number", type(None): "null"}


def shown(text: str) -> str:
    """Return a text as an error can show it: printable and at most 200 characters.

    >>> shown("a" + chr(10) + "b")
    'a?b'
    """
    clean = "".join(character if character.isprintable() else "?" for character in text)
    return clean if len(clean) <= 200 else clean[:197] + "..."


def load_object(path: Path) -> dict[str, Any]:
    """Load a JSON object.

    Raises
    ------
    InputError : a directory, no regular file, too large, not UTF-8, empty, not JSON, not an object, a field given
        twice, or NaN as a value
    """
    name = shown(str(path))
    text = _read_text(path, name)
    if not text.strip():
        raise InputError(f"{name}: is empty; a JSON object is expected")
    values = _parse(text, name)
    if not isinstance(values, dict):
        kind = _JSON_TYPES[type(values)]
        raise InputError(f"{name}: holds JSON of type {kind}; an object with the network's fields is expected")
    _refuse_nan(values, name)
    return values


def _read_text(path: Path, name: str) -> str:
    if path.is_dir():
        raise InputError(f"{name}: is a directory; give the path of its config.json")
    if not path.is_file():
        raise InputError(f"{name}: is not a regular file")
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            most = f"at most {LARGEST_FILE_BYTES / 1e6:.0f} MB"
            raise InputError(f"{name}: {size / 1e6:.0f} MB is too large for a configuration; {most}")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: is not JSON: byte {error.start} is not text in UTF-8") from None


def _parse(text: str, name: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            names = [key for key, _ in pairs]
            twice = next(key for key in names if names.count(key) > 1)
            raise InputError(f"{name}: field '{shown(twice)}' is given twice")
        return table

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise InputError(f"{name}: is not JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    except InputError:
        raise
    except RecursionError:
        raise InputError(f"{name}: is not a usable JSON document: it nests too deep") from None
    except ValueError:  # Python's limit on the digits of an integer
        raise InputError(f"{name}: is not a usable JSON document: a number has too many digits") from None


def _refuse_nan(values: dict[str, Any], name: str) -> None:
    stack: list[tuple[str, Any]] = list(values.items())
    while stack:
        path, value = stack.pop()
        if isinstance(value, float) and math.isnan(value):
            raise InputError(f"{name}: field '{shown(path)}' (=NaN) must be a number")
        if isinstance(value, dict):
            stack += [(f"{path}.{key}", each) for key, each in value.items()]
        elif isinstance(value, list):
            stack += [(f"{path}[{index}]", each) for index, each in enumerate(value)]
