"""`hwsim sweep`: evaluate a grid of devices and workloads, keep every point, find the Pareto front."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwsim.errors import InputError

if TYPE_CHECKING:
    from hwsim.explore.run import Outcome, Progress

FRONT_SHOWN = 12


def sweep(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The sweep file (TOML): network, device, [vary], ...")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results; default: SPEC-sweep.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a folder that this sweep began.")] = False,
    workers: Annotated[int, typer.Option(help="Threads; default: all cores.")] = 0,
    report: Annotated[Path | None, typer.Option(help="Where the HTML report goes; default: in the folder.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> int:
    """Sweep fields of a device and of a workload over a grid.

    Every point goes to OUT/points/*.parquet, the Pareto front to OUT/pareto.parquet, a page to OUT/report.html.
    Ctrl-C keeps what is done; --resume goes on.
    """
    from hwsim.explore.report import write_sweep_report
    from hwsim.explore.run import run_sweep
    from hwsim.explore.spec import read_sweep

    if workers < 0:
        raise InputError(f"--workers {workers}: must be 1 or more (0: all cores)")
    read = read_sweep(spec)
    folder = out or Path(f"{spec.stem}-sweep")
    with _progress() as progress:
        outcome = run_sweep(read, folder, resume, workers or None, progress)
    page = report or folder / "report.html"
    write_sweep_report(page, outcome)
    if json_output:
        print(json.dumps(document(outcome, page), allow_nan=False))
    else:
        _print(outcome, page)
    if outcome.interrupted:
        again = f"hwsim sweep {spec} --out {folder} --resume"
        kept = f"interrupted after {outcome.done:,} of {outcome.points:,} points, all kept"
        raise typer.Abort(f"{kept}; go on with: {again}")
    return 0


def document(outcome: Outcome, page: Path) -> dict[str, Any]:
    """The sweep as one JSON document; the front's points carry every column."""
    front = [] if outcome.front is None else outcome.front.to_pylist()
    return {
        "schema_version": 1, "network": outcome.plan.network.name, "device": outcome.plan.system.name,
        "phase": outcome.plan.spec.phase, "points": outcome.points, "done": outcome.done,
        "fitting": outcome.fitting, "feasible": outcome.feasible, "interrupted": outcome.interrupted,
        "seconds": outcome.seconds, "points_per_s": outcome.points_per_s,
        "objectives": dict(outcome.plan.spec.objectives),
        "out": str(outcome.folder), "report": str(page), "front": front,
    }  # fmt: skip


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on standard error where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda what, done, points: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda what, done, points: bar.update(task, description=what, completed=done, total=points)


def _print(outcome: Outcome, page: Path) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from hwsim.explore.report import front_columns, front_rows, summary_rows

    console = Console()
    console.print(f"\n{outcome.plan.network.name} on variants of {outcome.plan.system.name}: {outcome.plan.spec.phase}")
    rows = front_rows(outcome, FRONT_SHOWN)
    if rows:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for name in front_columns(outcome):
            table.add_column(name.removeprefix("device."), justify="right", overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print(table)
        more = 0 if outcome.front is None else len(outcome.front) - len(rows)
        console.print(f"{more:,} more points of the front in {outcome.folder / 'pareto.parquet'}\n" if more > 0 else "")
    else:
        console.print("No point is feasible: none fits in memory and meets the constraints.\n")
    for label, text in summary_rows(outcome):
        console.print(f"{label:<22}{text}", highlight=False)
    console.print(f"{'Points in':<22}{outcome.folder / 'points'}\n{'Report':<22}{page}\n", highlight=False)
