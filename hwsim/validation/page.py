"""The validation page: predicted against measured on log axes, errors by size, and the worst offenders with reasons."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hwsim.report.figures import BOUND_COLORS, base_layout
from hwsim.report.page import Part, write_page
from hwsim.report.quantities import quantity
from hwsim.validation.evaluation import Evaluation
from hwsim.validation.scoring import Score

if TYPE_CHECKING:
    import plotly.graph_objects as go  # type: ignore[import-untyped]

POINTS_OF_A_PAGE, FEWEST_POINTS, MOST_POINTS = 60_000, 300, 3000  # shown, drawn with a fixed seed; scores are over all
HEADERS = (
    "points", "MAPE", "median", "p90", "bias", "nearest", "fastest", "in range", "noise floor", "bare roofline",
)  # fmt: skip
LEAD = (
    "Every point is a measured kernel; the target is the median over frameworks and versions. "
    "MAPE is the mean of |predicted - measured| / measured.\n"
    "On calibrated devices the errors are over held-out rows, which no fit has seen; on all others over all rows."
)


def percent(value: float | None, signed: bool = False) -> str:
    """A fraction as text.

    >>> percent(0.0812), percent(-0.02, signed=True), percent(None)
    ('8.1 %', '-2.0 %', '-')
    """
    if value is None or not np.isfinite(value):
        return "-"
    return f"{100 * value:+.1f} %" if signed else f"{100 * value:.1f} %"


def cells(found: Score) -> list[str]:
    """The texts of one score under `HEADERS`."""
    return [
        f"{found.points:,}", percent(found.mape), percent(found.median), percent(found.p90), percent(found.bias, True),
        percent(found.nearest), percent(found.fastest), percent(found.in_range), percent(found.noise_floor),
        percent(found.roofline),
    ]  # fmt: skip


def write_validation_page(path: Path, evaluations: Sequence[Evaluation]) -> None:
    """Write the page."""
    rows = [[e.targets.device, e.targets.table, e.status, *cells(e.never_fitted)] for e in evaluations]
    sections: list[Part] = [
        ("Errors on rows never fitted", _table(("device", "operator", "status", *HEADERS), rows, "wrapped named"), "")
    ]
    shown = max(FEWEST_POINTS, min(MOST_POINTS, POINTS_OF_A_PAGE // max(len(evaluations), 1)))
    for each in evaluations:
        unit = each.targets.unit
        sizes = [["all rows", *cells(each.all_rows)]]
        if each.held_out:
            sizes.append(["held out", *cells(each.held_out)])
        sizes += [[label, *cells(found)] for label, found in each.sizes.items()]
        worst = [
            [w["shape"], *(quantity(w[f"{side}_{unit.lower()}"], unit) for side in ("measured", "predicted")),
             percent(w["error"], True), w["bound"], w["reason"]]
            for w in each.worst()
        ]  # fmt: skip
        offenders = _table(
            ("worst offenders", "measured", "predicted", "error", "bound", "reason"), worst, "wrapped reasoned"
        )
        heading = f"{each.targets.device}: {each.targets.table} ({each.status})"
        sections.append(
            (heading, [figure(each, shown), _table(("rows", *HEADERS), sizes), offenders], each.targets.notes)
        )
    write_page(path, "Predicted against measured kernels", sections, LEAD)


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "wrapped") -> str:
    head = "".join(f"<th>{html.escape(text)}</th>" for text in headers)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def figure(each: Evaluation, most: int = MOST_POINTS) -> go.Figure:
    """Predicted over measured seconds on log axes, coloured by what binds; the diagonal is a perfect prediction."""
    import plotly.graph_objects as go

    count, unit = len(each.targets), each.targets.unit
    shown = np.sort(np.random.default_rng(0).permutation(count)[:most])
    measured, predicted, bound = each.targets.latency_s[shown], each.predicted_s[shown], each.bound[shown]
    keys = np.array([", ".join(map(str, key)) for key in each.targets.keys[shown].tolist()])
    found = go.Figure()
    for name, color in BOUND_COLORS.items():
        chosen = bound == name
        if chosen.any():
            found.add_trace(go.Scatter(
                x=measured[chosen], y=predicted[chosen], text=keys[chosen], mode="markers", name=name,
                marker={"size": 4, "color": color, "opacity": 0.6},
                hovertemplate=f"%{{text}}<br>measured %{{x:.3s}}{unit}<br>predicted %{{y:.3s}}{unit}",
            ))  # fmt: skip
    ends = [float(min(measured.min(), predicted.min())), float(max(measured.max(), predicted.max()))]
    found.add_trace(go.Scatter(
        x=ends, y=ends, mode="lines", name="equal", line={"color": "#8a94a0", "width": 1}, hoverinfo="skip",
    ))  # fmt: skip
    axis = {
        "type": "log",
        "gridcolor": "rgba(138,148,160,0.25)",
        "zeroline": False,
        "dtick": 1,
        "tickformat": "~s",
        "ticksuffix": unit,
        "automargin": True,
    }
    found.update_layout(**base_layout(
        height=420, margin={"l": 64, "r": 16, "t": 24, "b": 52},
        xaxis={**axis, "title": {"text": f"measured ({unit})"}},
        yaxis={**axis, "title": {"text": f"predicted ({unit})"}},
    ))  # fmt: skip
    return found
