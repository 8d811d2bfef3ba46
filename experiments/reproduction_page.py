"""The page of `hwsim reproduce`: predicted against published on log axes, then every row with its source."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.experiments.reproduction import WITHIN, Row, error_summary
from hwsim.report.figures import base_layout
from hwsim.report.fragments import table
from hwsim.report.page import Section, write_page
from hwsim.report.quantities import significant

if TYPE_CHECKING:
    import plotly.graph_objects as go  # type: ignore[import-untyped]

COLUMNS = ("Case", "Metric", "Given", "Predicted", "Published", "Error", "Source")
LEAD = (
    "A published figure is the interval that its printed digits allow; the error is 0 inside it, else the signed "
    "distance to the nearer edge over that edge.\n"
    "Context rows, among them recalled figures and figures that the model was given, are marked and not judged."
)


def error_text(row: Row) -> str:
    """The error in per cent with its sign; a row that is not judged says so."""
    text = "-" if row.error is None else "0 %" if row.error == 0.0 else f"{100.0 * row.error:+.1f} %"
    return text if row.judged else f"{text} (context)"


def given_text(given: Mapping[str, Any]) -> str:
    """The given inputs on one line."""
    return ", ".join(f"{key} {value}" for key, value in given.items())


def figure_text(value: float | None, unit: str) -> str:
    """A figure to three digits with its unit."""
    return "-" if value is None else f"{significant(value)} {unit}".strip()


def summary_text(rows: Sequence[Row]) -> str:
    """The absolute errors of the judged rows in words: a median alone would hide the rows that are far off."""
    found = error_summary(rows)
    if found is None:
        return "no judged rows"
    return (
        f"median absolute error {100.0 * found.median:.1f} % of {found.rows} judged rows; mean "
        f"{100.0 * found.mean:.1f} %, 90th percentile {100.0 * found.ninetieth:.1f} %, "
        f"{found.within} within {100.0 * WITHIN:.0f} %"
    )


def write_reproduction(path: str | Path, found: Mapping[str, Sequence[Row]]) -> Path:
    """Write the page.

    Raises
    ------
    InputError : the file cannot be written
    """
    every = [row for rows in found.values() for row in rows]
    note = _sentence(every) + " Filled marks are judged, hollow ones are context; the line is equality."
    sections = [Section("Predicted against published", scatter(found), note)]
    sections += [Section(title, _table(rows), _sentence(rows)) for title, rows in found.items()]
    return write_page(path, "Published systems reproduced", sections, LEAD)


def _sentence(rows: Sequence[Row]) -> str:
    text = summary_text(rows)
    return f"{text[0].upper()}{text[1:]}."


def _table(rows: Sequence[Row]) -> str:
    return table(COLUMNS, [
        (row.case, row.metric, given_text(row.given), figure_text(row.predicted, row.unit),
         f"{row.published or '-'} {row.unit}".strip(), error_text(row), "; ".join(filter(None, (row.source, row.note))))
        for row in rows
    ])  # fmt: skip


def scatter(found: Mapping[str, Sequence[Row]]) -> go.Figure:
    """Predicted over published of every positive row, log axes, judged rows filled, with the line of equality."""
    import plotly.graph_objects as go

    figure = go.Figure()
    ends: list[float] = []
    for title, rows in found.items():
        shown = [row for row in rows if (row.predicted or 0.0) > 0.0 and (row.published_value or 0.0) > 0.0]
        if not shown:
            continue
        x, y = [row.published_value or 0.0 for row in shown], [row.predicted or 0.0 for row in shown]
        ends += [*x, *y]
        figure.add_trace(go.Scatter(
            x=x, y=y, mode="markers", name=html.escape(title.partition(":")[0]),
            marker={"size": 9, "symbol": ["circle" if row.judged else "circle-open" for row in shown]},
            hovertext=[
                html.escape(f"{r.case}, {r.metric}: {figure_text(r.predicted, r.unit)}, published {r.published}")
                for r in shown
            ],
            hoverinfo="text",
        ))  # fmt: skip
    if ends:
        line = [min(ends) / 1.5, max(ends) * 1.5]
        figure.add_trace(go.Scatter(
            x=line, y=line, mode="lines", line={"color": "#8a94a0", "width": 1}, hoverinfo="skip", showlegend=False,
        ))  # fmt: skip
    axis = {"type": "log", "automargin": True, "fixedrange": True, "gridcolor": "#e6e9ed", "exponentformat": "power"}
    figure.update_layout(**base_layout(
        height=480, margin={"l": 8, "r": 8, "t": 12, "b": 8}, legend={"orientation": "h", "y": -0.18},
        xaxis={**axis, "title": "published, each in its unit"}, yaxis={**axis, "title": "predicted"},
    ))  # fmt: skip
    return figure
