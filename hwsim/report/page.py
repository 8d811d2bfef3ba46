"""One self-contained HTML page: sections of text, tables and Plotly figures; opens offline, light or dark."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from hwsim.errors import InputError
from hwsim.report.style import STYLE

if TYPE_CHECKING:
    import plotly.graph_objects as go  # type: ignore[import-untyped]

    Body: TypeAlias = str | go.Figure | Sequence["str | go.Figure"]

CONTENTS_FROM = 5  # pages with at least this many sections get a list of them
# No logo, no buttons but saving the picture; the figure follows the width of its column.
_FIGURE_CONFIG = {"displaylogo": False, "responsive": True, "displayModeBar": False}
_NO_ICON = '<link rel="icon" href="data:,">'  # browsers would ask the server for one


class Section(NamedTuple):
    """A part of a page: a heading (plain text), HTML or a figure or several of them, and a note (plain text)."""

    heading: str
    body: Body
    note: str = ""


Part: TypeAlias = "Section | tuple[str, Body, str]"


def write_page(path: str | Path, title: str, sections: Iterable[Part], lead: str = "") -> Path:
    """Write one HTML file that needs nothing else: styles and Plotly are inside, nothing is fetched.

    Parameters
    ----------
    path : the file to write
    title : plain text, escaped here
    sections : (heading, body, note); heading and note are plain text, escaped here; a body is HTML or a Plotly
        figure, or a list of them; several figures stand side by side where the width allows
    lead : plain text under the title, escaped here; each line is a paragraph

    Returns
    -------
    Path : the file written

    Raises
    ------
    InputError : the file cannot be written
    """
    target = Path(path)
    parts = [Section(*section) for section in sections]
    figures = _Figures()
    body = "\n".join(_section(section, figures) for section in parts)
    text = "\n".join([
        "<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">', _NO_ICON,
        f"<title>{html.escape(title)}</title>", f"<style>{STYLE}</style>", figures.library(), "</head>", "<body>",
        "<main>", f"<header><h1>{html.escape(title)}</h1>{_lead(lead)}</header>", _contents(parts), body,
        "</main>", "</body>", "</html>", "",
    ])  # fmt: skip
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write the report '{target}': {error.strerror or error}") from error
    return target


class _Figures:
    """Turns figures into HTML and remembers whether the page needs Plotly at all."""

    def __init__(self) -> None:
        self.count = 0

    def render(self, figure: go.Figure) -> str:
        self.count += 1
        return str(figure.to_html(
            include_plotlyjs=False, full_html=False, div_id=f"figure-{self.count}", config=_FIGURE_CONFIG,
            default_width="100%",
        ))  # fmt: skip

    def library(self) -> str:
        if not self.count:
            return ""
        from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

        return f"<script>window.PlotlyConfig = {{MathJaxConfig: 'local'}};</script>\n<script>{get_plotlyjs()}</script>"


def _section(section: Section, figures: _Figures) -> str:
    bodies = [section.body] if isinstance(section.body, str) or not isinstance(section.body, Sequence) else section.body
    parts = [part if isinstance(part, str) else figures.render(part) for part in bodies]
    kinds = ["text" if isinstance(part, str) else "figure" for part in bodies]
    inner = "".join(f'<div class="{kind}">{part}</div>' for kind, part in zip(kinds, parts, strict=True))
    layout = "side-by-side" if kinds.count("figure") > 1 else "single"
    heading = f'<h2 id="{anchor(section.heading)}">{html.escape(section.heading)}</h2>' if section.heading else ""
    return f'<section>{heading}<div class="{layout}">{inner}</div>{_paragraph(section.note, "note")}</section>'


def _paragraph(text: str, kind: str) -> str:
    return f'<p class="{kind}">{html.escape(text)}</p>' if text else ""


def _lead(text: str) -> str:
    return "".join(_paragraph(line, "lead") for line in text.splitlines())


def _contents(sections: Sequence[Section]) -> str:
    named = [section.heading for section in sections if section.heading]
    if len(named) < CONTENTS_FROM:
        return ""
    links = "".join(f'<a href="#{anchor(name)}">{html.escape(name)}</a>' for name in named)
    return f"<nav>{links}</nav>"


def anchor(heading: str) -> str:
    """Turn a heading into the name of its anchor.

    >>> anchor("Where the time goes: decode")
    'where-the-time-goes-decode'
    """
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") or "section"
