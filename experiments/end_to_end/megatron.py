"""Megatron on A100: end-to-end runtimes of 13 networks, predicted under the runtime profile ``megatron``.

``python -m hwsim.experiments.end_to_end.megatron`` prints the error by network; ``--fit`` fits the profile's layer and
collective times to two of the networks only. Data: released runtimes of Narayanan et al., NeurIPS 2023, read through
``HWSIM_DATA_DIR``.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

import hwsim
from hwsim.engine.simulate import simulate_workload
from hwsim.engine.workload import Workload, read_parallel
from hwsim.experiments.command import exit_status, measured_file
from hwsim.mappers.networks.reading import read_config
from hwsim.models.catalog import read_runtime
from hwsim.rows import Runtime

FITTED = ("gptj_6b", "anthropic")  # one on one device, one cut over four; the other eleven are predicted
PROMPTS, OUTPUTS = (1, 128, 512, 1024, 1920), (1, 2, 4, 8, 16, 32, 64)  # the rows that a quick run looks at
DEVICE = "a100-sxm-80gb"


class Measured(NamedTuple):
    """One measured generation: tokens in and out, seconds."""

    model: str
    prompt: int
    output: int
    runtime_s: float


def read_models() -> dict[str, dict[str, str]]:
    """Shape and tensor parallel degree of each network, by name."""
    with measured_file("megatron_models.csv").open(encoding="utf-8") as file:
        return {row["model"]: row for row in csv.DictReader(file)}


def read_rows(whole: bool = False) -> list[Measured]:
    """Measured generations: all of them, or those of `PROMPTS` and `OUTPUTS`."""
    with measured_file("megatron_a100_runtimes.csv").open(encoding="utf-8") as file:
        rows = [
            Measured(r["model"], int(r["input_tokens"]), int(r["output_tokens"]), float(r["runtime_s"]))
            for r in csv.DictReader(file)
        ]
    return [row for row in rows if whole or (row.prompt in PROMPTS and row.output in OUTPUTS)]


def network_of(model: dict[str, str]) -> Any:
    """A GPT of the listed shape, with Megatron's vocabulary of 51,200."""
    values = {
        "architectures": ["GPT2LMHeadModel"], "n_embd": int(model["hidden"]), "n_head": int(model["heads"]),
        "n_layer": int(model["layers"]), "n_positions": 2048, "vocab_size": 51200, "torch_dtype": "float16",
    }  # fmt: skip
    return read_config(values, source="megatron_models.csv", name=model["model"])


def errors(rows: Iterable[Measured], models: dict[str, dict[str, str]], runtime: Runtime) -> dict[str, list[float]]:
    """Signed errors, a fraction, of every row, by network."""
    found: dict[str, list[float]] = {}
    networks = {name: network_of(model) for name, model in models.items()}
    for row in rows:
        degree = int(models[row.model]["tensor_parallel"])
        parallel = read_parallel({"tp": degree})
        workload = Workload(
            phase="generate", batch=1, prompt=row.prompt, context=row.prompt, output=row.output, parallel=parallel,
            weights="fp16", activations="fp16", kv="fp16",
        )  # fmt: skip
        system = hwsim.as_system(DEVICE, degree)
        result = simulate_workload(networks[row.model], system, workload, runtime, "megatron")
        found.setdefault(row.model, []).append(result.latency_s / row.runtime_s - 1.0)
    return found


def fit(rows: Sequence[Measured], models: dict[str, dict[str, str]], start: Runtime) -> Runtime:
    """Fit the layer's and the collective's host time to the `FITTED` networks: least mean absolute error, step by step.

    The longest generations of the shortest prompts are used, where the host decides.
    """
    best, best_error = start, float("inf")
    chosen = [row for row in rows if row.model in FITTED and row.prompt == 1 and row.output >= 8]
    for layer_us in np.arange(700.0, 790.0, 5.0):
        for collective_us in np.arange(20.0, 80.0, 5.0):
            trial = start._replace(layer_s=layer_us * 1e-6, collective_s=collective_us * 1e-6)
            spread = np.concatenate([np.abs(each) for each in errors(chosen, models, trial).values()])
            if spread.mean() < best_error:
                best, best_error = trial, float(spread.mean())
    return best


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the errors, or the fitted profile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="fit layer and collective to two networks and print them")
    parser.add_argument("--whole", action="store_true", help="all 3,510 rows (minutes)")
    chosen = parser.parse_args(arguments)
    models, rows, runtime = read_models(), read_rows(chosen.whole), read_runtime("megatron")
    if chosen.fit:
        fitted = fit(rows, models, runtime)
        print(f'layer = "{fitted.layer_s * 1e6:.0f} us"\ncollective = "{fitted.collective_s * 1e6:.0f} us"')
        return 0
    found = errors(rows, models, runtime)
    for name, values in found.items():
        mark = "fitted" if name in FITTED else ""
        print(f"{name:<20} {100 * np.mean(np.abs(values)):5.1f} % bias {100 * np.mean(values):+6.1f} % {mark}")
    unseen = np.concatenate([values for name, values in found.items() if name not in FITTED])
    print(f"networks never fitted {100 * np.mean(np.abs(unseen)):.1f} % over {len(unseen)} rows")
    return 0


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
