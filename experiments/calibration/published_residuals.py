"""Write how far predictions are off on published systems: the 10-90 % interval of a family that nothing measured.

    python -m hwsim.experiments.calibration.published_residuals              # prints the table
    python -m hwsim.experiments.calibration.published_residuals --in-place   # writes it in a checkout

Published over predicted time of every judged row that is a time or a rate. A device of one's own is a new system, so
that the interval is that of the system predicted worst on either side: the lowest 10 % and the highest 90 % quantile
over systems, not those of all rows together, of which many belong to systems that the models were built beside.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hwsim.experiments.command import exit_status
from hwsim.experiments.reproduction import Row, list_papers, paper_rows
from hwsim.models.catalog import files

TIMES, RATES = ("s", "ms", "us"), ("token/s", "TFLOPS")
FEWEST = 5  # rows of a system that has quantiles of its own
COMMAND = "python -m hwsim.experiments.calibration.published_residuals"


def time_ratios(rows: Sequence[Row]) -> list[float]:
    """Published over predicted time of the judged rows that are a time or a rate.

    >>> time_ratios([Row(system="a", case="", metric="", unit="ms", predicted=2.0, published="3", source="")])
    [1.5]
    """
    ratios = []
    for row in rows:
        published, predicted = row.published_value, row.predicted
        if row.judged and published and predicted and row.unit in (*TIMES, *RATES):
            ratios.append(published / predicted if row.unit in TIMES else predicted / published)
    return ratios


def outermost(ratios: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    """The lowest 10 % and the highest 90 % quantile over systems of at least `FEWEST` rows.

    >>> outermost({"a": [1.0] * 5, "b": [0.9] * 5, "c": [1.4] * 5, "few": [9.0]})
    (0.9, 1.4)
    """
    known = [np.quantile(values, (0.1, 0.9)) for values in ratios.values() if len(values) >= FEWEST]
    return float(min(low for low, _ in known)), float(max(high for _, high in known))


def table(ratios: Mapping[str, Sequence[float]]) -> str:
    """The TOML text."""
    low, high = outermost(ratios)
    lines = [
        "# Published over predicted time, the outermost 10 and 90 % quantiles over published systems.",
        f"# fitted: {COMMAND}",
        f"low = {low:.3f}", f"high = {high:.3f}", "", "[rows]  # judged times and rates of each system",
        *(f"{name} = {len(values)}" for name, values in ratios.items() if len(values) >= FEWEST),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, or write it in a checkout."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--in-place", action="store_true", help="write models/catalog/residuals/published.toml")
    text = table({name: time_ratios(paper_rows(name)[1]) for name in list_papers()})
    if parser.parse_args(arguments).in_place:
        (Path(files.__file__).parent / "residuals" / "published.toml").write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
