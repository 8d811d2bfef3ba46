"""Which tables of a version repeat those of another one: the few lines of its ``reuse.yaml`` that matter."""

from __future__ import annotations

import re
from pathlib import Path

_ENTRY = re.compile(r"^\s*(?:-\s*)?(table|from_version)\s*:\s*['\"]?([^'\"#\s]+)")


def donors(folder: Path) -> dict[str, str]:
    """Table name -> version whose rows it repeats, as ``reuse.yaml`` in a version's folder declares; else empty."""
    file = folder / "reuse.yaml"
    if not file.is_file():
        return {}
    found: dict[str, str] = {}
    table = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        entry = _ENTRY.match(line)
        if entry and entry[1] == "table":
            table = entry[2]
        elif entry and table:
            found[table] = entry[2]
    return found
