"""vLLM runs on H100: every row counted, and a bound on the error of one network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from hwsim.experiments.end_to_end.vllm_h100 import QWEN3_14B, compare, predict, report
from hwsim.mappers.networks.reading import read_config

ROW = {
    "task": "lm-arena-chat", "model_id": "Qwen/Qwen3-14B", "weight_precision": "bfloat16", "tensor_parallel": "1",
    "avg_batch_size": "32", "avg_output_len": "611",
}  # fmt: skip


def test_qwen3_14b_has_the_parameters_of_its_model_card() -> None:
    assert read_config(dict(QWEN3_14B), source="card", name="q").parameters == pytest.approx(14.8e9, rel=0.01)


def test_a_larger_batch_takes_longer_a_step_and_less_energy_a_token() -> None:
    step_s, token_j = predict(ROW)
    larger_s, larger_j = predict({**ROW, "avg_batch_size": "64"})
    assert larger_s > step_s
    assert larger_j < token_j


@pytest.mark.slow
@pytest.mark.external_data
def test_dense_networks_stay_within_a_quarter_between_tokens(
    external_data: Path, require_package: Callable[[str, str], ModuleType]
) -> None:
    assert (external_data / "energy_h100_vllm.csv").exists()
    require_package("aiconfigurator_core", "validation")
    found, why, total = compare()
    assert total == len(found) + sum(why.values())
    assert report(found)["dense"]["interval_mean"] < 25.0
