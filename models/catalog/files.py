"""Find and read catalog files: the shipped folders, those of ``HWSIM_CATALOG``, and single TOML paths."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwsim.errors import InputError, unknown_name

LARGEST_FILE_BYTES = 1_000_000
_COMMENTED = re.compile(r"\s*([\w.-]+)\s*=\s*(?:\"[^\"]*\"|[^#\"]*?)\s*#\s*(.+?)\s*")
_HEADER = re.compile(r"\s*\[([\w.-]+)\]\s*(?:#.*)?")
_REFERENCE = re.compile(r"\[(\d+)\]")


def folders() -> list[Path]:
    """Catalog folders in the order they are searched: the user's (``HWSIM_CATALOG``), then the shipped one.

    Raises
    ------
    InputError : ``HWSIM_CATALOG`` names a folder that does not exist
    """
    own = [Path(part) for part in os.environ.get("HWSIM_CATALOG", "").split(os.pathsep) if part]
    for folder in own:
        if not folder.is_dir():
            raise InputError(f"HWSIM_CATALOG names '{folder}', which is not a folder")
    return [*own, Path(__file__).resolve().parent]


def names(kind: str) -> list[str]:
    """Names of all files of a kind (``devices``, ``systems``, ``links``, ``runtimes``, ``architectures``)."""
    return sorted({path.stem for folder in folders() for path in (folder / kind).glob("*.toml")})


def is_path(text: str) -> bool:
    """Tell whether a text means a file rather than a catalog name: it ends in ``.toml`` or names a folder."""
    return text.endswith(".toml") or "/" in text or os.sep in text


def find(kind: str, name: str) -> Path:
    """The file of a catalog name, or of a path as it is.

    Raises
    ------
    UnknownNameError : no catalog folder has the name
    InputError : the path does not exist or is no file
    """
    if is_path(name):
        if os.path.isdir(name):
            raise InputError(f"{name}: is a folder, a TOML file is needed")
        if not os.path.isfile(name):
            raise InputError(f"{name}: no such file")
        return Path(name)
    for folder in folders():
        if os.path.isfile(folder / kind / f"{name}.toml"):
            return folder / kind / f"{name}.toml"
    raise unknown_name(kind.removesuffix("s"), name, names(kind))


def read_text(path: Path) -> str:
    """Read a TOML file's text.

    Raises
    ------
    InputError : it cannot be read, is too large to be a catalog file, or is not text
    """
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path}: {path.stat().st_size} bytes are too many for a catalog file")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not a text file in UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def parse(text: str, where: str) -> dict[str, Any]:
    """Parse TOML; a mistake (a duplicate key too) is one line with its position."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error).replace("Cannot overwrite a value", "duplicate key")
        raise InputError(f"{where}: not valid TOML: {' '.join(message.split())}") from None
    except RecursionError:
        raise InputError(f"{where}: not valid TOML: nested too deeply") from None
    except ValueError:  # a whole number of thousands of digits
        raise InputError(f"{where}: not valid TOML: a number with too many digits") from None


def comments(text: str) -> dict[str, str]:
    """The comment behind each value, by TOML path: where the number comes from."""
    found, table = {}, ""
    for line in text.splitlines():
        if header := _HEADER.fullmatch(line):
            table = header[1] + "."
        elif value := _COMMENTED.fullmatch(line):
            found[table + value[1]] = value[2]
    return found


def cited(text: str, table: Mapping[str, Any]) -> dict[str, str]:
    """The comment behind each value with its ``[n]`` spelled out from the file's ``[sources]``."""
    listed = table.get("sources")
    sources = listed if isinstance(listed, Mapping) else {}

    def spell(comment: str) -> str:
        return _REFERENCE.sub(lambda match: f"[{match[1]}: {sources.get(match[1], 'not listed')}]", comment)

    return {path: spell(comment) for path, comment in comments(text).items()}


def flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every value of a table by its TOML path.

    >>> flat({"clock": "1 GHz", "memory": {"bandwidth": "2 TB/s"}})
    {'clock': '1 GHz', 'memory.bandwidth': '2 TB/s'}
    """
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return found


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one table over another, key by key, tables within tables too."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return result
