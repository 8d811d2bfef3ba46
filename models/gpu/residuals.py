"""Read the quantiles of measured over predicted that `hwsim.intervals` turns into bounds."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from hwsim.intervals import Residuals
from hwsim.models.catalog import files


@lru_cache
def residuals(status: str) -> dict[str, Residuals]:
    """Residuals by operator and width for a latency status; every status but calibrated takes the zero-shot ones."""
    path = Path(files.__file__).parent / "residuals" / "gpu.toml"
    if not path.is_file():
        return {}
    tables = files.parse(files.read_text(path), path.name)["calibrated" if status == "calibrated" else "zero-shot"]
    return {
        f"{kind} {width}": Residuals(
            low=tuple(table["low"]), high=tuple(table["high"]), shortest_s=table["shortest_s"],
            longest_s=table["longest_s"],
        )
        for kind, widths in tables.items()
        for width, table in widths.items()
    }  # fmt: skip
