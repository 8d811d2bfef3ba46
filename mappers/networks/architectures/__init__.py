"""The table of known architectures: class name in a `config.json` -> the function that reads its fields."""

from __future__ import annotations

from hwsim.mappers.networks.architectures.common import Reader
from hwsim.mappers.networks.architectures.experts import read_mixtral, read_qwen2_moe, read_qwen3_moe
from hwsim.mappers.networks.architectures.gemma import read_gemma, read_gemma2, read_gemma3_text
from hwsim.mappers.networks.architectures.gpt import read_gpt2, read_gpt_j, read_gpt_neox, read_opt
from hwsim.mappers.networks.architectures.llama import read_llama, read_mistral, read_qwen2, read_qwen3
from hwsim.mappers.networks.architectures.parallel import read_falcon, read_mpt, read_phi, read_phi3

ARCHITECTURES: dict[str, Reader] = {
    "LlamaForCausalLM": read_llama,
    "LLaMAForCausalLM": read_llama,
    "MistralForCausalLM": read_mistral,
    "Qwen2ForCausalLM": read_qwen2,
    "Qwen3ForCausalLM": read_qwen3,
    "MixtralForCausalLM": read_mixtral,
    "Qwen2MoeForCausalLM": read_qwen2_moe,
    "Qwen3MoeForCausalLM": read_qwen3_moe,
    "GPT2LMHeadModel": read_gpt2,
    "GPTJForCausalLM": read_gpt_j,
    "GPTNeoXForCausalLM": read_gpt_neox,
    "OPTForCausalLM": read_opt,
    "FalconForCausalLM": read_falcon,
    "RWForCausalLM": read_falcon,
    "PhiForCausalLM": read_phi,
    "Phi3ForCausalLM": read_phi3,
    "MptForCausalLM": read_mpt,
    "MPTForCausalLM": read_mpt,
    "GemmaForCausalLM": read_gemma,
    "Gemma2ForCausalLM": read_gemma2,
    "Gemma3ForCausalLM": read_gemma3_text,
}
