"""vLLM on H100: median time between tokens and joules a token of ML.ENERGY's runs, under ``serving-top-p``.

``python -m hwsim.experiments.end_to_end.vllm_h100 [--json]`` reads ``energy_h100_vllm.csv`` in ``HWSIM_DATA_DIR``.
No constant is fitted to these rows. The benchmark's public scripts send top-p 0.95 at temperature 0.8, so that every
step sorts its logits, schedule asynchronously, and keep a queue of requests at all times. The table has no prompt
lengths: `PROMPTS` assumes one for each task.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import hwsim
from hwsim.errors import DoesNotFitError, HwsimError
from hwsim.experiments.command import exit_status, measured_file
from hwsim.experiments.end_to_end.formats import formats_of, stored
from hwsim.result import Result

DEVICE = "h100-sxm-80gb"
PROMPTS = {"lm-arena-chat": 200, "gpqa": 300, "sourcegraph-fim": 2000}  # (assumption) tokens; outputs dominate
NETWORKS = {  # network of a run: in the catalog
    "Qwen/Qwen3-8B": "qwen3-8b",
    "Qwen/Qwen3-14B": "qwen3-14b",
    "Qwen/Qwen3-30B-A3B-Instruct-2507": "qwen3-30b-a3b",
    "Qwen/Qwen3-30B-A3B-Thinking-2507": "qwen3-30b-a3b",
    "Qwen/Qwen3-Coder-30B-A3B-Instruct": "qwen3-30b-a3b",
    "Qwen/Qwen3-235B-A22B-Instruct-2507": "qwen3-235b-a22b",
    "Qwen/Qwen3-235B-A22B-Thinking-2507": "qwen3-235b-a22b",
    "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8": "qwen3-235b-a22b",
    "Qwen/Qwen3-235B-A22B-Thinking-2507-FP8": "qwen3-235b-a22b",
    "openai/gpt-oss-20b": "gpt-oss-20b",
    "openai/gpt-oss-120b": "gpt-oss-120b",
    "nvidia/NVIDIA-Nemotron-Nano-9B-v2": "nemotron-nano-9b-v2",
    "nvidia/NVIDIA-Nemotron-Nano-12B-v2": "nemotron-nano-12b-v2",
    "google/gemma-3-12b-it": "gemma-3-12b",
    "google/gemma-3-27b-it": "gemma-3-27b",
}
SPREAD = 0.77  # (assumption) deviation over mean of output lengths: Azure LLM inference trace 2023, conversations
PRECISIONS = {"bfloat16": "bf16", "fp8": "fp8", "mxfp4": "fp4"}


class Compared(NamedTuple):
    """Signed errors, a fraction, of one run."""

    model: str
    dense: bool
    interval: float
    energy: float


def cut(row: dict[str, str]) -> dict[str, int]:
    """How a run's network is cut.

    The benchmark starts vLLM with a tensor-parallel degree of all devices, and with whole experts on each where the
    table says expert parallel: attention is tensor parallel there too, and nothing is data parallel.
    """
    return {"tp": int(row["num_gpus"]), "ep": int(row["expert_parallel"]), "dp": 1}


def mean_context(prompt: float, output: float) -> int:
    """Tokens that a request in a step has behind it on average.

    A step meets a request in proportion to its length, halfway on average: ``E[T^2] / (2 E[T])`` of its output.
    """
    return round(prompt + 0.5 * output * (1.0 + SPREAD**2))


def decode_step(network: Any, batch: int, context: int, common: dict[str, Any]) -> Result:
    """One decode step; where the caches do not fit, with as much context as does: the batch was measured, so it fitted.

    Raises
    ------
    DoesNotFitError : not even one token of context fits
    """

    def step(length: int) -> Result:
        return hwsim.simulate(network, phase="decode", batch=batch, context=length, **common)

    try:
        return step(context)
    except DoesNotFitError:
        fits, too_long = step(1), context
    length = 1
    while too_long - length > 16:
        middle = (length + too_long) // 2
        try:
            fits, length = step(middle), middle
        except DoesNotFitError:
            too_long = middle
    return fits


def predict(row: dict[str, str]) -> tuple[float, float]:
    """Seconds between tokens (a step that holds no prompt) and joules a token, prompts included."""
    formats = formats_of(row["model_id"], PRECISIONS[row["weight_precision"]], "h100_sxm")
    batch, output = max(1, round(float(row["avg_batch_size"]))), float(row["avg_output_len"])
    prompt = PROMPTS[row["task"]]
    common: dict[str, Any] = {
        "on": DEVICE, "weights": formats.weights, "activations": formats.activations, "kv": "bf16",
        "runtime": "serving-top-p", "parallel": cut(row),
    }  # fmt: skip
    network = stored(hwsim.network(NETWORKS[row["model_id"]]), formats)
    step = decode_step(network, batch, mean_context(prompt, output), common)
    prefill = hwsim.simulate(network, phase="prefill", batch=1, prompt=prompt, **common)
    return step.latency_s, step.energy_j / batch + prefill.energy_j / output


def compare() -> tuple[list[Compared], Counter[str], int]:
    """Errors of every run that the model reads, why the others have none, and how many runs there are."""
    found, why, total = [], Counter[str](), 0
    with measured_file("energy_h100_vllm.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            total += 1
            name = row["model_id"]
            if name not in NETWORKS:
                why[f"no configuration: {name}"] += 1
            else:
                try:
                    interval_s, energy_j = predict(row)
                except HwsimError as error:
                    why[f"{name}: {str(error)[:80]}"] += 1
                    continue
                found.append(
                    Compared(
                        name,
                        row["architecture"].startswith("Dense"),
                        interval_s / (float(row["median_itl_ms"]) * 1e-3) - 1.0,
                        energy_j / float(row["energy_per_token_joules"]) - 1.0,
                    )
                )
    return found, why, total


def report(found: Sequence[Compared]) -> dict[str, dict[str, float]]:
    """Mean and median absolute error and bias, per cent, of all runs, of dense and other networks, and by network."""
    groups: dict[str, list[Compared]] = {}
    for each in found:
        for name in ("all", "dense" if each.dense else "mixture of experts", each.model):
            groups.setdefault(name, []).append(each)
    told = {}
    for name, group in groups.items():
        told[name] = {"rows": float(len(group))}
        for field in ("interval", "energy"):
            values = 100.0 * np.array([getattr(each, field) for each in group])
            told[name][f"{field}_mean"] = float(np.mean(np.abs(values)))
            told[name][f"{field}_median"] = float(np.median(np.abs(values)))
            told[name][f"{field}_bias"] = float(np.mean(values))
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args(arguments)
    found, why, total = compare()
    groups = report(found)
    if chosen.json:
        print(json.dumps({"rows": total, "predicted": len(found), "left_out": why, "errors_percent": groups}))
        return 0
    print(f"rows {total}, predicted {len(found)}")
    for reason, count in why.most_common():
        print(f"  {count:4d} not predicted: {reason}")
    print(f"{'% error':<42} rows | between tokens: mean median bias | joules a token: mean median bias")
    for name, each in groups.items():
        values = [each[f"{field}_{kind}"] for field in ("interval", "energy") for kind in ("mean", "median", "bias")]
        print(f"{name:<42} {each['rows']:4.0f} | " + " ".join(f"{value:+9.1f}" for value in values))
    return 0


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
