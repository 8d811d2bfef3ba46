"""What a reader wants to know of a result, as labelled text: shared by the terminal and the page."""

from __future__ import annotations

import shlex

from hwsim.formats import number_format
from hwsim.hardware import System
from hwsim.report.quantities import count, quantity, share, significant
from hwsim.result import OperatorResult, Result

BOUNDS = ("compute", "memory", "cache", "link", "launch")
BASIS = {
    "calibrated": "calibrated: constants fitted to measurements of it",
    "development": "development: this device helped to build the model",
    "zero-shot": "zero-shot: nothing was fitted to this device",
    "unvalidated": "unvalidated: not compared with a measured device",
}


def devices_used(result: Result) -> int:
    """Devices the network is cut over: what FLOPs, bytes and energy of a result are totals of."""
    degrees = result.parallel
    groups = degrees.get("dp", degrees.get("ep", 1))
    return degrees.get("tp", 1) * degrees.get("pp", 1) * groups


def workload_text(result: Result) -> str:
    """Say what was asked: ``decode, batch 1, context 1,024``."""
    lengths = [f"{name} {count(length)}" for name, length in _lengths(result)]
    return ", ".join([result.phase, f"batch {count(result.batch)}", *lengths])


def _lengths(result: Result) -> list[tuple[str, int]]:
    """The lengths that the phase uses, by the option that sets them."""
    lengths = (("prompt", result.prompt), ("context", result.context), ("output", result.output))
    return [(name, length) for name, length in lengths if length is not None]


def _formats(result: Result) -> list[tuple[str, str]]:
    """The formats that the phase uses, by the option that sets them."""
    return [(key, value) for key, value in result.formats.items() if value is not None]


def formats_text(result: Result) -> str:
    """Name the formats, each once: ``bf16 weights, activations and KV``."""
    names = {"weights": "weights", "activations": "activations", "kv": "KV"}
    grouped: dict[str, list[str]] = {}
    for key, value in _formats(result):
        grouped.setdefault(value, []).append(names.get(key, key))
    return "; ".join(
        f"{fmt} {', '.join(kinds[:-1])}{' and ' if kinds[:-1] else ''}{kinds[-1]}" for fmt, kinds in grouped.items()
    )


def how_text(result: Result) -> str:
    """Name formats, cut, runtime profile and engine on one line."""
    cut = [f"parallel {_degrees(result)}"] if _degrees(result) else []
    techniques = [f"technique {text}" for text in result.techniques]
    return "; ".join([formats_text(result), *cut, *techniques, f"runtime {result.runtime}", f"{result.engine} engine"])


def _degrees(result: Result) -> str:
    """The cut as ``--parallel`` reads it; a stated ``dp`` is told even at 1, since by default it is ``ep``."""
    return ",".join(f"{key}={value}" for key, value in result.parallel.items() if value > 1 or key == "dp")


def interval_text(result: Result) -> str:
    """The 10-90 % interval of the latency, or a dash."""
    if result.low_s is None or result.high_s is None:
        return "-"
    return f"{quantity(result.low_s, 's')} to {quantity(result.high_s, 's')}"


def tokens(result: Result) -> float | None:
    """Tokens the phase processes (prefill) or produces (decode, generate); None where tokens do not apply."""
    return None if result.tokens_per_s is None else result.tokens_per_s * result.latency_s


def bound_seconds(result: Result) -> dict[str, float]:
    """Seconds by what bounds them, longest first; sums to the operators' time."""
    totals = dict.fromkeys(BOUNDS, 0.0)
    for operator in result.operators:
        totals[operator.bound] = totals.get(operator.bound, 0.0) + operator.latency_s
    return dict(sorted(((k, v) for k, v in totals.items() if v > 0), key=lambda item: -item[1]))


def peak_flops_per_s(result: Result, system: System) -> float | None:
    """Dense peak of one device in the format of the activations."""
    return system.device.peak_flops_per_s.get(number_format(str(result.formats["activations"])).base)


def totals(result: Result, system: System | None = None) -> list[tuple[str, str]]:
    """List the totals of a result as (label, text); with a system also capacity and peaks."""
    rows = [("Latency", _latency(result))]
    if result.time_to_first_token_s is not None:
        rows.append(("Time to first token", quantity(result.time_to_first_token_s, "s")))
    if result.time_per_output_token_s is not None:
        rows.append(("Time per output token", quantity(result.time_per_output_token_s, "s")))
    if result.tokens_per_s is not None:
        rows.append(("Throughput", f"{significant(result.tokens_per_s)} tokens/s"))
    if result.samples_per_s is not None:
        rows.append(("Throughput", f"{significant(result.samples_per_s)} samples/s"))
    rows += [("Time bound by", _bounds(result)), ("Energy", _energy(result, system))]
    rows += [("Memory", _memory(result, system)), ("Compute reached", _compute(result, system))]
    rows += [("Bandwidth reached", _bandwidth(result, system))]
    if result.largest_batch is not None:
        lengths = " at these lengths" if _lengths(result) else ""
        rows.append(("Largest batch", f"{count(result.largest_batch)}{lengths}"))
    rows.append(("Basis", BASIS.get(result.basis, result.basis)))
    return rows


def _latency(result: Result) -> str:
    text, interval = quantity(result.latency_s, "s"), interval_text(result)
    return text if interval == "-" else f"{text} (10-90 %: {interval})"


def _bounds(result: Result) -> str:
    whole = sum(operator.latency_s for operator in result.operators)
    return ", ".join(f"{bound} {share(seconds, whole)}" for bound, seconds in bound_seconds(result).items()) or "-"


def _energy(result: Result, system: System | None) -> str:
    parts = [quantity(result.energy_j, "J")]
    number = tokens(result)
    if number:
        parts.append(f"{quantity(result.energy_j / number, 'J')}/token")
    if result.latency_s > 0:
        parts.append(f"{quantity(result.energy_j / result.latency_s, 'W')} on average")
    if system is not None and system.device.static_power_w > 0:
        idle_w, leakage_w = system.device.idle_power_w * system.count, system.device.static_power_w * system.count
        parts.append(f"idle {quantity(idle_w, 'W')}, of it leakage {quantity(leakage_w, 'W')}")
    return ", ".join(parts)


def _memory(result: Result, system: System | None) -> str:
    use = result.memory
    text = quantity(use.total, "B")
    if system is not None:
        capacity = system.device.capacity_bytes
        text += f" of {quantity(capacity, 'B')} ({share(use.total, capacity)})"
    text += " on each device" if devices_used(result) > 1 else ""
    cache = [("KV", use.kv)] if result.formats["kv"] is not None else []
    kinds = [("weights", use.weights), *cache, ("activations", use.activations)]
    return text + ": " + ", ".join(f"{name} {quantity(value, 'B')}" for name, value in kinds)


def _compute(result: Result, system: System | None) -> str:
    text = share(result.flops_share)
    peak = peak_flops_per_s(result, system) if system is not None else None
    if peak is None or result.flops_share is None:
        return text
    base = number_format(str(result.formats["activations"])).base
    return f"{text} of {_times(devices_used(result))}{quantity(peak, 'FLOP/s')} ({base})"


def _bandwidth(result: Result, system: System | None) -> str:
    text = share(result.bandwidth_share)
    if system is None or result.bandwidth_share is None:
        return text
    return f"{text} of {_times(devices_used(result))}{quantity(system.device.bandwidth_bytes_per_s, 'B/s')}"


def _times(devices: int) -> str:
    return f"{devices} x " if devices > 1 else ""


def operator_cells(operator: OperatorResult, result: Result) -> tuple[str, ...]:
    """Texts of one operator: name, count, time, share, FLOPs, bytes, energy, bound."""
    return (
        operator.name, count(operator.count), quantity(operator.latency_s, "s"),
        share(operator.latency_s, sum(each.latency_s for each in result.operators)),
        quantity(operator.flops, "FLOP").removesuffix("FLOP").strip(), quantity(operator.bytes, "B"),
        quantity(operator.energy_j, "J"), operator.bound,
    )  # fmt: skip


OPERATOR_COLUMNS = ("Operator", "Count", "Time", "Share", "FLOPs", "Bytes", "Energy", "Bound")


def command(result: Result) -> str:
    """Return the command line that gives this result again, with every setting written out."""
    words = ["hwsim", "run", result.network, "--on", result.device, "--phase", result.phase]
    words += ["--batch", str(result.batch)]
    for name, length in _lengths(result):
        words += [f"--{name}", str(length)]
    for key, value in _formats(result):
        words += [f"--{key}", value]
    for technique in result.techniques:
        words += ["--technique", technique]
    words += ["--parallel", _degrees(result)] if _degrees(result) else []
    words += ["--runtime", result.runtime]
    words += ["--engine", result.engine] if result.engine != "analytic" else []
    return shlex.join(words)
