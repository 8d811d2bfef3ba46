"""Attention and mixtures of experts against measured kernels: bounds that the methods pages publish."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from hwsim.errors import InputError
from hwsim.experiments.calibration.kernels import calibrated, operator_rows, thinned
from hwsim.rows import OperatorRow
from hwsim.validation.scoring import predict, score
from hwsim.validation.tables_attention import load as load_attention
from hwsim.validation.tables_latent import load as load_latent
from hwsim.validation.tables_moe import load as load_moe
from hwsim.validation.targets import load

POINTS = 1500


@pytest.mark.parametrize(
    ("device", "table", "bound"),
    [
        ("a100-sxm-80gb", "attention prefill bf16", 0.11),
        ("h100-sxm-80gb", "attention prefill bf16", 0.15),
        ("h200-sxm-141gb", "attention prefill bf16", 0.15),
        ("a100-sxm-80gb", "attention decode bf16", 0.17),
        ("h100-sxm-80gb", "attention decode bf16", 0.16),
        ("h200-sxm-141gb", "attention decode bf16", 0.16),
        ("a100-sxm-80gb", "moe bf16", 0.15),
        ("h100-sxm-80gb", "moe bf16", 0.11),
        ("h200-sxm-141gb", "moe bf16", 0.12),
        ("b200-sxm-180gb", "moe bf16", 0.17),
        ("h200-sxm-141gb", "moe bf16 power_law_1.2", 0.13),
        ("h200-sxm-141gb", "moe fp8_block", 0.17),
    ],
)
@pytest.mark.slow
def test_rows_never_fitted_are_predicted_within_the_published_error(
    require_package: Callable[[str, str], ModuleType], device: str, table: str, bound: float
) -> None:
    require_package("aiconfigurator_core", "validation")
    targets = next(found for found in load(table.split()[0], device) if found.table == table)
    points = np.flatnonzero(targets.held_out)
    chosen = targets.where(np.sort(np.random.default_rng(0).permutation(points)[:POINTS]))
    found = score(chosen, predict(chosen))
    assert found is not None
    assert found.mape < bound


@pytest.mark.parametrize(
    ("device", "bound"), [("h100-sxm-80gb", 0.10), ("h200-sxm-141gb", 0.10), ("b200-sxm-180gb", 0.20)]
)
def test_a_decode_step_of_latent_attention_never_fitted_is_predicted_within_the_published_error(
    require_package: Callable[[str, str], ModuleType], device: str, bound: float
) -> None:
    require_package("aiconfigurator_core", "validation")
    targets = next(found for found in load("latent", device) if found.table == "latent decode bf16")
    assert len(targets) > 1000
    found = score(targets, predict(targets))
    assert found is not None
    assert found.mape < bound


@pytest.mark.parametrize("device", ["h100-sxm-80gb", "h200-sxm-141gb", "b200-sxm-180gb"])
def test_long_prompts_of_latent_attention_take_as_long_as_the_faster_of_two_runtimes(
    require_package: Callable[[str, str], ModuleType], device: str
) -> None:
    require_package("aiconfigurator_core", "validation")
    targets = next(found for found in load("latent", device) if found.table == "latent prefill bf16")
    long = targets.where(targets.keys[:, 1] >= 8192)
    ratio = predict(long) / long.fastest_s
    assert np.mean(np.abs(ratio - 1.0)) < 0.15


def test_a_latent_decode_row_reads_one_vector_of_576_a_token(tmp_path: Path) -> None:
    write(tmp_path, "mla", "generation_mla_perf", {
        "batch_size": [4], "isl": [1], "step": [1023], "num_heads": [128], "kv_cache_dtype": ["bfloat16"],
        "latency": [0.02],
    })  # fmt: skip
    (decode,) = load_latent(tmp_path, "h100-sxm-80gb")
    assert decode.table == "latent decode bf16"
    assert decode.keys.tolist() == [[4, 1024, 128]]
    kv = 4 * 1024 * 576 * 2
    assert operator_rows(decode)[0, OperatorRow._fields.index("bytes")] == kv + 4 * 128 * (576 + 512) * 2


def write(folder: Path, family: str, table: str, rows: dict[str, list[object]]) -> None:
    path = folder / family / "vllm" / "1.0"
    path.mkdir(parents=True)
    parquet.write_table(pa.table(rows), path / f"{table}.parquet")


def test_a_decode_row_has_a_context_of_prompt_and_step_and_zero_kv_heads_mean_all(tmp_path: Path) -> None:
    write(tmp_path, "attention", "generation_attention_perf", {
        "batch_size": [2, 2], "isl": [1, 1], "step": [1023, 1023], "num_heads": [32, 32],
        "num_key_value_heads": [0, 8], "head_dim": [128, 128], "window_size": [0, 256],
        "attn_dtype": ["bfloat16"] * 2, "kv_cache_dtype": ["bfloat16", "fp8"], "latency": [0.02, 0.01],
    })  # fmt: skip
    dense, windowed = load_attention(tmp_path, "h100-sxm-80gb")
    assert dense.table == "attention decode bf16"
    assert windowed.table == "attention decode bf16 fp8 KV window"
    assert dense.keys.tolist() == [[2, 1024, 32, 32, 128]]
    assert dense.latency_s.tolist() == [2e-5]
    assert windowed.arguments["window"].tolist() == [256]
    assert windowed.arguments["kv_dtype"] == "fp8_e4m3"


def test_a_prefill_row_asks_for_all_its_prompt(tmp_path: Path) -> None:
    write(tmp_path, "attention", "context_attention_perf", {
        "batch_size": [1], "isl": [4096], "num_heads": [32], "num_key_value_heads": [8], "head_dim": [64],
        "window_size": [0], "attn_dtype": ["fp8"], "kv_cache_dtype": ["fp8"], "latency": [1.0],
    })  # fmt: skip
    (prefill,) = load_attention(tmp_path, "h100-sxm-80gb")
    assert prefill.table == "attention prefill fp8"
    assert prefill.arguments["query_length"].tolist() == prefill.arguments["kv_length"].tolist() == [4096]


def test_expert_rows_are_cut_by_tensor_and_expert_parallelism_and_told_apart(tmp_path: Path) -> None:
    count = 3
    write(tmp_path, "moe", "moe_perf", {
        "num_tokens": [16] * count, "hidden_size": [4096] * count, "inter_size": [1536, 1536, 2688],
        "topk": [8, 8, 22], "num_experts": [128, 128, 512], "moe_tp_size": [4, 1, 1], "moe_ep_size": [1, 8, 1],
        "moe_dtype": ["bfloat16"] * count, "distribution": ["balanced", "power_law_1.2", "balanced"],
        "latency": [1.0] * count,
    })  # fmt: skip
    found = {targets.table: targets.arguments for targets in load_moe(tmp_path, "h100-sxm-80gb")}
    assert set(found) == {"moe bf16", "moe bf16 power_law_1.2 ep", "moe bf16 ungated"}
    assert found["moe bf16"]["intermediate"].tolist() == [384]
    assert found["moe bf16 power_law_1.2 ep"]["experts"].tolist() == [128]
    assert found["moe bf16 power_law_1.2 ep"]["shards"].tolist() == [8]
    assert found["moe bf16 ungated"]["gated"] is False


@pytest.mark.parametrize("device", ["h200-sxm-141gb", "b200-sxm-180gb", "l40s-48gb", "v100-sxm-32gb"])
def test_constants_are_never_fitted_to_a_device_that_is_not_calibrated(device: str) -> None:
    with pytest.raises(InputError, match=f"calibration: '{device}' is .*: only devices of status calibrated"):
        calibrated(device)


def test_held_out_points_never_reach_a_fit(tmp_path: Path) -> None:
    count = 64
    write(tmp_path, "moe", "moe_perf", {
        "num_tokens": list(range(1, count + 1)), "hidden_size": [4096] * count, "inter_size": [1536] * count,
        "topk": [8] * count, "num_experts": [128] * count, "moe_tp_size": [1] * count, "moe_ep_size": [1] * count,
        "moe_dtype": ["bfloat16"] * count, "distribution": ["balanced"] * count, "latency": [1.0] * count,
    })  # fmt: skip
    (targets,) = load_moe(tmp_path, "h100-sxm-80gb")
    fitted = thinned(targets, 1000)
    assert len(fitted) == np.sum(~targets.held_out) < count
    assert not fitted.held_out.any()
    assert len(thinned(targets, 10)) == 10
