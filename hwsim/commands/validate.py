"""`hwsim validate`: the model against measured kernels, by device and operator."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from hwsim.validation.evaluation import Evaluation

SCHEMA_VERSION = 1


def validate(
    device: Annotated[list[str] | None, typer.Option(help="A measured device; may be repeated. Default: all.")] = None,
    operator: Annotated[
        list[str] | None, typer.Option(help="matmul, attention, ..., power; may be repeated. Default: all.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a self-contained HTML report.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> int:
    """Compare predictions with measured kernels.

    The target of a shape is the median over frameworks; their spread is the noise floor. On calibrated devices the
    errors are over held-out rows, which no fit has seen. Needs the extra: pip install 'hwsim[validation]'.
    `power` is the board power of kernels, in watts: steady, and as the meter of the measurements would read it; that of
    an H200 is in HWSIM_DATA_DIR, that of a B200's attention in the extra.
    """
    from hwsim.validation.tables import evaluate_all

    found = _watched(evaluate_all(device or [], operator or []))
    if report is not None:
        from hwsim.validation.page import write_validation_page

        write_validation_page(report, found)
    if json_output:
        print(json.dumps(document(found), allow_nan=False))
    else:
        _print(found, report)
    return 0


def _watched(evaluations: Iterator[Evaluation]) -> list[Evaluation]:
    """All evaluations; on a terminal, with what was just done told on stderr."""
    from rich.console import Console

    found = []
    with Console(stderr=True).status("Reading measured kernels") as status:
        for each in evaluations:
            found.append(each)
            status.update(f"{each.targets.device}: {each.targets.table}, {len(each.targets):,} kernels")
    return found


def document(found: list[Evaluation]) -> dict[str, Any]:
    """The JSON document: a row for each table of each device; errors as fractions."""
    rows = [
        {
            "device": each.targets.device, "operator": each.targets.operator, "table": each.targets.table,
            "status": each.status, "never_fitted": each.never_fitted.as_dict(), "all": each.all_rows.as_dict(),
            "held_out": each.held_out.as_dict() if each.held_out else None,
            "sizes": {label: score.as_dict() for label, score in each.sizes.items()}, "worst": each.worst(),
        }
        for each in found
    ]  # fmt: skip
    cleaned: dict[str, Any] = _finite({"schema_version": SCHEMA_VERSION, "rows": rows})
    return cleaned


def _finite(value: Any) -> Any:
    """Numbers that JSON has no word for become null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print(found: list[Evaluation], report: Path | None) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from hwsim.validation.page import HEADERS, cells

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in ("device", "operator", "status", "rows"):
        table.add_column(name, no_wrap=True)
    for name in HEADERS:
        table.add_column(name, justify="right", no_wrap=True)
    for each in found:
        kind = "held out" if each.status == "calibrated" and each.held_out else "all"
        table.add_row(each.targets.device, each.targets.table, each.status, kind, *cells(each.never_fitted))
        for label, score in each.sizes.items():
            table.add_row("", "", "", label, *cells(score), style="dim")
    console.print(table)
    console.print("Errors are |predicted - measured| / measured; nearest, fastest: against one framework's value;")
    console.print("in range: predictions between the fastest and the slowest framework; noise floor: their spread.")
    if report is not None:
        console.print(f"Report: {report}", soft_wrap=True)
