"""Pieces of HTML for a report: cards, strips and tables. Every name and text is escaped here."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from hwsim.hardware import System
from hwsim.report.quantities import count, quantity, share, significant
from hwsim.report.summary import OPERATOR_COLUMNS, bound_seconds, operator_cells, tokens
from hwsim.report.tables import column_headers, comparison_rows, footer_cells
from hwsim.result import Result


def cards(result: Result, system: System) -> str:
    """The headline numbers of one result as cards: value, and what it is of."""
    entries = [("Latency", quantity(result.latency_s, "s"), _interval(result))]
    if result.time_to_first_token_s is not None:
        entries.append(("Time to first token", quantity(result.time_to_first_token_s, "s"), ""))
    if result.time_per_output_token_s is not None:
        entries.append(("Time per output token", quantity(result.time_per_output_token_s, "s"), ""))
    if result.tokens_per_s is not None:
        entries.append(("Tokens/s", significant(result.tokens_per_s), ""))
    if result.samples_per_s is not None:
        entries.append(("Samples/s", significant(result.samples_per_s), ""))
    number = tokens(result)
    power = quantity(result.energy_j / result.latency_s, "W") + " on average" if result.latency_s else ""
    entries.append(("Energy", quantity(result.energy_j, "J"), power))
    if number:
        entries.append(("Energy a token", quantity(result.energy_j / number, "J"), ""))
    capacity = system.device.capacity_bytes
    used = f"{share(result.peak_memory_bytes, capacity)} of {quantity(capacity, 'B')}"
    entries.append(("Memory", quantity(result.peak_memory_bytes, "B"), used))
    entries.append(("Share of peak FLOP/s", share(result.flops_share), ""))
    bandwidth = f"of {quantity(system.device.bandwidth_bytes_per_s, 'B/s')}"
    entries.append(("Share of peak bandwidth", share(result.bandwidth_share), bandwidth))
    if result.largest_batch is not None:
        entries.append(("Largest batch that fits", count(result.largest_batch), "at these lengths"))
    return f'<dl class="cards">{"".join(_card(*entry) for entry in entries)}</dl>'


def _interval(result: Result) -> str:
    if result.low_s is None or result.high_s is None:
        return ""
    return f"{quantity(result.low_s, 's')} to {quantity(result.high_s, 's')} (10-90 %)"


def _card(label: str, value: str, detail: str) -> str:
    small = f"<small>{html.escape(detail)}</small>" if detail else ""
    return f"<div><dt>{html.escape(label)}</dt><dd>{html.escape(value)}{small}</dd></div>"


def warning(text: str) -> str:
    """A warning that stands out."""
    return f'<p class="warning">{html.escape(text)}</p>'


def comparison(results: Sequence[Result]) -> str:
    """A table with a column for each result."""
    heads = "".join(f"<th>{html.escape(text).replace(chr(10), '<br>')}</th>" for text in column_headers(results))
    return _table(f"<tr><th></th>{heads}</tr>", comparison_rows(results), "", "compare")


def operator_table(result: Result) -> str:
    """The operator table in graph order with totals; columns as in the terminal."""
    heads = "".join(f"<th>{name}</th>" for name in OPERATOR_COLUMNS)
    rows = [operator_cells(operator, result) for operator in result.operators]
    foot = "".join(f"<td>{html.escape(cell)}</td>" for cell in footer_cells(result))
    bounds = [operator.bound for operator in result.operators]
    return _table(f"<tr>{heads}</tr>", rows, f"<tfoot><tr>{foot}</tr></tfoot>", "operators", bounds)


def pairs_table(rows: Iterable[tuple[str, str]]) -> str:
    """A two-column table of labels and texts."""
    body = "".join(f"<tr><td>{html.escape(label)}</td><td>{html.escape(text)}</td></tr>" for label, text in rows)
    return f'<table class="pairs"><tbody>{body}</tbody></table>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain texts under column heads."""
    return _table(f"<tr>{''.join(f'<th>{html.escape(head)}</th>' for head in heads)}</tr>", rows, "", "plain")


def _table(head: str, rows: Iterable[Sequence[str]], foot: str, kind: str, bounds: Sequence[str] = ()) -> str:
    lines = []
    for index, row in enumerate(rows):
        cells = [f"<td>{html.escape(cell)}</td>" for cell in row]
        if bounds:
            cells[-1] = f"<td>{_dot(bounds[index])}{html.escape(row[-1])}</td>"
        lines.append(f"<tr>{''.join(cells)}</tr>")
    body = f"<thead>{head}</thead><tbody>{''.join(lines)}</tbody>{foot}"
    return f'<div class="scroll"><table class="{kind}">{body}</table></div>'


def _dot(variable: str) -> str:
    return f'<span class="dot" style="background: var(--{html.escape(variable)})"></span>'


def bound_strip(result: Result) -> str:
    """A bar of the time by what bounds it, with a legend that gives every number."""
    seconds = bound_seconds(result)
    whole = sum(seconds.values())
    parts = [(name, name, value, f"{quantity(value, 's')} · {share(value, whole)}") for name, value in seconds.items()]
    return _strip(parts, whole)


def memory_strip(result: Result, system: System) -> str:
    """A bar of one device's memory: weights, KV, activations and what is free of its capacity."""
    use, capacity = result.memory, system.device.capacity_bytes
    kinds = [("weights", "weights", use.weights), ("KV", "kv", use.kv), ("activations", "activations", use.activations)]
    kinds.append(("free", "free", max(capacity - use.total, 0.0)))
    parts = [(name, color, value, f"{quantity(value, 'B')} · {share(value, capacity)}") for name, color, value in kinds]
    return _strip(parts, max(capacity, use.total))


def sign_legend(entries: Iterable[tuple[str, str, str]]) -> str:
    """A legend of signs: each (sign, colour variable or empty, text)."""
    items = "".join(
        f'<li><span class="sign"{_color(color)}>{html.escape(sign)}</span>{html.escape(text)}</li>'
        for sign, color, text in entries
    )
    return f'<ul class="legend">{items}</ul>'


def _color(variable: str) -> str:
    return f' style="color: var(--{html.escape(variable)})"' if variable else ""


def _strip(parts: Sequence[tuple[str, str, float, str]], whole: float) -> str:
    spans = "".join(
        f'<span style="flex: 0 1 {100 * value / whole if whole else 0:.4f}%; background: var(--{html.escape(color)})"'
        f' title="{html.escape(f"{name} {text}")}"></span>'
        for name, color, value, text in parts
        if value > 0
    )
    legend = "".join(f"<li>{_dot(color)}{html.escape(name)} {html.escape(text)}</li>" for name, color, _, text in parts)
    return f'<div class="strip">{spans}</div><ul class="legend">{legend}</ul>'
