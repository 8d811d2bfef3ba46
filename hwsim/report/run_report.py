"""The HTML report of `hwsim run`: headline numbers, rooflines, time, energy, memory, operators, how to reproduce."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from hwsim.hardware import System
from hwsim.report import fragments
from hwsim.report.figures import energy_bars, time_bars
from hwsim.report.page import Section, write_page
from hwsim.report.roofline import left_out, legend, roofline
from hwsim.report.summary import BASIS, command, how_text, workload_text
from hwsim.result import Result

Pairs = Sequence[tuple[Result, System]]


def write_report(path: str | Path, pairs: Pairs, command_line: str = "") -> Path:
    """Write one page about one or more results: phases of a network, devices, or both.

    Parameters
    ----------
    path : the HTML file to write
    pairs : each result with the system it was computed for
    command_line : the command that made them, if known; otherwise one is put together for each result

    Returns
    -------
    Path : the file written

    Raises
    ------
    InputError : the file cannot be written
    """
    networks = _unique(result.network for result, _ in pairs)
    devices = _unique(result.device for result, _ in pairs)
    title = f"{', '.join(networks)} on {', '.join(devices)}"
    lead = "; ".join(_unique(workload_text(result) for result, _ in pairs))
    lead += "\n" + "\n".join(_unique(how_text(result) for result, _ in pairs))
    sections = [_headline(pairs)]
    sections += [_roofline(system, results, len(devices)) for system, results in _by_system(pairs)]
    for result, _ in pairs:
        sections.append(_where(result, _name(result, pairs)))
    sections.append(_memory(pairs))
    for result, system in pairs:
        heading = "Operators" + _name(result, pairs)
        sections.append(Section(heading, fragments.operator_table(result), _operator_note(system)))
    sections.append(_basis(pairs, command_line))
    return write_page(path, title, sections, lead)


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _name(result: Result, pairs: Pairs) -> str:
    """Return what tells this result from the others on the page, as ``": decode, a100"``; empty for a single one."""
    fields = [name for name in ("network", "phase", "device") if len({getattr(r, name) for r, _ in pairs}) > 1]
    return ": " + ", ".join(getattr(result, name) for name in fields) if fields else ""


def _by_system(pairs: Pairs) -> list[tuple[System, list[Result]]]:
    grouped: dict[int, tuple[System, list[Result]]] = {}
    for result, system in pairs:
        grouped.setdefault(id(system), (system, []))[1].append(result)
    return list(grouped.values())


def _headline(pairs: Pairs) -> Section:
    warnings = ""
    for result, _ in pairs:
        name = _name(result, pairs)[2:]
        warnings += "".join(fragments.warning(f"{name}: {text}" if name else text) for text in result.warnings)
    if len(pairs) == 1:
        return Section("", fragments.cards(*pairs[0]) + warnings)
    return Section("", fragments.comparison([result for result, _ in pairs]) + warnings)


def _roofline(system: System, results: Sequence[Result], devices: int) -> Section:
    heading = "Roofline" + (f": {system.name}" if devices > 1 else "")
    note = (
        "Each mark is an operator; its area goes with its share of the time, its colour says what bounds it. The slope "
        "is the memory bandwidth, the level lines are the dense peaks of the formats. Point at a mark for its numbers."
    )
    missing = left_out(results)
    if missing:
        note += f" Not shown, since they do no arithmetic or use only the link: {', '.join(missing)}."
    figure = roofline(system.device, results)
    return Section(heading, [figure, fragments.sign_legend(legend(results))], note)


def _where(result: Result, name: str) -> Section:
    strip = fragments.bound_strip(result)
    by_bound = f"<h3>Time by what bounds it</h3>{strip}"
    return Section(f"Where time and energy go{name}", [by_bound, time_bars(result), energy_bars(result)])


def _memory(pairs: Pairs) -> Section:
    strips = "".join(f"<h3>{html.escape(_name(r, pairs)[2:])}</h3>{fragments.memory_strip(r, s)}" for r, s in pairs)
    return Section("Memory on each device", strips, "Peak of the phase. KV is the key-value cache of all requests.")


def _operator_note(system: System) -> str:
    note = "Figures are totals over the count. FLOPs count a multiply-add as two; bytes are the compulsory ones."
    return note + (" FLOPs, bytes and energy are of all devices together." if system.count > 1 else "")


def _basis(pairs: Pairs, command_line: str) -> Section:
    parts = []
    for result, _ in pairs:
        rows = [("Workload", workload_text(result)), ("Settings", how_text(result))]
        rows.append(("Basis", BASIS.get(result.basis, result.basis)))
        name = html.escape(_name(result, pairs)[2:])
        heading = f"<h3>{name}</h3>" if name else ""
        parts.append(f"{heading}{fragments.pairs_table(rows)}")
        if not command_line:
            parts.append(f"<pre>{html.escape(command(result))}</pre>")
    if command_line:
        parts.append(f"<h3>Command</h3><pre>{html.escape(command_line)}</pre>")
    return Section("Settings, and how to reproduce", "".join(parts))
