"""The roofline of a device with every operator on it: operations a byte against operations a second, log-log."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from hwsim.formats import number_format
from hwsim.hardware import Device
from hwsim.report.figures import BOUND_COLORS, base_layout, operator_hover
from hwsim.report.labels import LINE_PX, Frame, Point, place_labels
from hwsim.report.quantities import quantity
from hwsim.report.summary import devices_used
from hwsim.result import OperatorResult, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go  # type: ignore[import-untyped]

HEIGHT_PX = 480
MARGIN_PX = {"l": 72, "r": 190, "t": 16, "b": 52}
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star")
SIGNS = ("●", "◆", "■", "▲", "✚", "★")  # the same shapes as text, for the legend
SMALLEST_PX, LARGEST_PX = 8.0, 40.0  # marker diameters; the area goes with the share of time


class Spot(NamedTuple):
    """An operator on the roofline, per device: FLOP a byte, FLOP/s reached, share of its phase's time."""

    operator: OperatorResult
    result: Result
    intensity: float
    flops_per_s: float
    share: float
    symbol: str


def spots(results: Sequence[Result]) -> list[Spot]:
    """Place the operators that compute and move memory; gathers (no FLOPs) and collectives have no place here."""
    found = []
    for index, result in enumerate(results):
        whole = sum(operator.latency_s for operator in result.operators) or 1.0
        for operator in result.operators:
            if min(operator.flops, operator.bytes, operator.latency_s) > 0 and operator.kind != "collective":
                found.append(Spot(
                    operator, result, operator.flops / operator.bytes,
                    operator.flops / operator.latency_s / devices_used(result), operator.latency_s / whole,
                    SYMBOLS[index % len(SYMBOLS)],
                ))  # fmt: skip
    return found


def left_out(results: Sequence[Result]) -> list[str]:
    """Names of operators that a roofline cannot show, each once."""
    shown = {(spot.result.phase, spot.operator.name) for spot in spots(results)}
    names = [o.name for r in results for o in r.operators if (r.phase, o.name) not in shown]
    return list(dict.fromkeys(names))


def peaks(device: Device, results: Sequence[Result]) -> list[tuple[str, float, bool]]:
    """Group formats of equal peak: (names, FLOP/s, whether a result multiplies in one of them), highest first."""
    used = {number_format(str(result.formats["activations"])).base for result in results}
    grouped: dict[float, list[str]] = {}
    for name, value in device.peak_flops_per_s.items():
        if value > 0:
            grouped.setdefault(value, []).insert(0 if name in used else len(device.peak_flops_per_s), name)
    ranked = sorted(grouped.items(), reverse=True)
    return [(", ".join(names), value, not used.isdisjoint(names)) for value, names in ranked]


def roofline(device: Device, results: Sequence[Result]) -> go.Figure:
    """Draw the roofline of one device with the operators of several results; areas go with the share of time."""
    import plotly.graph_objects as go

    points, lines = spots(results), peaks(device, results)
    x_range, y_range = _ranges(device, points, lines)
    inner_px = HEIGHT_PX - MARGIN_PX["t"] - MARGIN_PX["b"]
    frame = Frame(x_range, y_range, inner_px, MARGIN_PX["l"] + MARGIN_PX["r"])
    figure = go.Figure()
    for names, peak, used in lines:
        _add_roof(figure, device.bandwidth_bytes_per_s, names, peak, used, x_range)
    for spot in sorted(points, key=lambda spot: -spot.share):
        _add_spot(figure, spot)
    notes = _annotations(points, lines, device.bandwidth_bytes_per_s, frame)
    figure.update_layout(**base_layout(
        height=HEIGHT_PX, margin=MARGIN_PX, annotations=notes,
        xaxis={**_axis(x_range), "title": {"text": "arithmetic intensity (FLOP/B)", "standoff": 8}},
        yaxis={**_axis(y_range), "title": {"text": "performance of each device (FLOP/s)", "standoff": 8}},
    ))  # fmt: skip
    return figure


def _ranges(
    device: Device, points: Sequence[Spot], lines: Sequence[tuple[str, float, bool]]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Axis ranges in powers of ten that hold all points, the ridges of the formats in use and some of each roof."""
    bandwidth = device.bandwidth_bytes_per_s
    top = max((peak for _, peak, _ in lines), default=bandwidth)
    xs = [spot.intensity for spot in points] + [top / bandwidth * 3]
    ys = [spot.flops_per_s for spot in points] + [top * 1.7]
    left = math.log10(min(xs)) - 0.45
    bottom = min(math.log10(min(ys)) - 0.7, math.log10(bandwidth) + left)
    return (left, math.log10(max(xs)) + 0.35), (bottom, math.log10(max(ys)))


def _axis(span: tuple[float, float]) -> dict[str, object]:
    powers = list(range(math.ceil(span[0]), math.floor(span[1]) + 1))
    return {
        "type": "log", "range": list(span), "tickvals": [10.0**power for power in powers],
        "ticktext": [_power_text(power) for power in powers], "fixedrange": True, "zeroline": False, "ticks": "",
    }  # fmt: skip


def _power_text(power: int) -> str:
    if power < 0:
        return f"{10.0**power:.{-power}f}"
    return f"{10 ** (power % 3)}{('', ' k', ' M', ' G', ' T', ' P', ' E')[power // 3]}"


def _add_roof(
    figure: go.Figure, bandwidth: float, names: str, peak: float, used: bool, x_range: tuple[float, float]
) -> None:  # fmt: skip
    import plotly.graph_objects as go

    ridge = peak / bandwidth
    slope = [10.0 ** x_range[0], ridge] if used else [ridge]
    xs = [*slope, 10.0 ** x_range[1]]
    hover = f"{html.escape(names)}: {quantity(peak, 'FLOP/s')}, ridge at {ridge:.0f} FLOP/B"
    line = {"color": "#7b8794", "width": 2.5} if used else {"color": "#aab4bf", "width": 1.2, "dash": "dot"}
    figure.add_trace(go.Scatter(
        x=xs, y=[min(x * bandwidth, peak) for x in xs], mode="lines", showlegend=False, line=line,
        hovertext=f"{hover}<br>memory {quantity(bandwidth, 'B/s')}", hoverinfo="text",
    ))  # fmt: skip


def _diameter(share: float) -> float:
    return max(SMALLEST_PX, LARGEST_PX * math.sqrt(share))


def _add_spot(figure: go.Figure, spot: Spot) -> None:
    import plotly.graph_objects as go

    figure.add_trace(go.Scatter(
        x=[spot.intensity], y=[spot.flops_per_s], mode="markers", showlegend=False, hoverinfo="text",
        hovertext=[f"{operator_hover(spot.operator, spot.result)}<br>{spot.intensity:.3g} FLOP/B"],
        marker={"size": _diameter(spot.share), "symbol": spot.symbol, "opacity": 0.8,
                "color": BOUND_COLORS.get(spot.operator.bound, "#8a94a0"), "line": {"width": 1, "color": "#ffffff"}},
    ))  # fmt: skip


def legend(results: Sequence[Result]) -> list[tuple[str, str, str]]:
    """Return (sign, bound or empty, text) for each shape and colour on the roofline of these results."""
    shapes = [(SIGNS[index % len(SIGNS)], "", result.phase) for index, result in enumerate(results)]
    present = {spot.operator.bound for spot in spots(results)}
    colors = [(SIGNS[0], bound, f"bound by {bound}") for bound in BOUND_COLORS if bound in present]
    return (shapes if len(results) > 1 else []) + colors


def _annotations(
    points: Sequence[Spot], lines: Sequence[tuple[str, float, bool]], bandwidth: float, frame: Frame
) -> list[dict[str, object]]:
    order = {id(result): index for index, result in enumerate({id(s.result): s.result for s in points}.values())}
    marks = [
        Point(spot.operator.name, math.log10(spot.intensity), math.log10(spot.flops_per_s), _diameter(spot.share) / 2,
              group=order[id(spot.result)])
        for spot in sorted(points, key=lambda spot: -spot.share)
    ]  # fmt: skip
    drawn = _roof_labels(lines, frame)
    for label in place_labels(marks, frame, _roof_samples(lines, bandwidth, frame)):
        drawn.append({
            "x": label.point.x, "y": label.point.y, "ax": label.dx, "ay": -label.dy, "font": {"size": 12},
            "text": "<br>".join(map(html.escape, label.lines)), "showarrow": True, "arrowhead": 0, "arrowwidth": 0.8,
            "standoff": label.point.radius, "xanchor": "center", "yanchor": "middle", "arrowcolor": "#8a94a0",
        })  # fmt: skip
    return drawn


def _roof_labels(lines: Sequence[tuple[str, float, bool]], frame: Frame) -> list[dict[str, object]]:
    """Name the roofs in the right margin; one that would touch a roof in use or one named before goes without."""
    drawn: list[dict[str, object]] = []
    taken: list[float] = []
    for names, peak, used in sorted(lines, key=lambda line: not line[2]):
        _, height = frame.at(0.0, math.log10(peak), 0.0)
        if all(abs(height - other) >= LINE_PX for other in taken):
            taken.append(height)
            text = f"{html.escape(_short_names(names))} {quantity(peak, 'FLOP/s')}"
            drawn.append({
                "xref": "paper", "x": 1, "xshift": 6, "y": math.log10(peak), "xanchor": "left", "yanchor": "middle",
                "showarrow": False, "text": f"<b>{text}</b>" if used else text, "font": {"size": 11.5},
            })  # fmt: skip
    return drawn


def _short_names(names: str) -> str:
    """Shorten a list of formats: fp8 variants are one name; what goes beyond two names is counted.

    >>> _short_names("bf16, fp16, fp8_e4m3, fp8_e5m2, int8")
    'bf16, fp16 +2'
    """
    bases = list(dict.fromkeys(name.split("_")[0] for name in names.split(", ")))
    return ", ".join(bases[:2]) + (f" +{len(bases) - 2}" if len(bases) > 2 else "")


def _roof_samples(
    lines: Sequence[tuple[str, float, bool]], bandwidth: float, frame: Frame
) -> list[tuple[float, float]]:
    """Places along the roofs in use (powers of ten) that labels keep clear of."""
    left, right = frame.x_range
    xs = [left + (right - left) * step / 120 for step in range(121)]
    return [(x, math.log10(min(10.0**x * bandwidth, peak))) for _, peak, used in lines if used for x in xs]
