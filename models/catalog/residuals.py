"""How far predictions are off on published systems, for families that nothing measured kernel by kernel."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

from hwsim.intervals import EDGES_S, EVERY_OPERATOR, Residuals
from hwsim.models.catalog import files


@lru_cache
def published_residuals() -> dict[str, Residuals]:
    """One range for every operator: the outermost quantiles over published systems, of any latency."""
    path = Path(__file__).parent / "residuals" / "published.toml"
    if not path.is_file():  # before its command has run for the first time
        return {}
    table = files.parse(files.read_text(path), path.name)
    classes = len(EDGES_S) + 1
    known = Residuals(
        low=(table["low"],) * classes, high=(table["high"],) * classes, shortest_s=0.0, longest_s=math.inf
    )
    return {EVERY_OPERATOR: known}
