"""Tables for the terminal: one result in full, or several side by side."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from hwsim.hardware import System
from hwsim.report.quantities import quantity, share, significant
from hwsim.report.summary import (
    OPERATOR_COLUMNS,
    bound_seconds,
    devices_used,
    how_text,
    interval_text,
    operator_cells,
    tokens,
    totals,
    workload_text,
)
from hwsim.result import Result

BOUND_STYLES = {"compute": "yellow", "memory": "cyan", "cache": "green", "link": "magenta", "launch": "red"}
WIDE_COLUMNS = 92  # from this width on the energy of each operator is shown too


def print_result(result: Result, system: System, console: Console) -> None:
    """Print one result: what was asked, a row for each operator in graph order, then the totals.

    Columns are totals over the operator's count; times in seconds, energy in joules, with SI prefixes.
    """
    console.print()
    console.print(_title(result))
    console.print(Text(how_text(result), style="dim"))
    _print_trimmed(_operator_table(result, console.width), console)
    _print_trimmed(Padding(_totals_grid(totals(result, system)), (0, 0, 0, 1)), console)
    _print_warnings([(result, "")], console)


def print_comparison(results: Sequence[Result], console: Console) -> None:
    """Print two or more results side by side: a column for each, and how each compares with the first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    table.add_column("Side by side", style="dim", no_wrap=True)
    for header in column_headers(results):
        table.add_column(Text(header), justify="right", overflow="fold")
    for label, *cells in comparison_rows(results):
        table.add_row(label, *(Text(cell) for cell in cells))
    console.print()
    _print_trimmed(Padding(table, (0, 0, 1, 1)), console)


def comparison_rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """Return (label, text of each result) rows; a row that applies to no result is left out."""
    reference, devices = results[0].latency_s, [devices_used(result) for result in results]
    same_phase = len({result.phase for result in results}) == 1
    rows = [
        ("Latency", *(quantity(r.latency_s, "s") for r in results)),
        ("10-90 %", *(interval_text(r) for r in results)),
    ]
    if same_phase and reference > 0:
        rows.append(("Speed against the first", *(f"{significant(reference / r.latency_s)}x" for r in results)))
    rows += [
        ("Time to first token", *(quantity(r.time_to_first_token_s, "s") for r in results)),
        ("Time per output token", *(quantity(r.time_per_output_token_s, "s") for r in results)),
        ("Tokens/s", *("-" if r.tokens_per_s is None else significant(r.tokens_per_s) for r in results)),
        ("Samples/s", *("-" if r.samples_per_s is None else significant(r.samples_per_s) for r in results)),
        ("Energy", *(quantity(r.energy_j, "J") for r in results)),
        ("Energy a token", *(_per_token(r) for r in results)),
        ("Average power", *(quantity(r.energy_j / r.latency_s, "W") if r.latency_s else "-" for r in results)),
        ("Mostly bound by", *(_main_bound(r) for r in results)),
        ("Share of peak FLOP/s", *(share(r.flops_share) for r in results)),
        ("Share of peak bandwidth", *(share(r.bandwidth_share) for r in results)),
        (
            "Peak memory" if max(devices) == 1 else "Peak memory, each device",
            *(quantity(r.peak_memory_bytes, "B") for r in results),
        ),
        ("Devices", *("-" if max(devices) == 1 else str(number) for number in devices)),
        ("Largest batch", *("-" if r.largest_batch is None else f"{r.largest_batch:,}" for r in results)),
        ("Basis", *(r.basis for r in results)),
    ]
    return [row for row in rows if set(row[1:]) != {"-"}]


def _print_trimmed(table: RenderableType, console: Console) -> None:
    """Print without the blanks that rich pads lines with, so that piped text stays clean."""
    for line in console.render_lines(table, pad=False):
        while line and not line[-1].text.strip():
            line.pop()
        if line:
            line[-1] = line[-1]._replace(text=line[-1].text.rstrip())
        console.print(Segments([*line, Segment.line()]), end="")


def _per_token(result: Result) -> str:
    number = tokens(result)
    return quantity(result.energy_j / number, "J") if number else "-"


def _main_bound(result: Result) -> str:
    bounds = bound_seconds(result)
    if not bounds:
        return "-"
    bound, seconds = next(iter(bounds.items()))
    return f"{bound} {share(seconds, sum(bounds.values()))}"


def column_headers(results: Sequence[Result]) -> list[str]:
    """Name each result by what differs between them, a line for each field."""
    fields = [name for name in ("network", "device", "phase") if len({getattr(r, name) for r in results}) > 1]
    return ["\n".join(getattr(r, name) for name in fields or ["device"]) for r in results]


def _title(result: Result) -> Text:
    return Text.assemble(
        (result.network, "bold"), " on ", (result.device, "bold"), ": ", workload_text(result), overflow="fold"
    )


def _operator_table(result: Result, width: int) -> Table:
    wide = width >= WIDE_COLUMNS
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_footer=True, footer_style="bold",
        padding=(0, 1) if wide else (0, 1, 0, 0),
    )  # fmt: skip
    for column, foot in zip(OPERATOR_COLUMNS, footer_cells(result), strict=True):
        if column == "Energy" and not wide:
            continue
        left = column in ("Operator", "Bound")
        table.add_column(
            column, Text(foot), justify="left" if left else "right", no_wrap=column != "Operator",
            overflow="fold" if column == "Operator" else "ellipsis",
        )  # fmt: skip
    for operator in result.operators:
        cells = [Text(cell) for cell in operator_cells(operator, result)]
        cells[-1].stylize(BOUND_STYLES.get(operator.bound, ""))
        columns = zip(cells, OPERATOR_COLUMNS, strict=True)
        table.add_row(*(cell for cell, column in columns if wide or column != "Energy"))
    return table


def footer_cells(result: Result) -> tuple[str, ...]:
    operators = result.operators
    flops = quantity(sum(each.flops for each in operators), "FLOP").removesuffix("FLOP").strip()
    return (
        "all", f"{sum(each.count for each in operators):,}", quantity(sum(each.latency_s for each in operators), "s"),
        "100 %", flops, quantity(sum(each.bytes for each in operators), "B"),
        quantity(sum(each.energy_j for each in operators), "J"), "",
    )  # fmt: skip


def _totals_grid(rows: Sequence[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in rows:
        grid.add_row(label, Text(text))
    return grid


def _print_warnings(results: Sequence[tuple[Result, str]], console: Console) -> None:
    for result, prefix in results:
        for warning in result.warnings:
            console.print(Text.assemble((" Warning", "bold yellow"), f"  {prefix}{warning}"))
