"""Serving points of dense networks: time per output token and to first token, predicted under the profile ``serving``.

``python -m hwsim.experiments.end_to_end.silicon`` prints how many of the measured points that aiconfigurator-core
(extra ``validation``) ships are predicted, and the errors by system and by network; ``--fit`` fits the host time of a
step to H100 rows whose CRC-32 is no multiple of five. Every other system is zero-shot.

Two schedulers are told apart. Mixing (TensorRT-LLM, vLLM): a step holds the tokens being decoded and the chunks of new
prompts, which share one pass over the weights. Prefill first (SGLang): waiting prompts stop decoding, so requests of
one length run in waves, and a request waits for half of its wave's prompts before its first token and half after.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import hwsim
from hwsim.engine.simulate import simulate_workload
from hwsim.engine.workload import Workload, read_parallel
from hwsim.errors import HwsimError, InputError
from hwsim.models.catalog import read_runtime
from hwsim.rows import Runtime

SYSTEMS = {
    "h100_sxm": "h100-sxm-80gb", "h200_sxm": "h200-sxm-141gb", "b200_sxm": "b200-sxm-180gb", "gb200": "gb200-186gb",
    "b300_sxm": "b300-sxm-270gb",
}  # fmt: skip
DENSE = {  # network of the sample: configuration of the package
    "meta-llama/Llama-3.1-8B-Instruct": "meta-llama--Meta-Llama-3.1-8B",
    "nvidia/Llama-3.1-8B-Instruct-FP8": "meta-llama--Meta-Llama-3.1-8B",
    "meta-llama/Llama-3.1-70B": "meta-llama--Meta-Llama-3.1-70B",
    "Qwen/Qwen3-32B": "Qwen--Qwen3-32B",
    "nvidia/Qwen3-32B-NVFP4": "Qwen--Qwen3-32B",
}
FORMATS = {  # precision of the sample: weights, activations, KV cache
    "": ("bf16", "bf16", "bf16"), "bf16": ("bf16", "bf16", "bf16"), "fp8": ("fp8_e4m3", "fp8_e4m3", "fp8_e4m3"),
    "fp4": ("nvfp4", "nvfp4", "fp8_e4m3"),
}  # fmt: skip
PREFILL_FIRST = ("sglang",)  # SGLang documentation: its scheduler runs waiting prompts before it decodes
CHUNK = 8192.0  # tokens a step: default of max_num_batched_tokens (vLLM) and max_num_tokens (TensorRT-LLM)
WAVES = 10.0  # (assumption) requests a run sends, over its concurrency, as InferenceMAX does; the first come at once
LOOKED_AT, FOLDS = "h100_sxm", 5


class Point(NamedTuple):
    """One measured serving point; seconds, tokens, requests in flight a replica."""

    name: str
    model: str
    system: str
    backend: str
    precision: str
    prompt: int
    output: int
    batch: int
    tensor: int
    pipeline: int
    first_s: float
    token_s: float

    @property
    def fitted(self) -> bool:
        """Whether ``--fit`` may read the point."""
        return self.system == LOOKED_AT and zlib.crc32(self.name.encode()) % FOLDS != 0


class Prediction(NamedTuple):
    """Time to first token and per output token, seconds, without the host time of a step; requests admitted."""

    first_s: float
    token_s: float
    admitted: int


def package_folder() -> Path:
    """Folder of the package that ships the sample and the configurations.

    Raises
    ------
    InputError : the package is not installed
    """
    found = importlib.util.find_spec("aiconfigurator_core")
    if found is None or found.origin is None:
        raise InputError("the serving points need the package aiconfigurator-core: pip install 'hwsim[validation]'")
    return Path(found.origin).parent


def read_points(folder: Path) -> tuple[list[Point], Counter[str]]:
    """Points of dense networks served aggregated, and how many rows of the file were left out and why."""
    points, why = [], Counter[str]()
    with (folder / "systems" / "silicon_sample.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["mode"] != "agg":
                why["prefill and decode on separate devices"] += 1
            elif row["model_path"] not in DENSE:
                why[f"no dense network: {row['model_path']}"] += 1
            else:
                points.append(_point(row))
    return points, why


def _point(row: dict[str, str]) -> Point:
    return Point(
        row["id"], row["model_path"], row["system"], row["backend"], row["precision"], int(row["isl"]), int(row["osl"]),
        int(row["batch_size"]), int(row["tp_size"]), int(row["pp_size"]), float(row["silicon_ttft_ms"]) * 1e-3,
        float(row["silicon_tpot_ms"]) * 1e-3,
    )  # fmt: skip


@cache
def _network(model: str) -> Any:
    return hwsim.network(package_folder() / "model_configs" / f"{DENSE[model]}_config.json")


@cache
def _phase_s(
    model: str, system: str, precision: str, tensor: int, runtime: Runtime, phase: str, batch: int, length: int
) -> float:
    """Seconds of one prefill of, or one decode step after, `length` tokens."""
    weights, activations, kv = FORMATS[precision]
    workload = Workload(
        phase=phase, batch=batch, prompt=length, context=length, output=1, parallel=read_parallel({"tp": tensor}),
        weights=weights, activations=activations, kv=kv,
    )  # fmt: skip
    whole = hwsim.as_system(SYSTEMS[system], tensor)
    return simulate_workload(_network(model), whole, workload, runtime, "serving").latency_s


def predict(point: Point, runtime: Runtime) -> Prediction:
    """Predict a serving point, seconds.

    Raises
    ------
    InputError : no such system, precision or cut in the model
    """
    if point.system not in SYSTEMS:
        raise InputError(f"system '{point.system}' is not in the catalog")
    if point.precision not in FORMATS:
        raise InputError(f"precision '{point.precision}' is not read")
    if point.pipeline != 1:
        raise InputError("pipeline parallel serving is not modelled")
    where = (point.model, point.system, point.precision, point.tensor, runtime._replace(step_s=0.0))
    batch = admitted(point, where)
    decode_s = _phase_s(*where, "decode", batch, point.prompt + point.output // 2)
    prefill_s = _phase_s(*where, "prefill", 1, point.prompt)
    others = (batch - 1) / point.output  # prompts that the other requests bring into a step
    if point.backend in PREFILL_FIRST:
        token_s = decode_s + 0.5 * others * prefill_s
        first_s = 0.5 * (batch + 1) * prefill_s
    else:
        weights_s = _phase_s(*where, "decode", batch, 1)  # a step without its cache: shared when a chunk joins it
        mixed = min(1.0, others * max(1.0, point.prompt / CHUNK))
        token_s = decode_s + others * (1.0 + batch / point.prompt) * prefill_s - mixed * weights_s
        token_s = max(token_s, decode_s)
        load = min(others * prefill_s / token_s, 0.95)
        burst_s = 0.5 * (batch - 1) / WAVES * prefill_s
        first_s = prefill_s + 0.5 * token_s + burst_s + 0.5 * load / (1.0 - load) * prefill_s
    queue_s = (point.batch - batch) / batch * point.output * token_s
    return Prediction(first_s + queue_s, token_s, batch)


def admitted(point: Point, where: tuple[Any, ...]) -> int:
    """Requests of the point whose caches fit beside the weights; the others wait."""
    low, high, context = 0, point.batch, point.prompt + point.output // 2
    while low < high:
        middle = high if low == 0 and high == point.batch else (low + high + 1) // 2
        try:
            _phase_s(*where, "decode", middle, context)
            low = middle
        except HwsimError:
            if middle == 1:
                raise
            high = middle - 1
    return low


def error_table(points: Sequence[Point], runtime: Runtime) -> tuple[list[tuple[Point, float, float]], Counter[str]]:
    """Signed errors (a fraction) of time per output token and to first token of each point; why others have none."""
    found, why = [], Counter[str]()
    for point in points:
        try:
            made = predict(point, runtime)
        except HwsimError as error:
            why[str(error)] += 1
            continue
        token_s = made.token_s + runtime.step_s
        first_s = made.first_s + runtime.step_s
        found.append((point, token_s / point.token_s - 1.0, first_s / point.first_s - 1.0))
    return found, why


def fit(points: Sequence[Point], start: Runtime) -> Runtime:
    """Host time of a step with the least median error of time per output token over the H100 points for fitting."""
    chosen = [point for point in points if point.fitted]

    def error(step_us: float) -> float:
        rows, _ = error_table(chosen, start._replace(step_s=step_us * 1e-6))
        return float(np.median([abs(token) for _, token, _ in rows]))

    return start._replace(step_s=min(np.arange(0.0, 1001.0, 50.0), key=error) * 1e-6)


def summary(rows: Sequence[tuple[Point, float, float]]) -> dict[str, float]:
    """Median and mean absolute error, and median signed error, in per cent."""
    token = 100.0 * np.array([row[1] for row in rows])
    first = 100.0 * np.array([row[2] for row in rows])
    return {
        "rows": len(rows), "token_median": float(np.median(np.abs(token))), "token_mean": float(np.mean(np.abs(token))),
        "token_bias": float(np.median(token)), "first_median": float(np.median(np.abs(first))),
        "first_mean": float(np.mean(np.abs(first))), "first_bias": float(np.median(first)),
    }  # fmt: skip


def report(rows: Sequence[tuple[Point, float, float]]) -> dict[str, dict[str, float]]:
    """Summaries over all rows, by system, by network, and of the rows no constant was fitted to."""
    groups: dict[str, list[tuple[Point, float, float]]] = {"all": list(rows)}
    groups["never fitted"] = [row for row in rows if not row[0].fitted]
    for row in rows:
        point = row[0]
        for name in (point.system, point.model, f"{point.system} {point.backend}"):
            groups.setdefault(name, []).append(row)
    return {name: summary(group) for name, group in groups.items() if group}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the errors, or the fitted host time of a step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="fit the host time of a step to H100 rows and print it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args(arguments)
    runtime = read_runtime("serving")
    points, left_out = read_points(package_folder())
    if chosen.fit:
        print(f'step = "{fit(points, runtime).step_s * 1e6:.0f} us"')
        return 0
    rows, failed = error_table(points, runtime)
    total = len(points) + sum(left_out.values())
    groups = report(rows)
    if chosen.json:
        print(json.dumps({
            "rows": total, "dense_aggregated": len(points), "predicted": len(rows), "left_out": dict(left_out),
            "failed": dict(failed), "errors_percent": groups,
        }))  # fmt: skip
        return 0
    print(f"rows {total}, dense and aggregated {len(points)}, predicted {len(rows)} ({len(rows) / total:.0%} of all)")
    for reason, count in (left_out + failed).most_common():
        print(f"  {count:5d} not predicted: {reason}")
    print(f"{'% error':<34} rows | token: median  mean   bias | first: median  mean   bias")
    for name, each in groups.items():
        print(
            f"{name:<34} {each['rows']:4.0f} | {each['token_median']:13.1f} {each['token_mean']:5.1f}"
            f" {each['token_bias']:+6.1f} | {each['first_median']:13.1f} {each['first_mean']:5.1f}"
            f" {each['first_bias']:+6.1f}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
