"""Resource counts as a linear model: terms of the parameters, fitted to swept syntheses by least squares.

A `ResourceSweep` says what is synthesised and with which terms; a `ResourceFit` (models/catalog/kernel_fits.py) holds
what came out. Fits are kept in the kernel's ``resources.toml`` and predict LUTs, flip-flops, DSPs, block memories and
generic gates without a synthesis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hwsim.errors import InputError
from hwsim.models.catalog.kernel_fits import (
    FILE_NAME,
    GENERIC_KINDS,
    KINDS,
    ResourceFit,
    complete,
    count,
    predicted,
    read_fits,
    term_value,
)

__all__ = [
    "FILE_NAME",
    "KINDS",
    "ResourceFit",
    "ResourceSweep",
    "fit_counts",
    "points",
    "predicted",
    "read_fits",
    "term_value",
    "toml_text",
]


@dataclass(frozen=True, kw_only=True)
class ResourceSweep:
    """Parameter sets to synthesise, and by kind of resource the terms that its counts are fitted against.

    A term is an expression of the parameters and of the ``derived`` names. A kind without terms is taken as constant;
    generic ``cells`` and ``gates`` are fitted only where terms are named for ``cells`` (those of ``gates`` are the same
    unless named). ``held_out`` points are synthesised and compared with the fit, never fitted. A parameter that all
    ``points`` give the same value, or none gives, is held: the fit is of that value only.
    """

    terms: Mapping[str, tuple[str, ...]]
    points: tuple[Mapping[str, int], ...]
    derived: Mapping[str, str] = field(default_factory=dict)
    held_out: tuple[Mapping[str, int], ...] = ()

    @property
    def complete_terms(self) -> dict[str, tuple[str, ...]]:
        """The terms of every kind that is fitted."""
        found = {kind: tuple(self.terms.get(kind, ("1",))) for kind in KINDS}
        if "cells" in self.terms:
            found["cells"] = tuple(self.terms["cells"])
            found["gates"] = tuple(self.terms.get("gates", self.terms["cells"]))
        return found


def points(names: str, *rows: tuple[int, ...]) -> tuple[dict[str, int], ...]:
    """Parameter sets as a table: the names once, then a row of values for each.

    >>> points("ROWS COLUMNS", (1, 2), (3, 4))
    ({'ROWS': 1, 'COLUMNS': 2}, {'ROWS': 3, 'COLUMNS': 4})
    """
    return tuple(dict(zip(names.split(), row, strict=True)) for row in rows)


def fit_counts(
    terms: Mapping[str, Sequence[str]],
    points: Sequence[Mapping[str, int]],
    counts: Sequence[Mapping[str, float]],
    *,
    derived: Mapping[str, str] | None = None,
    held_out: Sequence[Mapping[str, int]] = (),
    held_out_counts: Sequence[Mapping[str, float]] = (),
) -> ResourceFit:
    """Fit counts at complete parameter sets, each kind against its terms: the least sum of squared relative errors.

    Raises
    ------
    InputError : fewer points than terms, or terms that these points do not tell apart
    """
    held = {name: value for name, value in points[0].items() if all(point[name] == value for point in points)}
    for point in held_out:
        for name, value in held.items():
            if point[name] != value:
                raise InputError(f"held-out point: {name}(={point[name]}) must be {value}, as in every point swept")
    derived = derived or {}
    chosen = {kind: terms.get(kind, ("1",)) for kind in KINDS}
    chosen |= {kind: terms[kind] for kind in GENERIC_KINDS if kind in terms}
    named = [complete(point, derived) for point in points]
    coefficients = {kind: _solved(kind, row, named, counts) for kind, row in chosen.items()}
    others = [complete(point, derived) for point in held_out]
    errors = {kind: _errors(kind, row, named, counts) for kind, row in coefficients.items()}
    others_errors = {kind: _errors(kind, row, others, held_out_counts) for kind, row in coefficients.items()}
    return ResourceFit(
        held=held,
        points=tuple(_without(held, point) for point in points),
        coefficients=coefficients,
        error={kind: max(found) for kind, found in errors.items()},
        derived=derived,
        held_out=tuple(_without(held, point) for point in held_out),
        held_out_error={kind: max(found) for kind, found in others_errors.items() if found},
        held_out_mean={kind: sum(found) / len(found) for kind, found in others_errors.items() if found},
    )


def _solved(
    kind: str, terms: Sequence[str], named: Sequence[Mapping[str, float]], counts: Sequence[Mapping[str, float]]
) -> dict[str, float]:
    import numpy as np

    matrix = np.array([[term_value(term, names) for term in terms] for names in named], float)
    if np.linalg.matrix_rank(matrix) < len(terms):
        raise InputError(f"{len(named)} points do not tell the {len(terms)} terms {', '.join(terms)} apart")
    measured = np.array([one[kind] for one in counts], float)
    weight = 1.0 / np.maximum(measured, 1.0)
    solution = np.linalg.lstsq(matrix * weight[:, None], measured * weight, rcond=None)[0].tolist()
    return {term: round(one, 6) + 0.0 for term, one in zip(terms, solution, strict=True)}


def _errors(
    kind: str,
    coefficients: Mapping[str, float],
    named: Sequence[Mapping[str, float]],
    counts: Sequence[Mapping[str, float]],
) -> list[float]:
    return [
        abs(count(kind, coefficients, names) - one[kind]) / max(one[kind], 1.0)
        for names, one in zip(named, counts, strict=True)
    ]


def _without(held: Mapping[str, int], point: Mapping[str, int]) -> dict[str, int]:
    return {name: value for name, value in point.items() if name not in held}


def toml_text(kernel: str, fits: Sequence[ResourceFit], tool: str) -> str:
    """The resources.toml of a kernel, with the command and the tool that made it."""
    lines = [f"# fitted: hwsim rtl characterise {kernel} --in-place", f"# counts: {tool}"]
    lines += ["# error: the largest over the points, relative to the count synthesised (to 1 where that is 0)"]
    if any(fit.held_out for fit in fits):
        lines += ["# held_out: points synthesised as well but not fitted, with the largest and the mean error there"]
    for fit in fits:
        lines += ["", "[[fit]]", f"held = {_table(fit.held)}"]
        lines += ["points = [", *(f"    {_table(point)}," for point in fit.points), "]"]
        lines += [f"error = {_table(_rounded(fit.error))}"]
        if fit.held_out:
            lines += ["held_out = [", *(f"    {_table(point)}," for point in fit.held_out), "]"]
            lines += [f"held_out_error = {_table(_rounded(fit.held_out_error))}"]
            lines += [f"held_out_mean = {_table(_rounded(fit.held_out_mean))}"]
        if fit.derived:
            lines += ["[fit.derived]", *(f'{name} = "{expression}"' for name, expression in fit.derived.items())]
        for kind, row in fit.coefficients.items():
            lines += [f"[fit.coefficients.{kind}]", *(f'"{term}" = {value}' for term, value in row.items())]
    return "\n".join(lines) + "\n"


def _rounded(errors: Mapping[str, float]) -> dict[str, float]:
    return {kind: round(error, 4) for kind, error in errors.items()}


def _table(values: Mapping[str, float]) -> str:
    return "{ " + ", ".join(f"{name} = {value}" for name, value in values.items()) + " }" if values else "{}"
