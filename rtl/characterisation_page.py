"""The page of `hwsim rtl characterise --report`: hierarchies drawn, counts by module, fits with their errors."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.report.figures import base_layout
from hwsim.report.fragments import table
from hwsim.report.page import Section, write_page

if TYPE_CHECKING:
    import plotly.graph_objects as go  # type: ignore[import-untyped]

Record = Mapping[str, Any]
ROW_PIXELS = 34
COUNTS_NOTE = "Of one instance by itself, after Yosys' proc, opt and wreduce, not flattened."


def hierarchy_figure(levels: Sequence[Record]) -> go.Figure:
    """Draw a module tree, the top module at the left: a mark a kind of module at its place, with its instances.

    ``levels`` are in reading order: ``depth``, ``module``, ``count``.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    last_at: dict[int, int] = {}
    for row, level in enumerate(levels):
        depth = level["depth"]
        last_at[depth] = row
        if depth:  # down from the parent's mark, then across
            figure.add_scatter(
                x=[depth - 1, depth - 1, depth], y=[last_at[depth - 1], row, row], mode="lines", hoverinfo="skip",
                line={"color": "rgba(128,128,128,0.6)", "width": 1.5}, showlegend=False,
            )  # fmt: skip
    figure.add_scatter(
        x=[level["depth"] for level in levels], y=list(range(len(levels))), mode="markers+text", showlegend=False,
        marker={"size": 11, "color": "#3f8fe0"}, textposition="middle right", hoverinfo="skip",
        text=[f"  {html.escape(one['module'])}" + (f" × {one['count']:,}" if one["count"] > 1 else "")
              for one in levels],
    )  # fmt: skip
    deepest = max(level["depth"] for level in levels)
    hidden = {"visible": False, "fixedrange": True}
    figure.update_layout(base_layout(
        height=60 + ROW_PIXELS * len(levels), margin={"l": 20, "r": 20, "t": 10, "b": 10},
        xaxis={**hidden, "range": [-0.1, deepest + 2.5]}, yaxis={**hidden, "range": [len(levels) - 0.4, -0.6]},
    ))  # fmt: skip
    return figure


def _sections(record: Record) -> list[Section]:
    name = record["kernel"]
    chosen = " ".join(f"{key}={value}" for key, value in record["parameters"].items())
    found = [Section(f"{name}: hierarchy", hierarchy_figure(record["hierarchy"]), chosen)]
    kinds = [kind for kind in record["modules"][0] if kind not in ("module", "instances")]
    rows = [[one["module"], f"{one['instances']:,}", *(f"{one[kind]:,}" for kind in kinds)]
            for one in record["modules"]]  # fmt: skip
    heads = ["Module", "Instances", *(kind.replace("_", " ").capitalize() for kind in kinds)]
    found.append(Section(f"{name}: by module", table(heads, rows), COUNTS_NOTE))
    synthesised = {
        kind: both["synthesised"] for one in ("xilinx", "generic") for kind, both in record.get(one, {}).items()
    }
    whole = [[kind.replace("_", " "), f"{count:,.10g}", _number(synthesised.get(kind))]
             for kind, count in record["resources"].items()]  # fmt: skip
    found.append(Section(f"{name}: as a whole", table(["Resource", "By the models", "Synthesised"], whole), chosen))
    for fit in record["fits"]:
        rows = [[kind, text, f"{fit['largest_error'][kind]:.1%}", _share(fit["held_out_error"].get(kind))]
                for kind, text in fit["formula"].items()]  # fmt: skip
        names = "; ".join(f"{key} = {text}" for key, text in fit["derived"].items())
        note = f"{len(fit['points'])} syntheses, {len(fit['held_out'])} held out. {names}"
        heads = ["Kind", "Formula", "Largest error", "Held out"]
        found.append(Section(f"{name}: fitted resources", table(heads, rows), note.strip()))
    return found


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.10g}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def write(path: str | Path, records: Sequence[Record]) -> Path:
    """Write the page of the first record of each kernel; ``records`` as `hwsim rtl characterise --json` prints them.

    Raises
    ------
    InputError : the file cannot be written
    """
    first: dict[str, Record] = {}
    for record in records:
        first.setdefault(record["kernel"], record)
    sections = [section for record in first.values() for section in _sections(record)]
    return write_page(path, "Kernels in Verilog: what they are made of", sections)
