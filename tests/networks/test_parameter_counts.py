"""Parameter counts against published ones."""

from __future__ import annotations

import pytest

from hwsim.mappers.networks import read_network

# Counts in the safetensors index or the model card of the repository named in each catalog file's `_source`,
# unless a paper is named. Values are exact counts where the card states them, else as rounded there.
PUBLISHED = {
    "gpt2": 124.44e6,  # github.com/openai/gpt-2, model card (the paper's 117M was corrected to 124M)
    "gpt-j-6b": 6_053_381_344,  # model card; counts buffers of attention masks
    "gpt-neox-20b": 20_554_567_680,  # arXiv:2204.06745, section 2
    "opt-1.3b": 1_315_758_080,
    "opt-6.7b": 6_658_473_984,
    "opt-13b": 12_853_473_280,
    "opt-30b": 29_974_540_288,
    "opt-66b": 65_719_738_368,
    "llama-7b": 6_738_415_616,
    "llama-13b": 13_015_864_320,
    "llama-65b": 65_285_660_672,
    "llama-2-7b": 6_738_415_616,
    "llama-2-13b": 13_015_864_320,
    "llama-2-70b": 68_976_648_192,
    "llama-3-8b": 8_030_261_248,
    "llama-3-70b": 70_553_706_496,
    "llama-3.1-8b": 8_030_261_248,
    "llama-3.1-70b": 70_553_706_496,
    "llama-3.1-405b": 405_853_388_800,
    "llama-3.2-1b": 1_235_814_400,
    "llama-3.2-3b": 3_212_749_824,
    "mistral-7b": 7_241_732_096,
    "mixtral-8x7b": 46_702_792_704,
    "mixtral-8x22b": 140_620_634_112,
    "qwen2-7b": 7_615_616_512,
    "qwen2.5-7b": 7_615_616_512,
    "qwen2.5-14b": 14_770_033_664,
    "qwen2.5-32b": 32_763_876_352,
    "qwen2.5-72b": 72_706_203_648,
    "qwen1.5-1.8b": 1_836_828_672,
    "qwen3-8b": 8_190_735_360,
    "qwen3-14b": 14_768_307_200,
    "qwen3-32b": 32_762_123_264,
    "qwen3-30b-a3b": 30_532_122_624,
    "qwen3-235b-a22b": 235_093_634_560,
    "vicuna-7b": 6_738_415_616,
    "falcon-7b": 6_921_720_704,  # tied; the stored file repeats the head
    "falcon-40b": 41_303_293_952,  # tied; the stored file repeats the head
    "phi-2": 2_779_683_840,
    "phi-3-mini": 3_821_079_552,
    "mpt-7b": 6_649_286_656,
    "gemma-7b": 8_537_680_896,
    "gemma-2-9b": 9_241_705_984,
    "gemma-3-1b": 999_885_952,
    "gemma-3-12b": 11.771e9,  # arXiv:2503.19786, table 1: embedding and the rest, without the vision tower
    "gemma-3-27b": 27.016e9,  # arXiv:2503.19786, table 1
    "gpt-oss-20b": 20.91e9,  # arXiv:2508.10925, table 1
    "gpt-oss-120b": 116.83e9,  # arXiv:2508.10925, table 1
    "deepseek-v3": 671e9,  # arXiv:2412.19437, abstract
    "kimi-k2": 1.03e12,  # arXiv:2507.20534: 1.04 T in table 2, 1.03 T on the model card
    "minimax-m2.5": 229e9,  # model card
    "glm-5": 744e9,  # model card
    "nemotron-nano-9b-v2": 8.89e9,  # model card: 8.89 B
    "nemotron-nano-12b-v2": 12.31e9,  # model card: 12.31 B
}

# Parameters a token uses, as the model cards and papers state them (rounded there).
PUBLISHED_ACTIVE = {
    "mixtral-8x7b": 12.9e9,  # arXiv:2401.04088, section 1: 13B active; 12.9B in the announcement
    "mixtral-8x22b": 39e9,  # mistral.ai/news/mixtral-8x22b
    "qwen3-30b-a3b": 3.3e9,  # model card
    "qwen3-235b-a22b": 22e9,  # model card
    "deepseek-v3": 37e9,  # arXiv:2412.19437, abstract
}


@pytest.mark.parametrize(("name", "published"), PUBLISHED.items())
def test_a_network_has_the_published_number_of_parameters(name: str, published: float) -> None:
    assert read_network(name).parameters == pytest.approx(published, rel=0.01)


@pytest.mark.parametrize(("name", "published"), PUBLISHED_ACTIVE.items())
def test_a_token_uses_the_published_number_of_parameters(name: str, published: float) -> None:
    assert read_network(name).active_parameters == pytest.approx(published, rel=0.02)
