"""`hwsim rtl characterise`: hierarchy, word-level counts and fitted Xilinx and generic resources of a kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.errors import InputError
from hwsim.report.plain_table import assignments, print_table

if TYPE_CHECKING:
    from hwsim.rtl.record import Kernel


def characterisation(
    kernel: Kernel, given: Mapping[str, int], *, in_place: bool = False, out: Path | None = None
) -> list[dict[str, Any]]:
    """All that the Verilog tells, a record for each parameter set.

    ``given`` parameters are synthesised themselves; without any, the kernel's declared sweeps are, and fitted (`fits`
    are the same in every record), and written to the kernel's resources.toml (``in_place``) or to ``out``.
    """
    from hwsim.rtl.hierarchy import hierarchy, tree
    from hwsim.rtl.resource_fit import FILE_NAME
    from hwsim.rtl.structure import by_module

    file = kernel.folder / FILE_NAME if in_place else out
    if file is not None and not kernel.resource_sweeps:
        raise InputError(
            f"{kernel.name}: no resource_sweeps in its kernel.py or sweeps.py, so there is nothing to write"
        )
    fits = [] if given or not kernel.resource_sweeps else _fits(kernel, file)
    found = []
    for chosen in [given] if given else kernel.parameter_sets:
        values = kernel.values(chosen)
        graph = hierarchy(kernel, values)
        record = {
            "kernel": kernel.name,
            "parameters": values,
            "ports": [list(port) for port in graph.nodes[kernel.name]["ports"]],
            "hierarchy": [{"depth": depth, "module": module, "count": count} for depth, module, count in tree(graph)],
            "modules": by_module(kernel.name, kernel.files, values),
            "resources": kernel.resources(**values),
            "fits": fits,
        }
        found.append(record | (_beside_the_fit(kernel, values) if given else {}))
    return found


def _beside_the_fit(kernel: Kernel, values: Mapping[str, int]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Counts synthesised and predicted: ``xilinx``, and ``generic``."""
    from hwsim.rtl.resource_fit import predicted
    from hwsim.rtl.synthesis import generic_counts, xilinx_counts

    fitted = predicted(kernel.folder, values)
    found = {"xilinx": xilinx_counts(kernel, values), "generic": generic_counts(kernel, values)}
    return {
        name: {kind: {"synthesised": count, "predicted": fitted.get(kind)} for kind, count in counts.items()}
        for name, counts in found.items()
    }


def _fits(kernel: Kernel, file: Path | None) -> list[dict[str, Any]]:
    from hwsim.rtl.resource_fit import toml_text
    from hwsim.rtl.synthesis import characterised, tool

    fits = characterised(kernel)
    if file is not None:
        try:
            file.write_text(toml_text(kernel.name, fits, tool(generic=any("cells" in fit.error for fit in fits))))
        except OSError as error:
            raise InputError(f"{file}: {error.strerror}") from error
    return [
        {
            "held": dict(fit.held),
            "points": [dict(point) for point in fit.points],
            "derived": dict(fit.derived),
            "coefficients": {kind: dict(row) for kind, row in fit.coefficients.items()},
            "formula": {kind: fit.formula(kind) for kind in fit.coefficients},
            "largest_error": dict(fit.error),
            "held_out": [dict(point) for point in fit.held_out],
            "held_out_error": dict(fit.held_out_error),
            "held_out_mean": dict(fit.held_out_mean),
        }
        for fit in fits
    ]


def print_characterisation(records: Sequence[Mapping[str, Any]]) -> None:
    """Print a kernel's records: the module tree of the first parameter set, then the tables."""
    first = records[0]
    print(f"\n{first['kernel']}  {assignments(first['parameters'])}")
    print("ports: " + ", ".join(f"{direction} {name}" for direction, name in first["ports"]))
    for level in first["hierarchy"]:
        print("  " * level["depth"] + level["module"] + (f" x {level['count']}" if level["count"] > 1 else ""))
    print()
    _print_modules(first["modules"])
    print()
    _print_resources(records)
    if any(one["resources"].get("extrapolated") for one in records):
        print("extrapolated: so many parameters lie outside the range that was swept; the fit is not checked there")
    for name in ("xilinx", "generic"):
        if name in first:
            print()
            rows = [
                [kind, *("-" if both[how] is None else f"{both[how]:,.10g}" for how in ("synthesised", "predicted"))]
                for kind, both in first[name].items()
            ]
            print_table([name.capitalize(), "synthesised", "by resources.toml"], rows)
    for fit in first["fits"]:
        _print_fit(fit)


def _print_modules(modules: Sequence[Mapping[str, Any]]) -> None:
    """Print what one instance of each module counts, without the columns where none has any."""
    kinds = [kind for kind in modules[0] if kind not in ("module", "instances") and any(one[kind] for one in modules)]
    print_table(
        ["Module", "instances", *(kind.replace("_", " ") for kind in kinds)],
        [[one["module"], f"{one['instances']:,}", *(f"{one[kind]:,}" for kind in kinds)] for one in modules],
    )


def _print_resources(records: Sequence[Mapping[str, Any]]) -> None:
    """Print a line for each resource and a column for each parameter set, named by the parameters that differ."""
    differ = [name for name, value in records[0]["parameters"].items()
              if any(one["parameters"][name] != value for one in records)]  # fmt: skip
    kinds = list(dict.fromkeys(kind for one in records for kind in one["resources"]))
    rows = [
        [kind.replace("_", " "), *(f"{one['resources'].get(kind, float('nan')):,.10g}" for one in records)]
        for kind in kinds
    ]
    heads = [assignments({name: one["parameters"][name] for name in differ}) or "count" for one in records]
    print_table(["Resource", *heads], rows)


def _print_fit(fit: Mapping[str, Any]) -> None:
    held = f" with {assignments(fit['held'])}" if fit["held"] else ""
    print(f"\n{len(fit['points'])} syntheses{held}, {len(fit['held_out'])} held out")
    for name, expression in fit["derived"].items():
        print(f"  {name} = {expression}")
    rows = [
        [kind, text, f"{fit['largest_error'][kind]:.1%}", _share(fit["held_out_error"].get(kind))]
        for kind, text in fit["formula"].items()
    ]
    print_table(["Kind", "formula", "largest error", "held out"], rows)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
