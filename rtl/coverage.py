"""Line and toggle coverage from Verilator's coverage file."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path


def read_coverage(file: Path) -> tuple[float | None, float | None, tuple[str, ...]]:
    """Fractions of lines and of toggles that were reached, and the lines that were not, as ``file:line``.

    A record is ``C '<key 0x01><name 0x02><value>...' <hits>``; ``f`` is the file, ``l`` the line, ``page`` starts with
    ``v_line``, ``v_branch`` or ``v_toggle``, ``S`` holds the lines that a block spans. The same line of all instances
    of a module counts as reached when it was reached in one.
    """
    lines: dict[tuple[str, int], int] = defaultdict(int)
    toggles: dict[tuple[str, ...], int] = defaultdict(int)
    for text in file.read_text(errors="replace").splitlines() if file.exists() else []:
        found = re.match(r"C '(.*)' (\d+)$", text)
        if not found:
            continue
        keys = dict(part.split("\x02", 1) for part in found[1].split("\x01") if "\x02" in part)
        kind, hits = keys.get("page", ""), int(found[2])
        name = Path(keys.get("f", "")).name
        if kind.startswith("v_toggle"):
            toggles[(name, keys.get("l", ""), keys.get("o", ""))] += hits
        elif kind.startswith(("v_line", "v_branch")):
            for line in _span(keys.get("S", ""), int(keys.get("l", "0"))):
                lines[(name, line)] += hits
    missed = tuple(f"{name}:{line}" for (name, line), hits in sorted(lines.items()) if not hits)
    return _fraction(lines.values()), _fraction(toggles.values()), missed


def _fraction(hits: object) -> float | None:
    counts = list(hits)  # type: ignore[call-overload]
    return sum(1 for count in counts if count) / len(counts) if counts else None


def _span(text: str, line: int) -> list[int]:
    """Lines of a block written ``12,14-16``.

    >>> _span("12,14-16", 12)
    [12, 14, 15, 16]
    """
    if not text:
        return [line]
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found
