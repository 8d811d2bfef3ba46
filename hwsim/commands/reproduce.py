"""`hwsim reproduce`: published systems, each row with what was given, predicted and published, and the error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwsim.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

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
    """One table a system, as narrow as a terminal; what was given and the sources stand numbered below it."""
    from rich.console import Console
    from rich.text import Text

    from hwsim.experiments.reproduction_page import summary_text

    console = Console()
    for title, rows in found.items():
        console.print(Text(f"\n{title}", style="bold"))
        _print_rows(console, rows)
        console.print(Text(summary_text(rows)), soft_wrap=True)
    every = [row for rows in found.values() for row in rows]
    console.print(Text(f"\nAll systems: {summary_text(every)}"), soft_wrap=True)


def _print_rows(console: Console, rows: Sequence[Row]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from hwsim.experiments.reproduction_page import error_text, figure_text, given_text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in ("Case", "Metric"):
        table.add_column(name, min_width=11)
    for name in ("Predicted", "Published", "Error"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("From", justify="right", no_wrap=True)
    given: dict[str, int] = {}
    sources: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for row in rows:
        first = given.setdefault(given_text(row.given), len(given) + 1)
        second = sources.setdefault(row.source, len(sources) + 1)
        reason = "" if row.judged or not row.note else str(reasons.setdefault(row.note, len(reasons) + 1))
        cells = (
            row.case, row.metric, figure_text(row.predicted, row.unit), f"{row.published or '-'} {row.unit}".strip(),
            error_text(row).replace(" (context)", f"*{reason}"), f"g{first} [{second}]",
        )  # fmt: skip
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    console.print(Text("* context: recalled, given to the model or not published; never judged", style="dim"))
    for text, number in reasons.items():
        console.print(Text(f"*{number}: {text}", style="dim"), soft_wrap=True)
    for text, number in given.items():
        console.print(Text(f"g{number}: {text or 'nothing beside the device'}", style="dim"), soft_wrap=True)
    for text, number in sources.items():
        console.print(Text(f"[{number}] {text}", style="dim"), soft_wrap=True)
