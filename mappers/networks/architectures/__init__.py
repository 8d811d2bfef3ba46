"""The table of known architectures: class name in a `config.json` -> the function that reads its fields."""

from __future__ import annotations

from hwsim.mappers.networks.architectures import decilm, deepseek, experts, gemma, gpt, hybrid, llama, parallel
from hwsim.mappers.networks.architectures.common import Reader

ARCHITECTURES: dict[str, Reader] = {
    "LlamaForCausalLM": llama.read_llama,
    "LLaMAForCausalLM": llama.read_llama,
    "MistralForCausalLM": llama.read_mistral,
    "Qwen2ForCausalLM": llama.read_qwen2,
    "Qwen3ForCausalLM": llama.read_qwen3,
    "MixtralForCausalLM": experts.read_mixtral,
    "Qwen2MoeForCausalLM": experts.read_qwen2_moe,
    "Qwen3MoeForCausalLM": experts.read_qwen3_moe,
    "GPT2LMHeadModel": gpt.read_gpt2,
    "GPTJForCausalLM": gpt.read_gpt_j,
    "GPTNeoXForCausalLM": gpt.read_gpt_neox,
    "OPTForCausalLM": gpt.read_opt,
    "FalconForCausalLM": parallel.read_falcon,
    "RWForCausalLM": parallel.read_falcon,
    "PhiForCausalLM": parallel.read_phi,
    "Phi3ForCausalLM": parallel.read_phi3,
    "MptForCausalLM": parallel.read_mpt,
    "MPTForCausalLM": parallel.read_mpt,
    "GemmaForCausalLM": gemma.read_gemma,
    "Gemma2ForCausalLM": gemma.read_gemma2,
    "Gemma3ForCausalLM": gemma.read_gemma3_text,
    "DeepseekV3ForCausalLM": deepseek.read_deepseek_v3,
    "DeepseekV32ForCausalLM": deepseek.read_deepseek_v32,
    "GlmMoeDsaForCausalLM": deepseek.read_glm_moe_dsa,
    "KimiK25ForConditionalGeneration": deepseek.read_kimi_k25,
    "Qwen3VLForConditionalGeneration": llama.read_qwen3_vl,
    "Qwen3VLMoeForConditionalGeneration": experts.read_qwen3_vl_moe,
    "MiMoForCausalLM": llama.read_mimo,
    "MiMoV2FlashForCausalLM": experts.read_mimo_v2_flash,
    "MiniMaxM2ForCausalLM": experts.read_minimax_m2,
    "GptOssForCausalLM": experts.read_gpt_oss,
    "Llama4ForConditionalGeneration": experts.read_llama4,
    "NemotronHForCausalLM": hybrid.read_nemotron_h,
    "Qwen3_5ForConditionalGeneration": hybrid.read_qwen35,
    "Qwen3_5MoeForConditionalGeneration": hybrid.read_qwen35,
    "DeciLMForCausalLM": decilm.read_decilm,
}
