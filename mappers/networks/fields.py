"""Checked access to the fields of a `config.json`: errors name the file, the field, the value and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hwsim.errors import InputError, did_you_mean

#: Sizes past these are mistakes, not networks; they also keep every product far inside a float.
LARGEST_SIZE = 10_000_000
LARGEST_LAYERS = 10_000
LARGEST_CONTEXT = 10**9

_REQUIRED: Any = object()


class Fields:
    """The fields of one JSON object. The first of several alternative keys that is present and not null counts."""

    def __init__(self, values: Mapping[str, Any], source: str, path: str = "") -> None:
        self.values = values
        self.source = source
        self.path = path

    def _found(self, keys: tuple[str, ...], default: Any) -> tuple[str, Any]:
        for key in keys:
            if self.values.get(key) is not None:
                return self.path + key, self.values[key]
        if default is _REQUIRED:
            raise InputError(
                f"{self.source}: field '{self.path}{keys[0]}' is missing{did_you_mean(keys[0], self.values)}"
            )
        return self.path + keys[0], default

    def has(self, key: str) -> bool:
        """Tell whether a field is present and not null."""
        return self.values.get(key) is not None

    def wrong(self, key: str, value: object, allowed: str) -> InputError:
        """Build the error for a field of this file that has an impossible value."""
        name = key if key.startswith(self.path) else self.path + key
        return InputError(f"{self.source}: field '{name}' (={_short(value)}) must be {allowed}")

    def integer(self, *keys: str, default: Any = _REQUIRED, minimum: int = 1, maximum: int = LARGEST_SIZE) -> int:
        """Return a whole number between ``minimum`` and ``maximum``."""
        key, value = self._found(keys, default)
        if value is default:
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            raise self.wrong(key, value, f"a whole number from {minimum} to {maximum}")
        return value

    def number(self, *keys: str, default: Any = _REQUIRED, minimum: float = 0.0, maximum: float = 1e9) -> float:
        """Return a finite number between ``minimum`` and ``maximum``."""
        key, value = self._found(keys, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not minimum <= value <= maximum:
            raise self.wrong(key, value, f"a number from {minimum:g} to {maximum:g}")
        return float(value)

    def flag(self, *keys: str, default: Any = _REQUIRED) -> bool:
        """Return true or false."""
        key, value = self._found(keys, default)
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true or false")
        return value

    def text(self, *keys: str, default: Any = _REQUIRED) -> str:
        """Return a text."""
        key, value = self._found(keys, default)
        if not isinstance(value, str):
            raise self.wrong(key, value, "a text")
        return value

    def items(self, *keys: str, default: Any = _REQUIRED, length: int | None = None) -> list[Any]:
        """Return a list, of ``length`` items where that is given."""
        key, value = self._found(keys, default)
        if not isinstance(value, (list, tuple)) or (length is not None and len(value) != length):
            raise self.wrong(key, value, "a list" + (f" of {length} items, one a layer" if length else ""))
        return list(value)

    def table(self, key: str) -> Fields:
        """Return a nested object."""
        name, value = self._found((key,), _REQUIRED)
        if not isinstance(value, dict):
            raise self.wrong(name, value, "an object")
        return Fields(value, self.source, f"{self.path}{key}.")

    def layers(self, *keys: str) -> int:
        """Return a number of layers."""
        return self.integer(*keys, maximum=LARGEST_LAYERS)

    def context(self, *keys: str, default: Any = _REQUIRED) -> int:
        """Return a context limit in tokens."""
        return self.integer(*keys, default=default, maximum=LARGEST_CONTEXT)

    def only(self, key: str, allowed: tuple[Any, ...], default: Any) -> Any:
        """Return a field whose other values would change the network in a way this reader does not know."""
        value = self.values.get(key)
        value = default if value is None else value
        if value not in allowed:
            raise self.wrong(key, value, "one of " + ", ".join(repr(each) for each in allowed) + " for this reader")
        return value


def _short(value: object) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    try:
        text = repr(value)
    except ValueError:  # an integer past Python's limit of digits
        text = "a huge number"
    return text if len(text) <= 60 else text[:57] + "..."
