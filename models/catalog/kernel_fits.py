"""Resources of a Verilog kernel without a synthesis: the fits that ``hwsim rtl characterise`` keeps in resources.toml.

A count is a sum of coefficients times terms; a term is an expression of the kernel's parameters and of the names that
the fit derives from them. The families of FPGAs and NPUs read the counts here; rtl/resource_fit.py makes the fits.
"""

from __future__ import annotations

import ast
import math
import operator
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hwsim.errors import InputError, did_you_mean

KINDS = ("lut", "ff", "dsp", "bram")
GENERIC_KINDS = ("cells", "gates")  # fitted where a sweep names terms for them
FILE_NAME = "resources.toml"
FOLDER = Path(__file__).resolve().parents[2] / "rtl"
_OPERATIONS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., float]] = {"min": min, "max": max, "log2": math.log2, "ceil": math.ceil}


@dataclass(frozen=True, kw_only=True)
class ResourceFit:
    """By kind of resource the coefficient of each term; valid where the ``held`` parameters have these values.

    ``error`` is the largest relative error over the points swept, by kind, against a count of at least one;
    ``held_out_error`` that over the ``held_out`` points, which were synthesised but not fitted, ``held_out_mean`` the
    mean there. ``derived`` are names that terms may use, as expressions of the parameters and of those before them.
    """

    held: Mapping[str, int]
    points: tuple[Mapping[str, int], ...]
    coefficients: Mapping[str, Mapping[str, float]]
    error: Mapping[str, float]
    derived: Mapping[str, str] = field(default_factory=dict)
    held_out: tuple[Mapping[str, int], ...] = ()
    held_out_error: Mapping[str, float] = field(default_factory=dict)
    held_out_mean: Mapping[str, float] = field(default_factory=dict)

    def predict(self, values: Mapping[str, int]) -> dict[str, float] | None:
        """Counts at these parameters, whole numbers from zero up (halves for ``bram``); None if a held one differs."""
        if any(values[name] != value for name, value in self.held.items()):
            return None
        names = complete(values, self.derived)
        return {kind: count(kind, row, names) for kind, row in self.coefficients.items()}

    def outside(self, values: Mapping[str, int]) -> list[str]:
        """Parameters below or above every point of the sweep: there the fit extrapolates."""
        swept = {name: [point[name] for point in self.points] for name in (self.points[0] if self.points else {})}
        return [name for name, seen in swept.items() if not min(seen) <= values[name] <= max(seen)]

    def formula(self, kind: str) -> str:
        """The formula of one kind: ``1.5 + 60*ROWS*COLUMNS``, terms that add less than a thousandth left out."""
        parts = [
            f"{coefficient:.4g}" if term == "1" else f"{coefficient:.4g}*{term}"
            for term, coefficient in self.coefficients[kind].items()
            if abs(coefficient) >= 1e-3
        ]
        return " + ".join(parts).replace("+ -", "- ") or "0"


class Resources(dict[str, float]):
    """Counts by kind; a kind that nothing gave says how to get it.

    ``extrapolated``, where a fit was used, is the number of parameters outside the range that was swept.
    """

    def __init__(self, kernel: str, counts: Mapping[str, float]) -> None:
        super().__init__(counts)
        self.kernel = kernel

    def __missing__(self, kind: str) -> float:
        if kind in (*KINDS, *GENERIC_KINDS):
            raise InputError(f"kernel {self.kernel}: no fit of '{kind}' at these parameters; {_how(self.kernel)}")
        raise InputError(
            f"kernel {self.kernel}: resource '{kind}' must be one of {', '.join(self)}{did_you_mean(kind, self)}"
        )


def term_value(term: str, values: Mapping[str, float]) -> float:
    """Value of a term: whole numbers, names, ``+ - * / // % **``, comparisons (1 or 0), ``min max log2 ceil``.

    >>> term_value("ROWS*(COLUMNS - 1) + (ROWS > 2)", {"ROWS": 3, "COLUMNS": 5})
    13
    """

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        if isinstance(node, ast.Name) and node.id in values:
            return values[node.id]
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
            return _OPERATIONS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
            return int(_COMPARISONS[type(node.ops[0])](value(node.left), value(node.comparators[0])))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
            return _FUNCTIONS[node.func.id](*map(value, node.args))
        raise InputError(f"term '{term}': '{ast.unparse(node)}' must be a number or one of {', '.join(values)}")

    try:
        return value(ast.parse(term, mode="eval").body)
    except SyntaxError:
        raise InputError(f"term '{term}' must be an expression of {', '.join(values)}") from None
    except InputError:
        raise
    except (ArithmeticError, ValueError) as error:
        raise InputError(f"term '{term}': {error}") from None


def complete(values: Mapping[str, float], derived: Mapping[str, str]) -> dict[str, float]:
    """Parameters and the names derived from them."""
    found = dict(values)
    for name, expression in derived.items():
        found[name] = term_value(expression, found)
    return found


def count(kind: str, coefficients: Mapping[str, float], names: Mapping[str, float]) -> float:
    """One count by its formula: not below zero, rounded to what can be there."""
    step = 0.5 if kind == "bram" else 1.0
    value = sum(coefficient * term_value(term, names) for term, coefficient in coefficients.items())
    return max(0.0, round(value / step) * step)


def predicted(folder: Path, values: Mapping[str, int]) -> dict[str, float]:
    """Counts by the kernel's resources.toml; empty without one, or where no fit is of these parameters.

    ``extrapolated`` is the number of parameters outside the range that was swept: 0 within it.
    """
    for fit in read_fits(folder / FILE_NAME):
        counts = fit.predict(values)
        if counts is not None:
            return counts | {"extrapolated": float(len(fit.outside(values)))}
    return {}


def kernel_counts(kernel: str, given: Mapping[str, int], folder: Path = FOLDER) -> Resources:
    """Counts of a kernel of rtl/ at these parameters, each of them given or held by the fit.

    Raises
    ------
    UnknownNameError, InputError : no such kernel, no fit of it, a parameter that is unknown, missing or not fitted
    """
    if not (folder / kernel / "kernel.py").is_file():
        from hwsim.errors import unknown_name

        raise unknown_name("kernel", kernel, sorted(file.parent.name for file in folder.glob("*/kernel.py")))
    fits = read_fits(folder / kernel / FILE_NAME)
    if not fits:
        raise InputError(f"kernel {kernel}: its resources are not fitted; {_how(kernel)}")
    for fit in fits:
        swept = list(fit.points[0])
        unknown = [name for name in given if name not in swept and name not in fit.held]
        if unknown:
            names = [*swept, *fit.held]
            raise InputError(
                f"kernel {kernel}: parameter '{unknown[0]}' must be one of {', '.join(names)}"
                f"{did_you_mean(unknown[0], names)}"
            )
        if any(given.get(name, value) != value for name, value in fit.held.items()):
            continue
        missing = [name for name in swept if name not in given]
        if missing:
            raise InputError(f"kernel {kernel}: parameters must name {', '.join(missing)}")
        values = {**fit.held, **given}
        counts = fit.predict(values)
        assert counts is not None
        return Resources(kernel, counts | {"extrapolated": float(len(fit.outside(values)))})
    held = "; ".join(", ".join(f"{name}={value}" for name, value in fit.held.items()) for fit in fits)
    raise InputError(f"kernel {kernel}: its resources are fitted at {held} only; {_how(kernel)}")


def read_fits(file: Path) -> list[ResourceFit]:
    """The fits of a resources.toml; none if the file does not exist."""
    if not file.is_file():
        return []
    try:
        return [
            ResourceFit(
                held=one["held"],
                points=tuple(one["points"]),
                coefficients={kind: one["coefficients"][kind] for kind in _kinds(one["coefficients"])},
                error={kind: one["error"][kind] for kind in _kinds(one["coefficients"])},
                derived=one.get("derived", {}),
                held_out=tuple(one.get("held_out", ())),
                held_out_error=one.get("held_out_error", {}),
                held_out_mean=one.get("held_out_mean", {}),
            )
            for one in tomllib.loads(file.read_text())["fit"]
        ]
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file}: {error}") from error
    except KeyError as error:
        raise InputError(f"{file}: a fit has no {error}") from error


def _kinds(coefficients: Mapping[str, object]) -> list[str]:
    return [*KINDS, *(kind for kind in GENERIC_KINDS if kind in coefficients)]


def _how(kernel: str) -> str:
    return f"sweep them (resource_sweeps) with `hwsim rtl characterise {kernel} --in-place`"
