"""Resource counts as a linear model: terms of the parameters, fitted to swept syntheses by least squares.

A `ResourceSweep` says what is synthesised and with which terms; a `ResourceFit` holds what came out. Fits are kept in
the kernel's ``resources.toml`` and predict LUTs, flip-flops, DSPs and block memories without a synthesis.
"""

from __future__ import annotations

import ast
import math
import operator
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwsim.errors import InputError

KINDS = ("lut", "ff", "dsp", "bram")
FILE_NAME = "resources.toml"
_OPERATIONS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Pow: operator.pow,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., float]] = {"min": min, "max": max, "log2": math.log2}


@dataclass(frozen=True, kw_only=True)
class ResourceSweep:
    """Parameter sets to synthesise, and by kind of resource the terms that its counts are fitted against.

    A term is an expression of the parameters; a kind without terms is taken as constant. A parameter that all
    ``points`` give the same value, or none gives, is held: the fit is of that value only.
    """

    terms: Mapping[str, tuple[str, ...]]
    points: tuple[Mapping[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class ResourceFit:
    """By kind of resource the coefficient of each term; valid where the ``held`` parameters have these values.

    ``error`` is the largest relative error over the points swept, by kind, against a count of at least one.
    """

    held: Mapping[str, int]
    points: tuple[Mapping[str, int], ...]
    coefficients: Mapping[str, Mapping[str, float]]
    error: Mapping[str, float]

    def predict(self, values: Mapping[str, int]) -> dict[str, float] | None:
        """Counts at these parameters, whole numbers from zero up (halves for ``bram``); None if a held one differs."""
        if any(values[name] != value for name, value in self.held.items()):
            return None
        return {kind: _count(kind, row, values) for kind, row in self.coefficients.items()}

    def formula(self, kind: str) -> str:
        """The formula of one kind: ``1.5 + 60*ROWS*COLUMNS``, terms that add less than a thousandth left out."""
        parts = [
            f"{coefficient:.4g}" if term == "1" else f"{coefficient:.4g}*{term}"
            for term, coefficient in self.coefficients[kind].items()
            if abs(coefficient) >= 1e-3
        ]
        return " + ".join(parts).replace("+ -", "- ") or "0"


def term_value(term: str, values: Mapping[str, int]) -> float:
    """Value of a term: whole numbers, parameters, ``+ - * / // **``, ``min``, ``max``, ``log2``.

    >>> term_value("ROWS*(COLUMNS - 1)", {"ROWS": 3, "COLUMNS": 5})
    12
    """

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        if isinstance(node, ast.Name) and node.id in values:
            return values[node.id]
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
            return _OPERATIONS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
            return _FUNCTIONS[node.func.id](*map(value, node.args))
        raise InputError(f"term '{term}': '{ast.unparse(node)}' must be a number or one of {', '.join(values)}")

    try:
        return value(ast.parse(term, mode="eval").body)
    except SyntaxError:
        raise InputError(f"term '{term}' must be an expression of {', '.join(values)}") from None


def fit_counts(
    terms: Mapping[str, Sequence[str]], points: Sequence[Mapping[str, int]], counts: Sequence[Mapping[str, float]]
) -> ResourceFit:
    """Fit counts at complete parameter sets, each kind against its terms, by least squares.

    Raises
    ------
    InputError : fewer points than terms, or terms that these points do not tell apart
    """
    import numpy as np

    coefficients: dict[str, dict[str, float]] = {}
    error = {}
    for kind in KINDS:
        chosen = terms.get(kind, ("1",))
        matrix = np.array([[term_value(term, point) for term in chosen] for point in points], float)
        if np.linalg.matrix_rank(matrix) < len(chosen):
            raise InputError(f"{len(points)} points do not tell the {len(chosen)} terms {', '.join(chosen)} apart")
        measured = np.array([count[kind] for count in counts], float)
        solution = np.linalg.lstsq(matrix, measured, rcond=None)[0].tolist()
        coefficients[kind] = {term: round(one, 6) + 0.0 for term, one in zip(chosen, solution, strict=True)}
        guess = np.array([_count(kind, coefficients[kind], point) for point in points])
        error[kind] = float(np.max(np.abs(guess - measured) / np.maximum(measured, 1.0)))
    held = {name: value for name, value in points[0].items() if all(point[name] == value for point in points)}
    swept = tuple({name: value for name, value in point.items() if name not in held} for point in points)
    return ResourceFit(held=held, points=swept, coefficients=coefficients, error=error)


def predicted(folder: Path, values: Mapping[str, int]) -> dict[str, float]:
    """Counts by the kernel's resources.toml; empty without one, or where no fit is of these parameters."""
    for fit in read_fits(folder / FILE_NAME):
        counts = fit.predict(values)
        if counts is not None:
            return counts
    return {}


def read_fits(file: Path) -> list[ResourceFit]:
    """The fits of a resources.toml; none if the file does not exist."""
    if not file.is_file():
        return []
    try:
        return [
            ResourceFit(
                held=one["held"],
                points=tuple(one["points"]),
                coefficients={kind: one["coefficients"][kind] for kind in KINDS},
                error={kind: one["error"][kind] for kind in KINDS},
            )
            for one in tomllib.loads(file.read_text())["fit"]
        ]
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file}: {error}") from error
    except KeyError as error:
        raise InputError(f"{file}: a fit has no {error}") from error


def toml_text(kernel: str, fits: Sequence[ResourceFit], tool: str) -> str:
    """The resources.toml of a kernel, with the command and the tool that made it."""
    lines = [f"# fitted: hwsim rtl characterise {kernel} --in-place", f"# counts: {tool}"]
    lines += ["# error: the largest over the points, relative to the count synthesised (to 1 where that is 0)"]
    for fit in fits:
        lines += ["", "[[fit]]", f"held = {_table(fit.held)}"]
        lines += ["points = [", *(f"    {_table(point)}," for point in fit.points), "]"]
        lines += [f"error = {_table({kind: round(fit.error[kind], 4) for kind in KINDS})}"]
        for kind in KINDS:
            lines += [f"[fit.coefficients.{kind}]"]
            lines += [f'"{term}" = {value}' for term, value in fit.coefficients[kind].items()]
    return "\n".join(lines) + "\n"


def _table(values: Mapping[str, float]) -> str:
    return "{ " + ", ".join(f"{name} = {value}" for name, value in values.items()) + " }" if values else "{}"


def _count(kind: str, coefficients: Mapping[str, float], values: Mapping[str, int]) -> float:
    step = 0.5 if kind == "bram" else 1.0
    value = sum(coefficient * term_value(term, values) for term, coefficient in coefficients.items())
    return max(0.0, round(value / step) * step)
