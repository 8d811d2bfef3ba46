"""A sweep's page: every point by two objectives, the Pareto front among them, and its points as a table."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from hwsim.explore.run import Outcome
from hwsim.report.figures import base_layout
from hwsim.report.fragments import pairs_table
from hwsim.report.page import Section, write_page
from hwsim.report.quantities import count, quantity, share, significant

if TYPE_CHECKING:
    import plotly.graph_objects as go  # type: ignore[import-untyped]

ROWS_SHOWN = 60
FEASIBLE, RULED_OUT, FRONT = "#7fa8d6", "#c3cad2", "#d9480f"
FLAGS = ("fits", "feasible")


def write_sweep_report(path: Path, outcome: Outcome) -> Path:
    """Write the page of a sweep; returns its path.

    Raises
    ------
    InputError : the file cannot be written
    """
    spec = outcome.plan.spec
    title = f"{outcome.plan.network.name} on variants of {outcome.plan.system.name}"
    lead = f"{spec.phase}, {outcome.done:,} of {outcome.points:,} points" + (
        ", interrupted" if outcome.interrupted else ""
    )
    sections = [Section("", pairs_table(summary_rows(outcome)))]
    if outcome.front is not None and len(outcome.front):
        sections += [
            Section("Pareto front", front_figure(outcome), _figure_note(outcome)),
            Section("Points of the front", front_table(outcome), _table_note(outcome.front)),
        ]
    sections.append(Section("The sweep file", f"<pre>{html.escape(spec.path.read_text(encoding='utf-8'))}</pre>"))
    return write_page(path, title, sections, lead)


def summary_rows(outcome: Outcome) -> list[tuple[str, str]]:
    """What was swept and what came of it, as (label, text)."""
    spec = outcome.plan.spec
    wanted = ", ".join(f"{name} {way}" for name, way in spec.objectives.items())
    front = 0 if outcome.front is None else len(outcome.front)
    rows = [
        ("Points", f"{outcome.done:,}" + (f" of {outcome.points:,}" if outcome.interrupted else "")),
        ("Fit in memory", f"{outcome.fitting:,} ({share(outcome.fitting, outcome.done or 1)})"),
    ]
    if spec.constraints:
        rows.append(("Meet the constraints", f"{outcome.feasible:,} ({share(outcome.feasible, outcome.done or 1)})"))
    rows.append(("Pareto front", f"{front:,} point{'' if front == 1 else 's'} ({wanted})"))
    if outcome.evaluated:
        rows.append(("Speed", f"{significant(outcome.points_per_s)} points/s"))
    return rows


def shown(value: Any, unit: str) -> str:
    """A value of a column as text with its unit."""
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return "-"
    if unit:
        return quantity(float(value), unit)
    return count(value) if float(value).is_integer() else significant(value, 4)


def front_columns(outcome: Outcome) -> list[str]:
    """Columns worth a place in a table of the front: the axes, the objectives, latency and the rate."""
    spec = outcome.plan.spec
    rate = "samples_per_s" if spec.phase == "forward" else "tokens_per_s"
    return list(dict.fromkeys([*spec.axis_names, *spec.objectives, "latency_s", rate]))


def front_rows(outcome: Outcome, limit: int) -> list[list[str]]:
    """The first points of the front as texts, in the order of the first objective."""
    if outcome.front is None:
        return []
    units, names = outcome.plan.units(), front_columns(outcome)
    table = outcome.front.slice(0, limit).to_pylist()
    return [[shown(row[name], units.get(name, "")) for name in names] for row in table]


def front_table(outcome: Outcome) -> str:
    """The front as an HTML table."""
    heads = "".join(f"<th>{html.escape(name.removeprefix('device.'))}</th>" for name in front_columns(outcome))
    lines = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>"
        for row in front_rows(outcome, ROWS_SHOWN)
    )
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'


def front_figure(outcome: Outcome) -> go.Figure:
    """A sample of the points by two objectives (or the first axis and the one objective), the front on top."""
    import plotly.graph_objects as go

    names = list(outcome.plan.spec.objectives)
    x, y = (names[0], names[1]) if len(names) > 1 else (_numeric_axis(outcome), names[0])
    sample = pa.concat_tables(outcome.sample)
    figure = go.Figure()
    feasible = sample["feasible"].to_numpy()
    for name, wanted, color in (("ruled out", False, RULED_OUT), ("feasible", True, FEASIBLE)):
        part = sample.filter(pa.array(feasible == wanted))
        if len(part):
            figure.add_trace(_marks(outcome, part, x, y, name, {"color": color, "size": 5, "opacity": 0.7}))
    marks = _marks(outcome, outcome.front, x, y, "Pareto front", {"color": FRONT, "size": 8})
    figure.add_trace(marks.update(mode="lines+markers" if len(names) == 2 else "markers"))
    figure.update_layout(**base_layout(
        height=460, margin={"l": 70, "r": 20, "t": 30, "b": 60}, legend={"orientation": "h", "y": 1.08, "x": 0},
        xaxis=_axis_layout(outcome, sample, x), yaxis=_axis_layout(outcome, sample, y),
    ))  # fmt: skip
    return figure


def _marks(outcome: Outcome, table: pa.Table, x: str, y: str, name: str, marker: dict[str, Any]) -> go.Scatter:
    import plotly.graph_objects as go

    units = outcome.plan.units()
    hovers = [
        "<br>".join(f"{html.escape(key)}: {html.escape(shown(v, units.get(key, '')))}" for key, v in row.items()
                    if key not in FLAGS)
        for row in table.to_pylist()
    ]  # fmt: skip
    return go.Scatter(
        x=table[x].to_pylist(), y=table[y].to_pylist(), mode="markers", name=name, marker=marker, hovertext=hovers,
        hoverinfo="text", line={"color": FRONT, "width": 1.5, "shape": "hv"},
    )  # fmt: skip


def _axis_layout(outcome: Outcome, sample: pa.Table, name: str) -> dict[str, Any]:
    unit = outcome.plan.units().get(name, "")
    values = [value for value in sample[name].to_pylist() if not isinstance(value, str)]
    wide = bool(values) and min(values) > 0.0 and max(values) / min(values) > 20.0
    title = name.removeprefix("device.").removesuffix("_s" if unit == "s" else f"_{unit.lower()}").replace("_", " ")
    ticks = {"tickformat": "~s", "ticksuffix": unit} if unit else {"exponentformat": "SI"}
    return {
        "title": {"text": f"{title} ({unit})" if unit else title, "standoff": 12}, "automargin": True,
        "type": "log" if wide else "linear", "zeroline": False, **ticks,
    }  # fmt: skip


def _numeric_axis(outcome: Outcome) -> str:
    return next(iter(outcome.plan.device_axes), outcome.plan.spec.axis_names[0])


def _figure_note(outcome: Outcome) -> str:
    drawn = sum(map(len, outcome.sample))
    note = f"{drawn:,} of {outcome.done:,} points are drawn, evenly over the grid; the front is that of all points."
    return note + " Point at a mark for its numbers."


def _table_note(front: Sequence[Any]) -> str:
    if len(front) <= ROWS_SHOWN:
        return ""
    return f"The first {ROWS_SHOWN} of {len(front):,}; all of them are in pareto.parquet."
