"""A plain table on the terminal: text under headings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def assignments(values: Mapping[str, int]) -> str:
    """Return parameters as ``NAME=VALUE NAME=VALUE``."""
    return " ".join(f"{name}={value}" for name, value in values.items())


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text under headings; markup in a cell is printed as it is."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
