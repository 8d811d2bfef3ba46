"""Data flows one way: who may import whom when it is loaded, and no circles."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).resolve().parents[2]
MAPPED = ("models", "mappers", "experiments", "rtl")
USERS = ("hwsim.commands", "hwsim.explore", "hwsim.report", "hwsim.validation", "hwsim.experiments", "hwsim.rtl")


def _modules() -> dict[str, ast.Module]:
    """Every module of the project by its dotted name."""
    found = {}
    for folder in ("hwsim", *MAPPED):
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if folder == "hwsim" and parts[1] in MAPPED:  # a link for type checkers
                continue
            name = ".".join(parts if folder == "hwsim" else ("hwsim", *parts))
            found[name.removesuffix(".__init__")] = ast.parse(path.read_text())
    return found


def _imports(tree: ast.Module, known: set[str]) -> set[str]:
    """Modules of the project that a module imports when it is loaded."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & known


@cache
def _edges() -> tuple[tuple[str, str], ...]:
    modules = _modules()
    return tuple((name, other) for name, tree in modules.items() for other in _imports(tree, set(modules)))


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def test_the_engine_loads_neither_models_nor_mappers_nor_experiments_nor_kernels() -> None:
    mapped = tuple(f"hwsim.{folder}" for folder in MAPPED)
    wrong = [(a, b) for a, b in _edges() if not _within(a, mapped) and _within(b, mapped)]
    assert wrong == []


def test_models_and_mappers_know_only_the_engine() -> None:
    for package, others in (("hwsim.models", ("hwsim.mappers",)), ("hwsim.mappers", ("hwsim.models",))):
        wrong = [(a, b) for a, b in _edges() if _within(a, (package,)) and _within(b, (*USERS, *others))]
        assert wrong == []


def test_only_the_start_knows_the_command_line() -> None:
    wrong = [(a, b) for a, b in _edges() if _within(b, ("hwsim.commands",)) and not _within(a, ("hwsim.commands",))]
    assert [a for a, _ in wrong] == ["hwsim.__main__"]


def test_no_two_modules_load_each_other() -> None:
    assert [group for group in nx.strongly_connected_components(nx.DiGraph(_edges())) if len(group) > 1] == []
