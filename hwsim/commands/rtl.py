"""`hwsim rtl`: the Verilog kernels, verified against their golden and cycle models, mutated and characterised."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwsim.errors import HwsimError, InputError
from hwsim.report.plain_table import assignments, print_table

if TYPE_CHECKING:
    from hwsim.rtl.record import Kernel
    from hwsim.rtl.simulation import Verification

app = typer.Typer(help="Verilog kernels: list, verify, mutate, characterise.", no_args_is_help=True)
Names = Annotated[list[str] | None, typer.Argument(metavar="[KERNEL]...", help="Names or folders; all by default.")]
Parameters = Annotated[
    list[str] | None, typer.Option("--parameter", metavar="NAME=VALUE", help="A parameter of the top module.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Simulator = Annotated[str, typer.Option(help="icarus or verilator.")]
Seed = Annotated[int, typer.Option(help="Seed of the stimulus and of the stalls.")]


class RtlFailed(HwsimError):
    """A kernel differs from its models, or a mutant was not caught."""


@app.command("list")
def list_kernels(json_output: Json = False) -> None:
    """List the kernels with their parameters."""
    kernels = _kernels(None)
    if json_output:
        print(json.dumps([_description(kernel) for kernel in kernels]))
        return
    print_table(
        ["Kernel", "What", "Parameters"],
        [
            [kernel.name, kernel.description, " ".join(f"{one.name}={one.default}" for one in kernel.parameters)]
            for kernel in kernels
        ],
    )


@app.command()
def verify(
    names: Names = None,
    simulator: Simulator = "icarus",
    parameter: Parameters = None,
    seed: Seed = 1,
    coverage: Annotated[bool, typer.Option("--coverage", help="Line and toggle coverage (Verilator).")] = False,
    waves: Annotated[
        Path | None, typer.Option(help="Write the waveform of one run to this file: FST (Icarus), VCD (Verilator).")
    ] = None,
    json_output: Json = False,
) -> None:
    """Run the benches: every beat and every cycle must equal the models, every coverage bin must be reached."""
    from hwsim.rtl.simulation import verify as run

    kernels = _kernels(names)
    given = _parameters(parameter)
    if coverage and simulator != "verilator":
        raise InputError("--coverage needs --simulator verilator")
    if waves is not None and (len(kernels) != 1 or not given):
        raise InputError("--waves needs one kernel and one set of parameters (--parameter NAME=VALUE)")
    if waves is not None and not waves.resolve().parent.is_dir():
        raise InputError(f"--waves {waves}: there is no folder {waves.resolve().parent}")
    found = [
        run(kernel, chosen, simulator=simulator, seed=seed, coverage=coverage, waves=waves)
        for kernel in kernels
        for chosen in ([given] if given else kernel.parameter_sets)
    ]
    missed = {} if given else missed_bins(found)
    if json_output:
        print(json.dumps([_record(one) for one in found], allow_nan=False))
    else:
        defaults = {kernel.name: kernel.values({}) for kernel in kernels}
        print_table(_HEADINGS, [_row(one, defaults[one.kernel]) for one in found])
    wrong = [f"{one.kernel}: {failure}" for one in found for failure in one.failures]
    wrong += [f"{name}: bins not reached: {', '.join(bins)}" for name, bins in missed.items() if bins]
    if wrong:
        raise RtlFailed(f"{len(wrong)} failures; the first: {wrong[0]}")


@app.command()
def mutate(names: Names = None, simulator: Simulator = "icarus", seed: Seed = 1, json_output: Json = False) -> None:
    """Break every kernel on purpose, one fault at a time; each mutant must be caught."""
    from dataclasses import asdict

    from hwsim.rtl.mutation import run_mutants

    found = [one for kernel in _kernels(names) for one in run_mutants(kernel, simulator=simulator, seed=seed)]
    if json_output:
        print(json.dumps([asdict(one) for one in found]))
    else:
        rows = [[one.kernel, one.mutant, "caught" if one.caught else "MISSED", one.reason[:90]] for one in found]
        print_table(["Kernel", "Mutant", "", "By"], rows)
    missed = [f"{one.kernel} '{one.mutant}'" for one in found if not one.caught]
    if missed:
        raise RtlFailed(f"mutants not caught: {', '.join(missed)}")


@app.command()
def characterise(
    names: Names = None,
    parameter: Parameters = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Write the fits to the kernel's resources.toml (in a checkout).")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write the fits of one kernel to this TOML file.")] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write a page: hierarchy, counts by module, fits.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Draw the hierarchy, count operators and registers by Yosys, and fit Xilinx and generic resources over a sweep.

    With --parameter the sweep is not run: the resources of these parameters are synthesised and set beside the fit.
    """
    from hwsim.commands.rtl_characterise import characterisation, print_characterisation

    given = _parameters(parameter)
    if (in_place or out) and given:
        raise InputError(
            f"{'--in-place' if in_place else '--out'} writes the fits of the whole sweep; leave --parameter out"
        )
    kernels = _kernels(names)
    if out and (in_place or len(kernels) != 1):
        raise InputError("--out writes the fits of one kernel, and not with --in-place: name one KERNEL")
    found = []
    for kernel in kernels:
        records = characterisation(kernel, given, in_place=in_place, out=out)
        found += records
        if not json_output:
            print_characterisation(records)
    if report:
        from hwsim.rtl.characterisation_page import write

        write(report, found)
        if not json_output:
            print(f"\nReport: {report}")
    if json_output:
        print(json.dumps(found, allow_nan=False))


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the kernel and of its top module.")],
    folder: Annotated[Path, typer.Option(help="Where the kernel's folder is made.")] = Path("."),
) -> None:
    """Make a kernel of your own that runs: Verilog, golden model, cycle model, stimulus and mutants."""
    from hwsim.rtl.scaffold import new_kernel

    print(f"{new_kernel(name, folder)}: now `hwsim rtl verify {folder / name}`")


_HEADINGS = ["Kernel", "Parameters", "Tests", "Cycles predicted", "measured", "Bins", "Lines", "Seconds", ""]


def missed_bins(found: Iterable[Verification]) -> dict[str, list[str]]:
    """By kernel, the bins that no parameter set reached."""
    hits: dict[str, dict[str, int]] = {}
    for one in found:
        bins = hits.setdefault(one.kernel, {})
        for name, count in one.coverage.items():
            bins[name] = bins.get(name, 0) + count
    return {kernel: [name for name, count in bins.items() if not count] for kernel, bins in hits.items()}


def _row(one: Verification, defaults: Mapping[str, int]) -> list[str]:
    """A line of the table, with the parameters that differ from their defaults."""
    changed = {name: value for name, value in one.parameters.items() if value != defaults[name]}
    reached = sum(1 for hits in one.coverage.values() if hits)
    lines = "-" if one.line_coverage is None else f"{one.line_coverage:.1%}"
    return [
        one.kernel, assignments(changed) or "defaults", str(one.tests), f"{one.cycles_predicted:,}",
        f"{one.cycles_measured:,}", f"{reached}/{len(one.coverage)}", lines, f"{one.seconds:.1f}",
        "FAILED" if one.failures else "passed",
    ]  # fmt: skip


def _record(one: Verification) -> dict[str, Any]:
    return {
        "kernel": one.kernel, "parameters": dict(one.parameters), "simulator": one.simulator, "seed": one.seed,
        "tests": one.tests, "cycles_predicted": one.cycles_predicted, "cycles_measured": one.cycles_measured,
        "coverage": dict(one.coverage), "line_coverage": one.line_coverage, "toggle_coverage": one.toggle_coverage,
        "uncovered_lines": list(one.uncovered_lines), "seconds": one.seconds, "failures": list(one.failures),
    }  # fmt: skip


def _description(kernel: Kernel) -> dict[str, Any]:
    return {
        "name": kernel.name, "description": kernel.description, "system": kernel.system,
        "parameters": [
            {"name": one.name, "default": one.default, "allowed": one.allowed_text, "help": one.help}
            for one in kernel.parameters
        ],
        "ports": kernel.ports,
    }  # fmt: skip


def _kernels(names: Sequence[str] | None) -> list[Kernel]:
    from hwsim.rtl import kernel_names
    from hwsim.rtl.discovery import read_kernel

    return [read_kernel(name) for name in names or kernel_names()]


def _parameters(texts: Sequence[str] | None) -> dict[str, int]:
    found = {}
    for text in texts or []:
        name, sign, value = text.partition("=")
        try:
            found[name.strip()] = int(value)
        except ValueError:
            raise InputError(f"--parameter '{text}' must be NAME=VALUE with a whole number") from None
        if not sign:
            raise InputError(f"--parameter '{text}' must be NAME=VALUE with a whole number")
    return found
