"""`hwsim run`: predict latency, energy and memory of a network on one or more systems."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from hwsim.errors import InputError

if TYPE_CHECKING:
    from hwsim.engine.workload import Workload
    from hwsim.hardware import System
    from hwsim.result import Result


class Case(NamedTuple):
    """One column of the answer: a network on a system, and what it is asked to do there."""

    network: Any
    system: System
    workload: Workload


def run(
    network: Annotated[
        str, typer.Argument(metavar="NETWORK", help="A catalog name (llama-2-7b) or a Hugging Face config.json.")
    ],
    on: Annotated[
        list[str], typer.Option(help='Device, TOML path or "8x DEVICE over LINK"; repeat it for a side-by-side table.')
    ],
    phase: Annotated[
        str, typer.Option(help="prefill, decode, generate or forward; several with commas: prefill,decode.")
    ] = "decode",
    batch: Annotated[int, typer.Option(help="Requests at once.")] = 1,
    prompt: Annotated[int, typer.Option(help="Prompt tokens a request (prefill, generate).")] = 1024,
    context: Annotated[int, typer.Option(help="Tokens already cached a request (decode).")] = 1024,
    output: Annotated[int, typer.Option(help="Tokens to generate a request (generate).")] = 128,
    weights: Annotated[
        str, typer.Option(help="Weight format, e.g. bf16, fp8_e4m3, int4:g128; default: the network's.")
    ] = "",
    activations: Annotated[str, typer.Option(help="Activation format; default: the network's.")] = "",
    kv: Annotated[str, typer.Option(help="KV cache format; default: the activations'.")] = "",
    technique: Annotated[
        list[str] | None,
        typer.Option(help="NAME[:key=value,...] of hwsim list techniques; repeat it for several."),
    ] = None,
    parallel: Annotated[str, typer.Option(help="How to cut the network, e.g. tp=4.")] = "",
    runtime: Annotated[str, typer.Option(help="Launch profile: graph, eager or another of the catalog.")] = "graph",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help='Change a device field: device.memory.bandwidth="3 TB/s".')
    ] = None,
    explain: Annotated[str, typer.Option(help="Print the formula, numbers and sources of one operator.")] = "",
    engine: Annotated[str, typer.Option(help="analytic or events.")] = "analytic",
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write a self-contained HTML report.")] = None,
    trace: Annotated[Path | None, typer.Option(help="Write a Perfetto trace (needs --engine events).")] = None,
) -> None:
    """Predict latency, energy and memory of a network.

    One line a unique operator: how often it runs, its time, what bounds it; then the totals.
    """
    import hwsim
    from hwsim.engine.workload import workload_of
    from hwsim.models.catalog import read_runtime

    if trace is not None and engine != "events":
        raise InputError("--trace needs --engine events")
    model = hwsim.network(network)
    workloads = [
        workload_of(
            model, phase=name.strip(), batch=batch, prompt=prompt, context=context, output=output, weights=weights,
            activations=activations, kv=kv, parallel=parallel,
        )
        for name in phase.split(",")
    ]  # fmt: skip
    cases = _cases(model, on, workloads, read_overrides(set_ or []), technique or [])
    profile = read_runtime(runtime)
    _answer(cases, profile, runtime, engine, explain=explain, json_output=json_output, report=report, trace=trace)


def _cases(
    model: Any, on: list[str], workloads: list[Workload], overrides: dict[str, str], techniques: list[str]
) -> list[Case]:
    """Every workload on every system, with the network as the techniques leave it for the system's device."""
    import hwsim
    from hwsim.mappers.techniques.applied import with_techniques

    devices = workloads[0].parallel.devices
    systems = [hwsim.as_system(hwsim.system(text, overrides), devices) for text in on]
    return [
        Case(with_techniques(model, techniques, system.device), system, work)
        for system in systems
        for work in workloads
    ]


def _answer(
    cases: list[Case], profile: Any, runtime: str, engine: str, *,
    explain: str, json_output: bool, report: Path | None, trace: Path | None,
) -> None:  # fmt: skip
    """Simulate the cases, write what was asked for, then print."""
    from hwsim.engine.simulate import simulate_workload

    pairs = [
        (simulate_workload(case.network, case.system, case.workload, profile, runtime, engine), case.system)
        for case in cases
    ]
    if trace is not None:
        _write_trace(trace, cases[0], profile)
    if report is not None:
        from hwsim.report.run_report import write_report

        write_report(report, pairs)
    if explain:
        _explain(cases, profile, explain, json_output)
    else:
        _print(pairs, json_output)


def _explain(cases: list[Case], profile: Any, operator: str, json_output: bool) -> None:
    from hwsim.commands.explain import explain_operator, print_explanation

    found = [explain_operator(case.network, case.system, case.workload, profile, operator) for case in cases]
    if json_output:
        _print_json(found)
        return
    for document in found:
        print_explanation(document)


def read_overrides(texts: list[str]) -> dict[str, str]:
    """Read ``device.PATH=VALUE`` texts into TOML path -> value.

    Raises
    ------
    InputError : no ``=``, or a path that does not start with ``device.``
    """
    overrides = {}
    for text in texts:
        path, equals, value = text.partition("=")
        path = path.strip()
        if not equals or not path.startswith("device.") or not value.strip():
            raise InputError(f"--set '{text}' must read device.FIELD=VALUE, as in device.memory.bandwidth=\"3 TB/s\"")
        overrides[path.removeprefix("device.")] = value.strip().strip("\"'")
    return overrides


def _print_json(documents: list[dict[str, Any]]) -> None:
    print(json.dumps(documents[0] if len(documents) == 1 else {"results": documents}, allow_nan=False))


def _print(pairs: list[tuple[Result, System]], json_output: bool) -> None:
    if json_output:
        _print_json([result.to_dict() for result, _ in pairs])
        return
    from rich.console import Console

    from hwsim.report.tables import print_comparison, print_result

    console = Console()
    for result, system in pairs:
        print_result(result, system, console)
    if len(pairs) > 1:
        print_comparison([result for result, _ in pairs], console)


def _write_trace(path: Path, case: Case, profile: Any) -> None:
    from hwsim.engine.events import replay
    from hwsim.engine.simulate import schedule_of
    from hwsim.engine.trace import write_trace

    write_trace(path, replay(schedule_of(case.network, case.system, case.workload, profile)))
