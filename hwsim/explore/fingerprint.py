"""What compiled code depends on, as one hash: sources of formulas, the constants they read, the libraries."""

from __future__ import annotations

import hashlib
import platform
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hwsim.cost import formula_sources, is_cost_function


def formula_fingerprint(formulas: Sequence[Callable[..., Any]], more: Sequence[str] = ()) -> str:
    """Return a hash (hex) of formulas and everything they call or read, and of the versions that compile them.

    Parameters
    ----------
    formulas : marked cost functions
    more : further text that the compiled code depends on
    """
    import llvmlite
    import numba
    import numpy

    parts = [numba.__version__, llvmlite.__version__, numpy.__version__, platform.python_version(), *more]
    for formula in formulas:
        parts += formula_sources(formula)
        parts += sorted(set(_constants(formula, set())))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _constants(formula: Callable[..., Any], seen: set[Callable[..., Any]]) -> Iterator[str]:
    """Yield ``name=value`` of each global that a formula, or one that it calls, reads: compiled code freezes them."""
    assert isinstance(formula, types.FunctionType)
    if formula in seen:
        return
    seen.add(formula)
    for name in sorted(_names(formula.__code__)):
        if name not in formula.__globals__:
            continue  # an attribute or a builtin
        value = formula.__globals__[name]
        if is_cost_function(value):
            yield from _constants(value, seen)
        elif isinstance(value, type):
            yield f"{name}={value.__qualname__}{getattr(value, '_fields', ())}"
        elif isinstance(value, types.ModuleType):
            yield f"{name}={value.__name__}"
        elif isinstance(value, types.FunctionType):
            yield f"{name}={_source(value)}"
        else:
            yield f"{name}={value!r}"


def _names(code: types.CodeType) -> set[str]:
    """Names that a piece of code and the pieces inside it (comprehensions) look up."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names(constant)
    return names


def _source(function: types.FunctionType) -> str:
    """A plain function that a formula calls: its whole file counts, since it may call others there."""
    file = Path(function.__code__.co_filename)
    return file.read_text() if file.is_file() else repr(function.__code__.co_code)
