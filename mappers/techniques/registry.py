"""The techniques there are: every module of this folder with a TECHNIQUE is one."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import hwsim.mappers.techniques as folder
from hwsim.errors import unknown_name
from hwsim.mappers.techniques.technique import Choice, Technique, choose


@cache
def techniques() -> dict[str, Technique]:
    """Every technique by name, in alphabetical order."""
    modules = (
        importlib.import_module(f"{folder.__name__}.{each.name}") for each in pkgutil.iter_modules(folder.__path__)
    )
    found = [module.TECHNIQUE for module in modules if isinstance(getattr(module, "TECHNIQUE", None), Technique)]
    return {each.name: each for each in sorted(found, key=lambda each: each.name)}


def list_techniques() -> list[str]:
    """Names of all techniques."""
    return list(techniques())


def read_technique(text: str) -> Choice:
    """Read ``NAME[:key=value,...]``.

    Raises
    ------
    UnknownNameError : no technique has this name
    InputError : a parameter that does not exist, or a value that is not allowed

    >>> read_technique("n-m-sparsity:n=8,m=16").text
    'n-m-sparsity:n=8,m=16'
    """
    name, _, settings = str(text).strip().partition(":")
    known = techniques()
    if name not in known:
        raise unknown_name("technique", name, known)
    return choose(known[name], settings)
