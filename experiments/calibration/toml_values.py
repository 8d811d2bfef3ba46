"""Put fitted values into a catalog file's text, each with its provenance, and leave every other line as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hwsim.errors import InputError

_HEADER = re.compile(r"\s*\[([\w.-]+)\]\s*(?:#.*)?")


def with_values(text: str, values: Mapping[str, str], comment: str) -> str:
    """Return the text with the values at some TOML paths replaced, ``# comment`` behind each.

    >>> with_values('a = 1  # guess\\n[t]\\nb = "2 s"\\n', {"t.b": '"3 s"'}, "fitted")
    'a = 1  # guess\\n[t]\\nb = "3 s"  # fitted\\n'

    Raises
    ------
    InputError : the text does not state one of the paths
    """
    lines, table, missing = [], "", set(values)
    for line in text.splitlines():
        header = _HEADER.fullmatch(line)
        if header:
            table = header[1] + "."
        key = line.partition("=")[0].strip()
        path = table + key
        if path in values and not header:
            missing.discard(path)
            line = f"{key} = {values[path]}  # {comment}"
        lines.append(line)
    if missing:
        raise InputError(f"calibration: the file does not state {', '.join(sorted(missing))}")
    return "\n".join(lines) + "\n"
