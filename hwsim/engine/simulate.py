"""The one function behind `hwsim run` and `hwsim.simulate`: a network, a system, a workload, a runtime -> a Result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwsim.engine.analytic import (
    check_fits,
    decode_steps,
    largest_batch,
    merge,
    operator_results,
    phase_graph,
    unaccelerated,
)
from hwsim.engine.schedule import Costing, Task, build_schedule
from hwsim.engine.workload import Parallel, Workload
from hwsim.errors import HwsimError, InputError, UnsupportedError
from hwsim.hardware import System
from hwsim.result import OperatorResult, Result
from hwsim.rows import Runtime

if TYPE_CHECKING:
    from hwsim.intervals import Calls

ENGINES = ("analytic", "events")
#: The lengths that each phase reads.
LENGTHS = {"prefill": ("prompt",), "decode": ("context",), "generate": ("prompt", "output"), "forward": ()}
PASS = {"generate": "prefill"}  # the pass that shows how a phase of several is cut


def schedule_of(network: Any, system: System, workload: Workload, runtime: Runtime) -> list[Task]:
    """The costed schedule of one phase (``generate`` has two phases, so it has no single schedule)."""
    if workload.phase == "generate":
        raise UnsupportedError("phase 'generate' is a prefill and many decode steps; ask for one of them")
    return build_schedule(phase_graph(network, workload, workload.phase), Costing(system, runtime))


def simulate_workload(
    network: Any, system: System, workload: Workload, runtime: Runtime, runtime_name: str, engine: str = "analytic"
) -> Result:
    """Predict latency, energy and memory of a workload.

    Raises
    ------
    DoesNotFitError : the peak memory of a device is above its capacity
    InputError : the system has fewer devices than the workload is cut over, or an engine that does not exist
    """
    if engine not in ENGINES:
        raise InputError(f"engine '{engine}' does not exist; allowed: {', '.join(ENGINES)}")
    devices = workload.parallel.devices
    if devices > system.count:
        raise InputError(
            f"parallel needs {devices} devices (tp={workload.parallel.tp}, pp={workload.parallel.pp}, "
            f"ep={workload.parallel.ep}, dp={workload.parallel.groups}), but '{system.name}' has {system.count}"
        )
    memory = check_fits(network, workload, system)
    costing = Costing(system, runtime)
    first_token_s = per_token_s = None
    if workload.phase == "generate":
        prefill = operator_results(build_schedule(phase_graph(network, workload, "prefill"), costing), system, devices)
        decode = decode_steps(network, workload, costing, devices)
        operators = merge([prefill, decode])
        first_token_s = sum(r.latency_s for r in prefill)
        per_token_s = sum(r.latency_s for r in decode) / (workload.output - 1) if workload.output > 1 else None
        latency_s = sum(r.latency_s for r in operators)
    else:
        tasks = build_schedule(phase_graph(network, workload, workload.phase), costing)
        operators = operator_results(tasks, system, devices)
        latency_s = sum(r.latency_s for r in operators)
        if engine == "events":
            from hwsim.engine.events import replay

            latency_s = replay(tasks).latency_s
    if engine == "events" and workload.phase == "generate":
        raise UnsupportedError("engine 'events' replays one phase; ask for --phase prefill or --phase decode")
    return _result(
        network, system, workload, runtime_name, engine, operators, latency_s,
        memory=memory, time_to_first_token_s=first_token_s, time_per_output_token_s=per_token_s,
    )  # fmt: skip


def _tokens(workload: Workload) -> int:
    return {"prefill": workload.prompt, "decode": 1, "generate": workload.output, "forward": 0}[workload.phase]


def _degrees(workload: Workload) -> dict[str, int]:
    """The degrees as stated: ``dp`` only where it is not the experts'."""
    parallel = workload.parallel
    stated = {"dp": parallel.dp} if parallel.dp else {}
    return {"tp": parallel.tp, "pp": parallel.pp, "ep": parallel.ep, **stated}


def _warnings(network: Any, workload: Workload) -> tuple[str, ...]:
    limit = getattr(network, "context_limit", None)
    notes: tuple[str, ...] = getattr(network, "notes", ())  # of techniques without effect
    if limit and workload.longest > limit:
        return (f"{workload.longest} tokens are beyond the network's context limit of {limit}", *notes)
    return notes


def _system_warnings(network: Any, workload: Workload, system: System) -> list[str]:
    """Say where devices stay unused, and where a link joins devices that it was not made for."""
    found, used, link = [], workload.parallel.devices, system.link
    if system.explicit and used < system.count:
        all_of_it = f"; --parallel tp={system.count} would use all" if _can_cut(network, workload, system.count) else ""
        found.append(f"uses {used} of {system.count} devices{all_of_it}")
    if link is not None and link.native_only and link.name != system.device.native_link:
        native = system.device.native_link
        found.append(
            f"'{link.name}' does not join '{system.device.name}'"
            + (f", whose own link is '{native}'" if native else ", which names no link of its own")
        )
    return found


def _can_cut(network: Any, workload: Workload, count: int) -> bool:
    """Whether tensor parallelism alone can cut the network over so many devices."""
    try:
        phase_graph(network, workload.with_(parallel=Parallel(tp=count)), PASS.get(workload.phase, workload.phase))
    except HwsimError:
        return False
    return True


def _calls(operators: list[OperatorResult], network: Any, workload: Workload) -> list[Calls]:
    """The operators as their intervals need them: which numbers they multiply and which they store."""
    from hwsim.intervals import Calls, width

    stored = {"matmul": workload.weights, "moe": workload.weights, "attention": workload.kv}
    graph = phase_graph(network, workload, PASS.get(workload.phase, workload.phase))
    heads = {
        node.operator.name: {name: getattr(node.operator, name) for name in ("head_dim", "value_head_dim")}
        for node in graph
        if node.operator.kind == "attention"
    }
    return [
        Calls(
            each.name, each.kind,
            width({
                "dtype": workload.activations, "weight_dtype": stored.get(each.kind, workload.activations),
                **heads.get(each.name, {}),
            }),
            each.count, each.latency_s,
        )
        for each in operators
    ]  # fmt: skip


def _asked(workload: Workload) -> dict[str, Any]:
    """Lengths and formats of the workload, None where the phase does not use them."""
    used = LENGTHS[workload.phase]
    formats: dict[str, str | None] = {**workload.formats}
    if workload.phase == "forward":
        formats["kv"] = None
    return {name: getattr(workload, name) if name in used else None for name in ("prompt", "context", "output")} | {
        "formats": formats
    }


def _result(
    network: Any, system: System, workload: Workload, runtime_name: str, engine: str,
    operators: list[OperatorResult], latency_s: float, **extra: Any,
) -> Result:  # fmt: skip
    devices = workload.parallel.devices
    tokens = _tokens(workload)
    peak = system.device.peak_flops_per_s.get(workload.activations.split(":")[0])
    flops = sum(r.flops for r in operators if r.kind != "collective")
    moved = sum(r.bytes for r in operators if r.kind != "collective")
    from hwsim.intervals import outside, total_interval

    collectives = any(each.kind == "collective" for each in operators)
    calls, known = _calls(operators, network, workload), system.residuals(collectives)
    low_s, high_s = total_interval(known, calls, latency_s) or (None, None)
    return Result(
        network=network.name,
        device=system.name,
        phase=workload.phase,
        batch=workload.batch,
        **_asked(workload),
        runtime=runtime_name,
        parallel=_degrees(workload),
        engine=engine,
        latency_s=latency_s,
        energy_j=sum(r.energy_j for r in operators),
        operators=tuple(operators),
        basis=system.basis(collectives),
        low_s=low_s,
        high_s=high_s,
        tokens_per_s=workload.batch * tokens / latency_s if tokens else None,
        samples_per_s=None if tokens else workload.batch / latency_s,
        flops_share=flops / latency_s / (peak * devices) if peak else None,
        bandwidth_share=moved / latency_s / (system.device.bandwidth_bytes_per_s * devices),
        largest_batch=largest_batch(network, workload, system),
        techniques=getattr(network, "techniques", ()),
        warnings=(
            *_warnings(network, workload),
            *_system_warnings(network, workload, system),
            *unaccelerated(workload, system),
            *outside(known, calls),
        ),
        **extra,
    )
