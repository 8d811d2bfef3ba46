"""One formula, three uses: mark a scalar cost formula; call it as it is, or compile it with all it calls.

A cost function takes plain floats and NamedTuples of floats and returns floats or NamedTuples of floats. It calls
other cost functions by their bare name. Its source knows nothing of numba: `compiled` rebuilds it, and every marked
function it calls, for numba on demand, so that a single query never imports the compiler.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

_marked: set[types.FunctionType] = set()
_compiled: dict[types.FunctionType, Any] = {}


def cost_function(function: Function) -> Function:
    """Mark a scalar cost formula so that `compiled` can reach it; the function itself is unchanged."""
    if not isinstance(function, types.FunctionType):
        raise TypeError(f"cost_function marks plain functions, got {function!r}")
    _marked.add(function)
    return function


def is_cost_function(value: object) -> bool:
    """Tell whether a value is a marked formula."""
    return isinstance(value, types.FunctionType) and value in _marked


def compiled(function: Callable[..., Any]) -> Any:
    """Return the numba version of a marked formula and of every marked formula it calls, built once a process."""
    if not is_cost_function(function):
        raise TypeError(f"{function!r} is not marked with @cost_function")
    assert isinstance(function, types.FunctionType)
    if function not in _compiled:
        import numba

        namespace = dict(function.__globals__)
        for name in function.__code__.co_names:
            callee = namespace.get(name)
            if callee is not None and is_cost_function(callee) and callee is not function:
                namespace[name] = compiled(callee)
        twin = types.FunctionType(
            function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__
        )
        # Inlined whole: records stay in registers, constants are hoisted: three times as fast in a tile search.
        _compiled[function] = numba.njit(twin, error_model="numpy", fastmath=True, forceinline=True)
    return _compiled[function]


class Watched:
    """A record that notes which of its fields a formula reads, in order."""

    def __init__(self, record: Any) -> None:
        self._record = record
        self.read: dict[str, None] = {}

    def __getattr__(self, name: str) -> Any:
        self.read[name] = None
        return getattr(self._record, name)


def traced(function: Callable[..., Any], record: Any, row: Any) -> tuple[list[str], list[types.FunctionType]]:
    """Return the fields of ``record`` that a formula reads for ``row``, and the formulas that it goes through."""
    import sys

    by_code = {each.__code__: each for each in _marked}
    called: dict[types.FunctionType, None] = {}
    watched = Watched(record)

    def note(frame: types.FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code in by_code:
            called[by_code[frame.f_code]] = None

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function(watched, row)
    finally:
        sys.setprofile(before)
    return list(watched.read), list(called)


def formula_sources(function: Callable[..., Any], seen: set[types.FunctionType] | None = None) -> list[str]:
    """Return the source text of a formula and of every marked formula it calls, for a cache key."""
    import inspect

    assert isinstance(function, types.FunctionType)
    seen = set() if seen is None else seen
    if function in seen:
        return []
    seen.add(function)
    texts = [inspect.getsource(function)]
    for name in function.__code__.co_names:
        callee = function.__globals__.get(name)
        if callee is not None and is_cost_function(callee):
            texts += formula_sources(callee, seen)
    return texts
