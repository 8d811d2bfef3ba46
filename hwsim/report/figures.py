"""Figures of a run: where time or energy goes. Plotly is imported when a figure is built, not before."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwsim.report.quantities import count, quantity, share
from hwsim.result import OperatorResult, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go  # type: ignore[import-untyped]

# One colour for each bound, readable on white and on dark paper; the style sheet's variables are near these.
BOUND_COLORS = {"compute": "#e08a1e", "memory": "#3f8fe0", "cache": "#35b07f", "link": "#c267b6", "launch": "#d9564d"}
FONT = {"family": "system-ui, -apple-system, Segoe UI, Roboto, Liberation Sans, Arial, sans-serif", "size": 13}
CLEAR = "rgba(0,0,0,0)"
BARS_SHOWN = 14  # operators with a bar of their own; the smaller rest share one
BAR_HEIGHT_PX = 24
VALUE_PX = 128  # right of the bars, for the value of the longest


def base_layout(**more: Any) -> dict[str, Any]:
    """Return the layout every figure shares: clear background, quiet axes, no zoom by accident."""
    return {
        "paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR, "font": FONT, "dragmode": False, "template": "none",
        "hoverlabel": {"bgcolor": "#f5f7f9", "bordercolor": "#9aa5b1", "font": {**FONT, "color": "#1b1f24"},
                       "align": "left"},
        **more,
    }  # fmt: skip


def operator_hover(operator: OperatorResult, result: Result) -> str:
    """Describe an operator for the hover label, with every number; names are escaped."""
    whole = sum(each.latency_s for each in result.operators)
    lines = [
        f"<b>{html.escape(operator.name)}</b> ({html.escape(operator.kind)}, {html.escape(result.phase)})",
        f"{quantity(operator.latency_s, 's')} in {count(operator.count)} calls,"
        f" {share(operator.latency_s, whole)} of the time",
        f"{quantity(operator.flops, 'FLOP')}, {quantity(operator.bytes, 'B')}, {quantity(operator.energy_j, 'J')}",
    ]
    if operator.latency_s > 0:
        lines.append(
            f"reaches {quantity(operator.flops / operator.latency_s, 'FLOP/s')}"
            f" and {quantity(operator.bytes / operator.latency_s, 'B/s')}"
        )
    parts = (
        (name, getattr(operator, f"{name}_s")) for name in ("compute", "memory", "cache", "link", "fixed", "runtime")
    )
    listed = ", ".join(f"{name} {quantity(seconds, 's')}" for name, seconds in parts if seconds > 0)
    lines.append(f"bound by {html.escape(operator.bound)}" + (f"; on its own: {listed}" if listed else ""))
    return "<br>".join(lines)


def time_bars(result: Result) -> go.Figure:
    """Bars of the seconds each operator takes, longest first, coloured by what bounds it."""
    return _bars(result, "latency_s", "s", "Time by operator")


def energy_bars(result: Result) -> go.Figure:
    """Bars of the joules each operator takes, largest first, coloured by what bounds its time."""
    return _bars(result, "energy_j", "J", "Energy by operator")


def _bars(result: Result, field: str, unit: str, title: str) -> go.Figure:
    import plotly.graph_objects as go

    ranked = sorted(result.operators, key=lambda operator: -getattr(operator, field))
    shown, rest = _split_small(ranked)
    values = [getattr(operator, field) for operator in shown]
    names = [operator.name for operator in shown]
    colors = [BOUND_COLORS.get(operator.bound, "#8a94a0") for operator in shown]
    hovers = [operator_hover(operator, result) for operator in shown]
    if rest:
        values.append(sum(getattr(operator, field) for operator in rest))
        names.append(f"{len(rest)} smaller operators")
        colors.append("#8a94a0")
        hovers.append("<br>".join(f"{html.escape(o.name)}: {quantity(getattr(o, field), unit)}" for o in rest))
    whole = sum(getattr(operator, field) for operator in result.operators)
    places = list(range(len(values)))
    figure = go.Figure(
        go.Bar(
            x=values, y=places, orientation="h", marker={"color": colors, "line": {"width": 0}}, cliponaxis=False,
            text=[f" {quantity(value, unit)} · {share(value, whole)}" for value in values], textposition="outside",
            hovertext=hovers, hoverinfo="text",
        )
    )  # fmt: skip
    largest = max(values, default=0.0) or 1.0
    figure.update_layout(**base_layout(
        title={"text": f"<b>{title}</b>", "x": 0, "xanchor": "left", "xref": "container", "font": {"size": 14}},
        bargap=0.3, height=56 + BAR_HEIGHT_PX * max(len(values), 1), showlegend=False,
        margin={"l": 8, "r": VALUE_PX, "t": 36, "b": 12},
        xaxis={"visible": False, "range": [0, largest], "fixedrange": True},
        yaxis={"tickvals": places, "ticktext": [_short(name) + "  " for name in names], "autorange": "reversed",
               "automargin": True, "showgrid": False, "zeroline": False, "fixedrange": True, "ticks": ""},
    ))  # fmt: skip
    return figure


def _split_small(ranked: Sequence[OperatorResult]) -> tuple[Sequence[OperatorResult], Sequence[OperatorResult]]:
    return (ranked, ()) if len(ranked) <= BARS_SHOWN + 1 else (ranked[:BARS_SHOWN], ranked[BARS_SHOWN:])


def _short(name: str, longest: int = 26) -> str:
    return html.escape(name if len(name) <= longest else name[: longest - 1] + "…")
