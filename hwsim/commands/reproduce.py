"""`hwsim reproduce`: published systems, each row with what was given, predicted and published, and the error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwsim.errors import InputError

if TYPE_CHECKING:
    from hwsim.experiments.reproduction import Row


def reproduce(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Published systems, for example cambricon-llm.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All published systems.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON list and nothing else.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write a self-contained HTML report.")] = None,
) -> None:
    """Reproduce published systems.

    A published figure is the interval that its printed digits allow. The error is 0 inside it, else the signed
    distance to the nearer edge over that edge.
    """
    from hwsim.experiments.reproduction import list_papers
    from hwsim.experiments.reproduction import reproduce as rows_of

    if not names and not everything:
        raise InputError(f"reproduce: name a published system or give --all; known: {', '.join(list_papers())}")
    found = rows_of([*(names or []), *(list_papers() if everything else [])])
    if report is not None:
        from hwsim.experiments.reproduction_page import write_reproduction

        write_reproduction(report, found)
    if json_output:
        print(json.dumps([row.to_dict() for rows in found.values() for row in rows], allow_nan=False))
        return
    _print(found)
    if report is not None:
        print(f"Report: {report}")


def _print(found: Mapping[str, Sequence[Row]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from hwsim.experiments.reproduction_page import error_text, figure_text, given_text, median_text

    console = Console()
    for title, rows in found.items():
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        for name in ("Case", "Metric", "Given"):
            table.add_column(name, overflow="fold")
        for name in ("Predicted", "Published", "Error"):
            table.add_column(name, justify="right", overflow="fold")
        table.add_column("Source", overflow="fold")
        for row in rows:
            cells = (
                row.case, row.metric, given_text(row.given), figure_text(row.predicted, row.unit),
                f"{row.published or '-'} {row.unit}".strip(), error_text(row), row.source,
            )  # fmt: skip
            table.add_row(*(Text(cell) for cell in cells))
        console.print(Text(f"\n{title}", style="bold"))
        console.print(table)
        console.print(Text(median_text(rows)))
    console.print(Text(f"\nAll systems: {median_text([row for rows in found.values() for row in rows])}"))
