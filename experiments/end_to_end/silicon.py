"""Serving points: time per output token and to first token, predicted under the profile ``serving``.

``python -m hwsim.experiments.end_to_end.silicon`` prints how many of the measured points that aiconfigurator-core
(extra ``validation``) ships are predicted, and the errors by kind, system and network; ``--fit`` fits the host time of
a step and the times before a request's first one to dense H100 rows whose CRC-32 is no multiple of five. Every other
row is zero-shot.

Two schedulers are told apart. Mixing (TensorRT-LLM, vLLM): a step holds the tokens being decoded and the chunks of new
prompts, which share one pass over the weights. Prefill first (SGLang): waiting prompts stop decoding, so requests of
one length run in waves, and a request waits for half of its wave's prompts before its first token and half after;
requests of many lengths (InferenceMAX) finish one by one, and every prompt stops every other request.
Where prompts run on other devices, no prompt comes between tokens, and the first token waits for those devices.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

import hwsim
from hwsim.engine.simulate import simulate_workload
from hwsim.engine.workload import Workload, read_parallel
from hwsim.errors import HwsimError, InputError
from hwsim.experiments.command import exit_status
from hwsim.experiments.end_to_end.formats import formats_of, stored
from hwsim.experiments.end_to_end.points import Point, Pool, package_folder, read_points
from hwsim.models.catalog import read_runtime
from hwsim.rows import Runtime

SYSTEMS = {
    "h100_sxm": "h100-sxm-80gb", "h200_sxm": "h200-sxm-141gb", "b200_sxm": "b200-sxm-180gb", "gb200": "gb200-186gb",
    "b300_sxm": "b300-sxm-270gb", "gb300": "gb300-278gb",
}  # fmt: skip
DENSE = {  # network of the sample: configuration of the package
    "meta-llama/Llama-3.1-8B-Instruct": "meta-llama--Meta-Llama-3.1-8B",
    "nvidia/Llama-3.1-8B-Instruct-FP8": "meta-llama--Meta-Llama-3.1-8B",
    "meta-llama/Llama-3.1-70B": "meta-llama--Meta-Llama-3.1-70B",
    "Qwen/Qwen3-32B": "Qwen--Qwen3-32B",
    "nvidia/Qwen3-32B-NVFP4": "Qwen--Qwen3-32B",
}
NETWORKS = {
    **DENSE,
    "MiniMaxAI/MiniMax-M2.5": "MiniMaxAI--MiniMax-M2.5",
    "Qwen/Qwen3-235B-A22B-FP8": "Qwen--Qwen3-235B-A22B",
    "Qwen/Qwen3.5-397B-A17B": "Qwen--Qwen3.5-397B-A17B",
    "deepseek-ai/DeepSeek-R1": "deepseek-ai--DeepSeek-R1",
    "deepseek-ai/DeepSeek-V3": "deepseek-ai--DeepSeek-V3",
    "moonshotai/Kimi-K2.5": "moonshotai--Kimi-K2.5",
    "nvidia/DeepSeek-R1-NVFP4": "deepseek-ai--DeepSeek-R1",
    "nvidia/DeepSeek-V3.1-NVFP4": "deepseek-ai--DeepSeek-V3",
    "openai/gpt-oss-120b": "openai--gpt-oss-120b",
    "zhipuai/GLM-5": "zai-org--GLM-5",
}
PREFILL_FIRST = ("sglang",)  # SGLang documentation: its scheduler runs waiting prompts before it decodes
CHUNK = 8192.0  # tokens a step: default of max_num_batched_tokens (vLLM) and max_num_tokens (TensorRT-LLM)
WAVES = 10.0  # (assumption) requests a run sends, over its concurrency, as InferenceMAX does; the first come at once
# InferenceMAX's SGLang scripts for DeepSeek R1 and Qwen3.5 on B200 (B300 alike, assumption) set the option
# --scheduler-recv-interval, steps of decoding from one look at new requests to the next: 10 below 16 requests, 30 from
# there on. Its scripts for GLM-5, and those for H200, leave SGLang's default, 1.
LOOK_SYSTEMS, LOOK_MODELS = ("b200_sxm", "b300_sxm"), ("deepseek", "nvidia/DeepSeek", "Qwen/Qwen3.5")
# HTTP, tokeniser and hand-over before a request's first step, by the client: runs of fixed lengths, InferenceMAX's.
FRONTS_S = (0.11, 0.02)  # fitted: --fit, dense H100 rows


class Prediction(NamedTuple):
    """Time to first token and per output token, seconds, without the host time of a step; requests of a group."""

    first_s: float
    token_s: float
    admitted: int


@cache
def _network(model: str) -> Any:
    return hwsim.network(package_folder() / "model_configs" / f"{NETWORKS[model]}_config.json")


@cache
def _phase_s(
    model: str, system: str, precision: str, pool: Pool, runtime: Runtime, phase: str, batch: int, length: int
) -> float:
    """Seconds of one prefill of, or one decode step after, `length` tokens for `batch` requests of every group."""
    formats = formats_of(model, precision, system)
    network = _network(model)
    degrees = {"tp": pool.tensor} if not network.experts else {
        "tp": pool.tensor, "ep": pool.experts, "dp": pool.groups,
    }  # fmt: skip
    workload = Workload(
        phase=phase, batch=batch * pool.groups, prompt=length, context=length, output=1,
        parallel=read_parallel(degrees), weights=formats.weights, activations=formats.activations, kv=formats.kv,
    )  # fmt: skip
    whole = hwsim.as_system(SYSTEMS[system], workload.parallel.devices)
    served = stored(network, formats)
    return simulate_workload(served, whole, workload, runtime, "serving").latency_s


def predict(point: Point, runtime: Runtime) -> Prediction:
    """Predict a serving point, seconds.

    Raises
    ------
    InputError : no such system, precision or cut in the model, or two pools of unknown size
    """
    if point.system not in SYSTEMS:
        raise InputError(f"system '{point.system}' is not in the catalog")
    if max(point.pool.pipeline, point.prefill.pipeline if point.prefill else 1) != 1:
        raise InputError("pipeline parallel serving is not modelled")
    if not point.stated:
        raise InputError("workers of two pools are not stated: the requests that a worker decodes are unknown")
    return _one_pool(point, runtime) if point.prefill is None else _two_pools(point, point.prefill, runtime)


def _where(point: Point, pool: Pool, runtime: Runtime) -> tuple[Any, ...]:
    alike = pool._replace(workers=1, batch=1)
    return (point.model, point.system, point.precision, alike, runtime._replace(step_s=0.0))


def _one_pool(point: Point, runtime: Runtime) -> Prediction:
    """Prompts and tokens on the same devices."""
    where = _where(point, point.pool, runtime)
    batch = admitted(point, where, point.pool.batch)
    prompt, output = point.mean_prompt, point.mean_output
    decode_s = _phase_s(*where, "decode", batch, prompt + output // 2)
    prefill_s = _phase_s(*where, "prefill", 1, prompt)
    others = (batch - 1) / output  # prompts that the other requests bring into a step
    if point.backend in PREFILL_FIRST and point.shortest == 1.0:
        token_s = decode_s + 0.5 * others * prefill_s
        first_s = 0.5 * (batch + 1) * prefill_s
    else:
        token_s = decode_s + others * prefill_s
        if point.backend not in PREFILL_FIRST:
            weights_s = _phase_s(*where, "decode", batch, 1)  # a step without its cache: shared when a chunk joins it
            mixed = min(1.0, others * max(1.0, prompt / CHUNK))
            token_s = max(token_s + others * batch / prompt * prefill_s - mixed * weights_s, decode_s)
        load = min(others * prefill_s / token_s, 0.95)
        burst_s = 0.5 * (batch - 1) / WAVES * prefill_s
        look = steps_to_a_look(point)  # what came meanwhile runs as one batch of prompts
        first_s = (1.0 + others * (look - 1.0)) * prefill_s + 0.5 * look * token_s + burst_s
        first_s += 0.5 * load / (1.0 - load) * prefill_s
    queue_s = (point.pool.batch - batch) / batch * output * token_s
    return Prediction(first_s + queue_s, token_s, batch)


def steps_to_a_look(point: Point) -> float:
    """Steps of decoding from one look of the scheduler at new requests to the next."""
    slow = point.backend in PREFILL_FIRST and point.shortest < 1.0 and point.system in LOOK_SYSTEMS
    if not (slow and point.model.startswith(LOOK_MODELS)):
        return 1.0
    return 10.0 if point.concurrency < 16 else 30.0


def _two_pools(point: Point, prefill: Pool, runtime: Runtime) -> Prediction:
    """Prompts on devices of their own: a closed loop of ``concurrency`` requests that prefill and decode in turn.

    Requests come as fast as they are finished, at most as fast as the prompts run; what is above that waits there.
    """
    where = _where(point, point.pool, runtime)
    batch = admitted(point, where, point.pool.batch)
    token_s = _phase_s(*where, "decode", batch, point.mean_prompt + point.mean_output // 2)
    prompt_s = _phase_s(*_where(point, prefill, runtime), "prefill", 1, point.mean_prompt)
    stations = prefill.groups * prefill.workers
    others = (point.concurrency - 1) / (
        point.mean_output * token_s + prompt_s
    )  # prompts a second that the others bring
    load = min(others * prompt_s / stations, 0.95)
    waiting_s = 0.5 * load / (1.0 - load) * prompt_s
    crowd_s = point.concurrency * prompt_s / stations - point.mean_output * token_s
    burst_s = 0.5 * (point.concurrency / stations - 1.0) / WAVES * prompt_s
    return Prediction(max(prompt_s + waiting_s + max(burst_s, 0.0), crowd_s) + token_s, token_s, batch)


def admitted(point: Point, where: tuple[Any, ...], asked: int) -> int:
    """Requests of a group whose caches fit beside the weights, of those that ask; the others wait."""
    low, high, context = 0, asked, point.mean_prompt + point.mean_output // 2
    while low < high:
        middle = high if low == 0 and high == asked else (low + high + 1) // 2
        try:
            _phase_s(*where, "decode", middle, context)
            low = middle
        except HwsimError:
            if middle == 1:
                raise
            high = middle - 1
    return low


def error_table(
    points: Sequence[Point], runtime: Runtime, fronts_s: tuple[float, float] = FRONTS_S
) -> tuple[list[tuple[Point, float, float]], Counter[str]]:
    """Signed errors (a fraction) of time per output token and to first token of each point; why others have none."""
    found, why = [], Counter[str]()
    for point in points:
        try:
            made = predict(point, runtime)
        except HwsimError as error:
            why[f"{point.model}: {_reason(str(error))}"] += 1
            continue
        token_s = made.token_s + runtime.step_s
        first_s = made.first_s + runtime.step_s + fronts_s[point.shortest < 1.0]
        found.append((point, token_s / point.token_s - 1.0, first_s / point.first_s - 1.0))
    return found, why


def _reason(text: str) -> str:
    """The kind of an error, without its figures."""
    for kind in (
        "does not fit",
        "split evenly",
        "is not known",
        "is not read",
        "must divide",
        "not modelled",
        "not stated",
    ):
        if kind in text:
            return kind
    return text[:80]


def fit(points: Sequence[Point], start: Runtime) -> tuple[Runtime, tuple[float, float]]:
    """Host time of a step, and seconds before the first one of both clients, by median errors of dense H100 points."""
    chosen = [point for point in points if point.fitted and point.model in DENSE]

    def token_error(runtime: Runtime) -> float:
        return float(np.median([abs(token) for _, token, _ in error_table(chosen, runtime)[0]]))

    def first_error(runtime: Runtime, front_s: float, spread: bool) -> float:
        rows, _ = error_table([p for p in chosen if (p.shortest < 1.0) == spread], runtime, (front_s, front_s))
        return float(np.median([abs(first) for _, _, first in rows])) if rows else 0.0

    runtime = min((start._replace(step_s=us * 1e-6) for us in np.arange(0.0, 1001.0, 50.0)), key=token_error)
    fronts_s = np.arange(0.0, 0.201, 0.01)
    fixed_s, spread_s = (min(fronts_s, key=lambda each: first_error(runtime, each, spread)) for spread in (False, True))
    return runtime, (float(fixed_s), float(spread_s))


def summary(rows: Sequence[tuple[Point, float, float]]) -> dict[str, float]:
    """Median and mean absolute error, and median signed error, in per cent."""
    token = 100.0 * np.array([row[1] for row in rows])
    first = 100.0 * np.array([row[2] for row in rows])
    return {
        "rows": len(rows), "token_median": float(np.median(np.abs(token))), "token_mean": float(np.mean(np.abs(token))),
        "token_bias": float(np.median(token)), "first_median": float(np.median(np.abs(first))),
        "first_mean": float(np.mean(np.abs(first))), "first_bias": float(np.median(first)),
    }  # fmt: skip


def kind_of(point: Point) -> str:
    """Family of a point: dense or mixture of experts, one pool or two."""
    family = "dense" if point.model in DENSE else "experts"
    return f"{family}, {'one pool' if point.prefill is None else 'two pools'}"


def report(rows: Sequence[tuple[Point, float, float]]) -> dict[str, dict[str, float]]:
    """Summaries over all rows, by family, by system and network, and of the dense rows nothing was fitted to."""
    groups: dict[str, list[tuple[Point, float, float]]] = {"all": list(rows)}
    never = [row for row in rows if not (row[0].fitted and row[0].model in DENSE)]
    groups["dense, one pool, never fitted"] = [row for row in never if kind_of(row[0]) == "dense, one pool"]
    for of in (kind_of, lambda p: f"{kind_of(p)}: {p.system}", lambda p: f"{kind_of(p)}: {p.model}",
               lambda p: f"{kind_of(p)}: {p.backend}"):  # fmt: skip
        found: dict[str, list[tuple[Point, float, float]]] = {}
        for row in rows:
            found.setdefault(of(row[0]), []).append(row)
        groups.update(sorted(found.items()))
    return {name: summary(group) for name, group in groups.items() if group}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the errors, or the fitted host time of a step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="fit the host time of a step to H100 rows and print it")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="look at every N-th row only")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args(arguments)
    runtime = read_runtime("serving")
    points = read_points(package_folder())[:: max(chosen.every, 1)]
    if chosen.fit:
        fitted, (fixed_s, spread_s) = fit(points, runtime)
        print(f'step = "{fitted.step_s * 1e6:.0f} us", FRONTS_S = ({fixed_s:.2f}, {spread_s:.2f})')
        return 0
    rows, failed = error_table(points, runtime)
    groups = report(rows)
    if chosen.json:
        print(json.dumps({
            "rows": len(points), "predicted": len(rows), "failed": dict(failed), "errors_percent": groups,
        }))  # fmt: skip
        return 0
    print(f"rows {len(points)}, predicted {len(rows)} ({len(rows) / len(points):.0%})")
    for reason, count in failed.most_common():
        print(f"  {count:5d} not predicted: {reason}")
    print(f"{'% error':<60} rows | token: median  mean   bias | first: median  mean   bias")
    for name, each in groups.items():
        print(
            f"{name:<60} {each['rows']:4.0f} | {each['token_median']:13.1f} {each['token_mean']:5.1f}"
            f" {each['token_bias']:+6.1f} | {each['first_median']:13.1f} {each['first_mean']:5.1f}"
            f" {each['first_bias']:+6.1f}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
