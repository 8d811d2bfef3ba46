"""`hwsim rtl characterise`: hierarchy, word-level counts and fitted Xilinx resources of a kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hwsim.errors import InputError

if TYPE_CHECKING:
    from hwsim.rtl.record import Kernel


def characterisation(kernel: Kernel, given: Mapping[str, int], *, in_place: bool = False) -> list[dict[str, Any]]:
    """All that the Verilog tells, a record for each parameter set.

    ``given`` parameters are synthesised themselves; without any, the kernel's declared sweeps are, and fitted (`fits`
    are the same in every record).
    """
    from hwsim.rtl.hierarchy import hierarchy, tree

    if in_place and not kernel.resource_sweeps:
        raise InputError(f"{kernel.name}: no resource_sweeps in its kernel.py, so --in-place has nothing to write")
    fits = [] if given or not kernel.resource_sweeps else _fits(kernel, in_place)
    found = []
    for chosen in [given] if given else kernel.parameter_sets:
        values = kernel.values(chosen)
        graph = hierarchy(kernel, values)
        record = {
            "kernel": kernel.name,
            "parameters": values,
            "ports": [list(port) for port in graph.nodes[kernel.name]["ports"]],
            "hierarchy": [{"depth": depth, "module": module, "count": count} for depth, module, count in tree(graph)],
            "resources": kernel.resources(**values),
            "fits": fits,
        }
        found.append(record | ({"xilinx": _beside_the_fit(kernel, values)} if given else {}))
    return found


def _beside_the_fit(kernel: Kernel, values: Mapping[str, int]) -> dict[str, dict[str, float | None]]:
    from hwsim.rtl.resource_fit import predicted
    from hwsim.rtl.synthesis import xilinx_counts

    fitted = predicted(kernel.folder, values)
    counts = xilinx_counts(kernel, values)
    return {kind: {"synthesised": count, "predicted": fitted.get(kind)} for kind, count in counts.items()}


def _fits(kernel: Kernel, in_place: bool) -> list[dict[str, Any]]:
    from hwsim.rtl.resource_fit import FILE_NAME, KINDS, toml_text
    from hwsim.rtl.synthesis import characterised, tool

    fits = characterised(kernel)
    if in_place:
        file = kernel.folder / FILE_NAME
        try:
            file.write_text(toml_text(kernel.name, fits, tool()))
        except OSError as error:
            raise InputError(f"{file}: {error.strerror}") from error
    return [
        {
            "held": dict(fit.held),
            "points": [dict(point) for point in fit.points],
            "coefficients": {kind: dict(fit.coefficients[kind]) for kind in KINDS},
            "formula": {kind: fit.formula(kind) for kind in KINDS},
            "largest_error": dict(fit.error),
        }
        for fit in fits
    ]


def print_characterisation(records: Sequence[Mapping[str, Any]]) -> None:
    """Print a kernel's records: the module tree of the first parameter set, then the tables."""
    from hwsim.commands.rtl import _assignments, _table

    first = records[0]
    print(f"\n{first['kernel']}  {_assignments(first['parameters'])}")
    print("ports: " + ", ".join(f"{direction} {name}" for direction, name in first["ports"]))
    for level in first["hierarchy"]:
        print("  " * level["depth"] + level["module"] + (f" x {level['count']}" if level["count"] > 1 else ""))
    print()
    kinds = list(dict.fromkeys(kind for one in records for kind in one["resources"]))
    rows = [
        [_assignments(one["parameters"])]
        + [f"{one['resources'][kind]:,.10g}" if kind in one["resources"] else "-" for kind in kinds]
        for one in records
    ]
    _table(["Parameters", *(kind.replace("_", " ") for kind in kinds)], rows)
    if "xilinx" in first:
        print()
        rows = [
            [kind, *("-" if both[how] is None else f"{both[how]:,.10g}" for how in ("synthesised", "predicted"))]
            for kind, both in first["xilinx"].items()
        ]
        _table(["Xilinx", "synthesised", "by resources.toml"], rows)
    for fit in first["fits"]:
        print(f"\n{len(fit['points'])} syntheses with {_assignments(fit['held'])}")
        rows = [[kind, text, f"{fit['largest_error'][kind]:.1%}"] for kind, text in fit["formula"].items()]
        _table(["Xilinx", "formula", "largest error"], rows)
