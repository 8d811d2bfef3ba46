"""What every published system has in common: a row of given, predicted and published, its error, and how to find them.

A published system is one module of `experiments/papers/` with ``TITLE: str`` and ``rows() -> list[Row]``.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hwsim.errors import InputError, unknown_name

WITHIN = 0.10  # an error that a summary counts as within
_NUMBER = re.compile(r"[-+]?(\d[\d,]*)(?:\.(\d*))?(?:[eE]([-+]?\d+))?")


class Interval(NamedTuple):
    """All values that the printed digits allow, ends included."""

    low: float
    high: float


def printed_interval(text: str) -> Interval:
    """Interval of a printed figure: half a unit of its last digit to either side.

    ``>1000`` and ``<3`` are bounds, ``22-45`` is a range.

    >>> printed_interval("0.3"), printed_interval("65"), printed_interval("22-45")
    (Interval(low=0.25, high=0.35), Interval(low=64.5, high=65.5), Interval(low=21.5, high=45.5))

    Raises
    ------
    InputError : a text that is no number, bound or range
    """
    stripped = text.strip().replace("–", "-")
    if stripped[:1] in (">", "<"):
        value = _number(stripped[1:], text)[0]
        return Interval(value, float("inf")) if stripped[0] == ">" else Interval(float("-inf"), value)
    first = _NUMBER.match(stripped)
    if first and stripped[first.end() : first.end() + 1] == "-":
        (low, half_low), (high, half_high) = _number(first[0], text), _number(stripped[first.end() + 1 :], text)
        return Interval(_tidy(low - half_low), _tidy(high + half_high))
    value, half = _number(stripped, text)
    return Interval(_tidy(value - half), _tidy(value + half))


def _number(digits: str, text: str) -> tuple[float, float]:
    """The value of the printed digits, and half a unit of the last one."""
    match = _NUMBER.fullmatch(digits.strip())
    if match is None:
        raise InputError(f"published figure '{text}' must be a number, a bound such as '>1000' or a range '22-45'")
    exponent = int(match[3] or 0) - len(match[2] or "")
    return float(match[0].replace(",", "")), 0.5 * 10.0**exponent


def _tidy(value: float) -> float:
    """Drop the last bits that decimal digits leave in a sum (0.3 + 0.05 is 0.35)."""
    return float(f"{value:.12g}")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One published figure and what the model says.

    Attributes
    ----------
    system : name of the published system, as in the catalog of experiments
    case, metric, unit : what the figure is of; ``unit`` is text such as ``token/s``
    given : inputs of the prediction, all of them
    predicted : the model's figure, or None where it abstains (``note`` says why)
    published : the digits as printed, for example ``0.3``; empty for a prediction without a published figure
    judged : True for a pass or fail row; recalled figures and figures used by the model are context, so False
    source : document and figure; "simulated by the authors" where so
    """

    system: str
    case: str
    metric: str
    unit: str
    given: dict[str, Any] = field(default_factory=dict)
    predicted: float | None
    published: str
    judged: bool = True
    source: str
    note: str = ""

    def __post_init__(self) -> None:
        if self.predicted is None and (self.judged or not self.note):
            raise InputError(f"row '{self.system}, {self.case}, {self.metric}': without a prediction it is not judged")
        if not self.published and self.judged:
            raise InputError(f"row '{self.system}, {self.case}, {self.metric}': without a published figure: not judged")

    @property
    def interval(self) -> Interval:
        """All values that the printed digits allow."""
        return printed_interval(self.published)

    @property
    def published_value(self) -> float | None:
        """The published figure as a number; of a range the middle, of a bound the bound; None where there is none."""
        if not self.published:
            return None
        low, high = self.interval
        if low == float("-inf"):
            return high
        return low if high == float("inf") else _tidy((low + high) / 2.0)

    @property
    def error(self) -> float | None:
        """Signed fraction: 0 inside the interval, else the distance to the nearer edge over that edge."""
        if self.predicted is None or not self.published:
            return None
        low, high = self.interval
        if low <= self.predicted <= high:
            return 0.0
        edge = low if self.predicted < low else high
        return (self.predicted - edge) / abs(edge) if edge else float("inf")

    def to_dict(self) -> dict[str, Any]:
        """The row as one JSON object."""
        return {
            "system": self.system, "case": self.case, "metric": self.metric, "unit": self.unit, "given": self.given,
            "predicted": self.predicted, "published": self.published_value, "published_text": self.published,
            "error": self.error, "judged": self.judged, "source": self.source, "note": self.note,
        }  # fmt: skip


def judged_errors(rows: Iterable[Row]) -> dict[str, float]:
    """Signed error of every judged row by ``"case: metric"``, a fraction.

    Raises
    ------
    InputError : a judged row without an error, which nothing may count as right, or two rows of one name
    """
    found: dict[str, float] = {}
    for row in rows:
        if not row.judged:
            continue
        name = f"{row.case}: {row.metric}"
        if row.error is None:
            raise InputError(f"row '{row.system}, {name}' is judged and has no error")
        if name in found:
            raise InputError(f"row '{row.system}, {name}' is there twice")
        found[name] = row.error
    return found


class ErrorSummary(NamedTuple):
    """Absolute errors of judged rows, fractions: median, mean, 90th percentile; and how many are within 10 %."""

    median: float
    mean: float
    ninetieth: float
    within: int
    rows: int


def error_summary(rows: Iterable[Row]) -> ErrorSummary | None:
    """The errors of all judged rows, of one system or of many; None where none is judged.

    Raises
    ------
    InputError : a judged row without an error
    """
    by_system: dict[str, list[Row]] = {}
    for row in rows:
        by_system.setdefault(row.system, []).append(row)
    errors = sorted(abs(error) for system in by_system.values() for error in judged_errors(system).values())
    if not errors:
        return None
    ninetieth = errors[max(0, -(-9 * len(errors) // 10) - 1)]
    within = sum(error <= WITHIN for error in errors)
    return ErrorSummary(statistics.median(errors), statistics.fmean(errors), ninetieth, within, len(errors))


def median_absolute_error(rows: Iterable[Row]) -> float | None:
    """Median of the absolute errors of the judged rows, a fraction; None where none is judged."""
    summary = error_summary(rows)
    return None if summary is None else summary.median


def list_papers() -> list[str]:
    """Names of all published systems: the modules of `experiments/papers/`, with dashes."""
    papers = importlib.import_module("hwsim.experiments.papers")
    return sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(papers.__path__) if m.name[0] != "_")


def paper_rows(name: str) -> tuple[str, list[Row]]:
    """Title and rows of one published system.

    Raises
    ------
    UnknownNameError : no module of that name
    """
    known = list_papers()
    dashed = name.strip().lower().replace("_", "-")
    if dashed not in known:
        raise unknown_name("published system", name, known)
    module = importlib.import_module(f"hwsim.experiments.papers.{dashed.replace('-', '_')}")
    return str(module.TITLE), list(module.rows())


def reproduce(names: Sequence[str]) -> dict[str, list[Row]]:
    """Rows of several published systems by their title, each once."""
    found: dict[str, list[Row]] = {}
    for name in dict.fromkeys(names):
        title, rows = paper_rows(name)
        found[title] = rows
    return found
