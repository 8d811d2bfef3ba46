"""The page of the co-design loop: the Pareto front, the chosen designs, and the models beside the RTL."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.experiments.codesign.search import Found
from hwsim.experiments.codesign.space import KINDS
from hwsim.report.figures import base_layout
from hwsim.report.fragments import table
from hwsim.report.page import Section, write_page
from hwsim.report.quantities import significant

if TYPE_CHECKING:
    import plotly.graph_objects as go  # type: ignore[import-untyped]

COLORS = {"int8": "#3f8fe0", "int4": "#e08a1e"}
FRONT_ROWS = 15
WAYS_NOTE = "Arrays of 4 x 40, banks of 16 lanes; edges and control included."


def front_figure(found: Found) -> go.Figure:
    """Tokens/s over the share of the budget: the front by format, the chosen designs as stars."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, chosen in found.by_format.items():
        points = sorted((one for one in found.front_of[name]), key=lambda one: one.area)
        figure.add_scatter(
            x=[100.0 * one.area for one in points], y=[one.tokens_per_s for one in points], mode="lines+markers",
            line={"shape": "hv", "width": 1}, marker={"size": 5, "color": COLORS[name]}, name=f"{name}, Pareto front",
            text=[html.escape(one.candidate.text) for one in points], line_color=COLORS[name],
            hovertemplate="%{text}<br>%{y:.4g} tokens/s, %{x:.1f} % of the budget<extra></extra>",
        )  # fmt: skip
        figure.add_scatter(
            x=[100.0 * chosen.area], y=[chosen.tokens_per_s], mode="markers", name=f"{name}, chosen",
            marker={"size": 15, "symbol": "star", "color": COLORS[name], "line": {"width": 1, "color": "#1b1f24"}},
            text=[html.escape(chosen.candidate.text)],
            hovertemplate="%{text}<br>%{y:.4g} tokens/s, %{x:.1f} % of the budget<extra></extra>",
        )  # fmt: skip
        limit = found.task.batch / found.streaming_s[name]
        figure.add_hline(
            y=limit, line={"dash": "dot", "color": COLORS[name], "width": 1}, annotation_position="bottom left",
            annotation_text=f"{name}: memory alone, {significant(limit)} tokens/s",
        )  # fmt: skip
    grid = {"gridcolor": "rgba(128,128,128,0.25)", "zeroline": False}
    figure.update_layout(base_layout(
        height=460, margin={"l": 70, "r": 20, "t": 20, "b": 60}, legend={"orientation": "h", "y": -0.2},
        xaxis={"title": "share of the budget, by the resource that runs out first (%)", "rangemode": "tozero", **grid},
        yaxis={"title": "tokens/s", "rangemode": "tozero", **grid},
    ))  # fmt: skip
    return figure


def write(path: str | Path, found: Found, result: dict[str, Any]) -> Path:
    """Write the page.

    Raises
    ------
    InputError : the file cannot be written
    """
    task = found.task
    searched = ", ".join(f"{count:,} in {name}" for name, count in found.searched.items())
    lead = (
        f"{task.network}, one decode step at batch {task.batch} and context {task.context}, on "
        f"{100 * task.share:g} % of {found.part.description} at {task.clock_hz / 1e6:g} MHz (assumption).\n"
        f"Designs within the budget: {searched}. Budget: "
        + ", ".join(f"{kind} {value:,.0f}" for kind, value in found.budget.items())
        + "."
    )
    if found.left_out:
        lead += "\nLeft out: " + "; ".join(f"{name}: {why}" for name, why in found.left_out.items())
    sections = [Section("Pareto front", front_figure(found), "Every point is a design; hover for its arrays.")]
    for one in result["chosen"]:
        mark = "Chosen" if one["best_of_all"] else f"Best of {one['format']}"
        body: list[Any] = [_chosen_table(one)]
        if one["rtl"]:
            body += [_resource_table(one["rtl"])]
        note = f"{one['why'][0].upper()}{one['why'][1:]}."
        sections.append(Section(f"{mark}: {one['text']}", body, f"{note} {_rtl_sentence(one['rtl'])}".strip()))
    fastest = [
        [one.candidate.label, significant(one.tokens_per_s), f"{100 * one.area:.1f} %"]
        + [f"{one.resources[kind]:,.0f}" for kind in KINDS]
        for one in found.front[:FRONT_ROWS]
    ]
    heads = ["Design", "Tokens/s", "Of the budget", *(kind.upper() if kind != "cells" else "Cells" for kind in KINDS)]
    sections.append(Section("The fastest of the front", table(heads, fastest)))
    sections.append(Section("A multiply-add a cycle, as characterised", _multiply_adds(result), WAYS_NOTE))
    return write_page(path, "Decode NPU: chosen by models, checked in RTL", sections, lead)


def _multiply_adds(result: dict[str, Any]) -> str:
    rows = [
        [one["what"], one["kernel"]]
        + [significant(one["each"][kind]) if kind in one["each"] else "-" for kind in KINDS]
        + [one["offered"]]
        for one in result["multiply_adds"]
    ]
    return table(["What", "Kernel", "LUT", "FF", "DSP", "Cells", "Offered"], rows)


def _chosen_table(one: dict[str, Any]) -> str:
    heads = ["Arrays", "Rows", "Columns", "Format", "Tokens/s", "By hwsim run", "Of the budget"]
    row = [
        str(one["count"]), str(one["rows"]), str(one["columns"]), one["format"], significant(one["tokens_per_s"]),
        significant(one["run_tokens_per_s"]), f"{100 * one['budget_share']:.1f} %",
    ]  # fmt: skip
    return table(heads, [row])


def _resource_table(rtl: dict[str, Any]) -> str:
    rows = [
        [kind, f"{one['predicted']:,.0f}", f"{one['synthesised']:,.0f}", f"{100 * one['error']:+.2f} %"]
        for kind, one in rtl["resources"].items()
    ]
    cycles = rtl["cycles"]
    difference = cycles["cycles_measured"] - cycles["cycles_predicted"]
    counts = [f"{cycles[key]:,}" for key in ("cycles_predicted", "cycles_measured")]
    rows.insert(0, [f"cycles, {cycles['runs']} runs", *counts, f"{difference:+d}" if difference else "exact"])
    return table(["One array", "Model", "RTL", "Error"], rows)


def _rtl_sentence(rtl: dict[str, Any] | None) -> str:
    if rtl is None:
        return ""
    cycles = rtl["cycles"]
    swept = "a size of the sweep" if rtl["size_was_swept"] else "a size that the sweep did not hold"
    verdict = "every beat and every cycle as predicted" if cycles["passed"] else f"FAILED: {cycles['failures'][0]}"
    return f"In RTL, {swept} ({cycles['simulator']}, seeds {', '.join(map(str, cycles['seeds']))}): {verdict}."
