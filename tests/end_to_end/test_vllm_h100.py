"""vLLM runs on H100: every row counted, and a bound on the error of one network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from hwsim import simulate
from hwsim.errors import DoesNotFitError
from hwsim.experiments.end_to_end.vllm_h100 import compare, decode_step, mean_context, predict, report

ROW = {
    "task": "lm-arena-chat", "model_id": "Qwen/Qwen3-14B", "weight_precision": "bfloat16",
    "num_gpus": "1", "expert_parallel": "1",
    "avg_batch_size": "32", "avg_output_len": "611",
}  # fmt: skip


def test_a_step_meets_long_requests_more_often_than_short_ones() -> None:
    assert mean_context(200, 0) == 200
    assert 200 + 600 / 2 < mean_context(200, 600) < 200 + 600
    assert mean_context(200, 600) == round(200 + 300 * (1 + 0.77**2))


def test_a_larger_batch_takes_longer_a_step_and_less_energy_a_token() -> None:
    step_s, token_j = predict(ROW)
    larger_s, larger_j = predict({**ROW, "avg_batch_size": "64"})
    assert larger_s > step_s
    assert larger_j < token_j


@pytest.mark.slow
@pytest.mark.external_data
def test_time_between_tokens_and_joules_a_token_meet_the_bar_though_nothing_is_fitted_to_them(
    external_data: Path, require_package: Callable[[str, str], ModuleType]
) -> None:
    assert (external_data / "energy_h100_vllm.csv").exists()
    require_package("aiconfigurator_core", "validation")
    found, why, total = compare()
    assert total == len(found) + sum(why.values())
    errors = report(found)
    assert len(found) == total == 187
    assert errors["all"]["interval_mean"] < 13.0
    assert errors["dense"]["interval_mean"] < 9.0
    assert errors["all"]["energy_mean"] < 20.0


def test_sampling_from_the_most_likely_tokens_costs_by_logits_and_not_by_layers() -> None:
    def decode_s(name: str, batch: int, runtime: str, tp: int = 1) -> float:
        whole: float = simulate(
            name, on=f"{tp} x h100-sxm-80gb", phase="decode", batch=batch, runtime=runtime, parallel={"tp": tp}
        ).latency_s
        return whole

    def sampling_s(name: str, batch: int, tp: int = 1) -> float:
        return decode_s(name, batch, "serving-top-p", tp) - decode_s(name, batch, "serving", tp)

    assert sampling_s("qwen3-8b", 256) == pytest.approx(sampling_s("qwen3-14b", 256), rel=1e-6)
    assert sampling_s("qwen3-8b", 256, tp=2) == pytest.approx(sampling_s("qwen3-8b", 256), rel=1e-6)
    assert sampling_s("llama-3-8b", 256) / sampling_s("qwen3-8b", 256) == pytest.approx(128256 / 151936, rel=0.01)
    # vLLM pull request 32234: 57.6 ms for 2048 rows of 131,072 logits
    assert sampling_s("qwen3-8b", 400) / (400 * 151936) == pytest.approx(57.6e-3 / (2048 * 131072), rel=0.1)


def test_caches_that_do_not_fit_shorten_the_context_and_not_the_batch() -> None:
    common = {"on": "h100-sxm-80gb", "runtime": "serving-top-p"}
    crowded = decode_step("qwen3-8b", 256, 4000, common)
    assert crowded.batch == 256
    assert crowded.context is not None and 1 < crowded.context < 4000
    assert crowded.peak_memory_bytes > 0.98 * 80e9
    assert decode_step("qwen3-8b", 16, 1000, common).context == 1000
    with pytest.raises(DoesNotFitError):
        decode_step("llama-3-70b", 1, 1000, common)
