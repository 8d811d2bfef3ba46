"""The configurations that the package aiconfigurator-core ships: each is read right, or refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from hwsim.errors import UnsupportedError
from hwsim.mappers.networks import read_network

# Parameters in billions. Exact ones are counts of the stored tensors; rounded ones are what the model cards and
# papers state. Extra prediction layers (MTP) are left out, as the papers do.
PUBLISHED = {
    "Qwen--Qwen3-0.6B": 0.596,  # model card: 0.6B, tied
    "Qwen--Qwen3-1.7B": 1.721,  # model card: 1.7B, tied
    "Qwen--Qwen3-8B": 8.191,
    "Qwen--Qwen3-32B": 32.76,
    "Qwen--Qwen3-30B-A3B": 30.53,
    "Qwen--Qwen3-235B-A22B": 235.1,
    "Qwen--Qwen3-Coder-480B-A35B-Instruct": 480.2,
    "Qwen--Qwen3-VL-2B-Instruct": 2.128,
    "Qwen--Qwen3-VL-4B-Instruct": 4.438,
    "Qwen--Qwen3-VL-8B-Instruct": 8.767,
    "Qwen--Qwen3-VL-32B-Instruct": 33.36,
    "Qwen--Qwen3-VL-30B-A3B-Instruct": 31.07,
    "Qwen--Qwen3-VL-235B-A22B-Instruct": 235.7,
    "MiniMaxAI--MiniMax-M2.5": 229.0,  # model card: 229B
    "XiaomiMiMo--MiMo-7B-Base": 7.623,  # stored 7.83 with one prediction layer of 0.21
    "XiaomiMiMo--MiMo-V2-Flash": 309.0,  # model card: 309B
    "deepseek-ai--DeepSeek-V3": 671.0,  # arXiv:2412.19437, abstract
    "deepseek-ai--DeepSeek-R1": 671.0,
    "deepseek-ai--DeepSeek-V3.2": 671.9,  # V3 and its indexers
    "moonshotai--Kimi-K2-Instruct": 1026.4,  # stored tensors; the paper rounds to 1.04 T
    "moonshotai--Kimi-K2.5": 1026.8,  # with 0.4 of vision, not counted here
    "zai-org--GLM-5": 744.0,  # model card: 744B
    "zai-org--GLM-5.1": 744.0,
    "meta-llama--Meta-Llama-3.1-8B": 8.030,
    "meta-llama--Meta-Llama-3.1-70B": 70.55,
    "meta-llama--Meta-Llama-3.1-405B": 405.9,
    "meta-llama--Llama-4-Scout-17B-16E-Instruct": 108.6,  # with 0.9 of vision, not counted here
    "meta-llama--Llama-4-Maverick-17B-128E-Instruct": 401.6,  # with 0.9 of vision, not counted here
    "mistralai--Mixtral-8x7B-v0.1": 46.70,
    "mistralai--Mixtral-8x22B-v0.1": 140.6,
    "nvidia--Llama-3_3-Nemotron-Super-49B-v1": 49.87,
    "nvidia--NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": 31.58,  # model card: 31.6B
    "nvidia--NVIDIA-Nemotron-3-Super-120B-A12B-FP8": 120.6,  # model card, without the prediction layer
    "openai--gpt-oss-120b": 116.8,  # arXiv:2508.10925, table 1: 116.83
    "openai--gpt-oss-20b": 20.91,  # arXiv:2508.10925, table 1
}


@pytest.fixture(scope="session")
def configurations(require_package: Callable[[str, str], ModuleType]) -> dict[str, Path]:
    """Configuration files by network, without the separate quantisation ones."""
    package = require_package("aiconfigurator_core", "validation")
    assert package.__file__ is not None
    paths = sorted((Path(package.__file__).parent / "model_configs").glob("*_config.json"))
    return {p.name.removesuffix("_config.json"): p for p in paths if not p.name.endswith("_hf_quant_config.json")}


def test_every_public_configuration_is_read_or_refused_by_name(configurations: dict[str, Path]) -> None:
    assert len(configurations) >= 80
    for path in configurations.values():
        architecture = json.loads(path.read_text())["architectures"][0]
        try:
            network = read_network(path)
        except UnsupportedError as error:
            assert f"'{architecture}'" in str(error), path.name
            assert "known: " in str(error), path.name
            assert "\n" not in str(error), path.name
        else:
            assert network.architecture == architecture
            assert network.parameters > 0


def test_every_public_configuration_that_is_read_gives_valid_graphs(configurations: dict[str, Path]) -> None:
    for path in configurations.values():
        try:
            network = read_network(path)
        except UnsupportedError:
            continue
        prefill = network.graph(phase="prefill", batch=1, prompt=8192).validate()
        decode = network.graph(phase="decode", batch=2, context=8191).validate()
        assert prefill.parameters == pytest.approx(decode.parameters), path.name
        assert decode.unfolded().validate().flops == pytest.approx(decode.flops), path.name


@pytest.mark.parametrize(("name", "billions"), PUBLISHED.items())
def test_a_public_configuration_has_the_published_number_of_parameters(
    configurations: dict[str, Path], name: str, billions: float
) -> None:
    if name not in configurations:
        pytest.fail(f"aiconfigurator-core no longer ships {name}: take it out of the table")
    assert read_network(configurations[name]).parameters == pytest.approx(billions * 1e9, rel=0.01)
