"""Mixture-of-experts networks on the Llama pattern: Mixtral, Qwen, MiniMax, GPT-OSS, Llama 4, MiMo.

Field names and defaults are those of the configuration and modelling files in Hugging Face transformers and vLLM.
"""

from __future__ import annotations

from dataclasses import replace

from hwsim.mappers.networks.architectures.common import checked_kv_heads, network, text_fields
from hwsim.mappers.networks.architectures.gemma import layer_windows
from hwsim.mappers.networks.architectures.llama import attention, dense, qwen_windows, uniform
from hwsim.mappers.networks.architectures.vision import qwen3_vl_parameters
from hwsim.mappers.networks.fields import Fields
from hwsim.mappers.networks.layers import Experts, FeedForward, Layer
from hwsim.mappers.networks.network import Network

LLAMA4_PERIOD = 4  # no_rope_layer_interval: every fourth layer sees all keys


def top_k(fields: Fields, experts: int, *keys: str) -> int:
    """Read the experts a token uses, at most all of them."""
    return fields.integer(*(keys or ("num_experts_per_tok",)), maximum=experts)


def read_mixtral(fields: Fields) -> Network:
    """Mixtral (arXiv:2401.04088): every layer has experts of ``intermediate_size``."""
    experts = fields.integer("num_local_experts")
    part = Experts(experts=experts, top_k=top_k(fields, experts), intermediate=fields.integer("intermediate_size"))
    window = fields.integer("sliding_window", default=0)
    return uniform(fields, Layer(label="moe", mixer=attention(fields, window=window), feed_forward=part))


def _qwen_layers(fields: Fields, part: Experts, **options: object) -> list[Layer]:
    """A layer has experts unless it is listed in ``mlp_only_layers`` or skipped by ``decoder_sparse_step``."""
    step = fields.integer("decoder_sparse_step", default=1)
    listed = fields.items("mlp_only_layers", default=[])
    layers = []
    for index, window in enumerate(qwen_windows(fields)):
        sparse = index not in listed and (index + 1) % step == 0
        mixer = attention(fields, window=window, **options)
        label, feed_forward = ("moe", part) if sparse else ("dense", dense(fields))
        layers.append(Layer(label=label, mixer=mixer, feed_forward=feed_forward))
    return layers


def read_qwen2_moe(fields: Fields) -> Network:
    """Qwen 1.5 and 2 with experts: a gated shared expert beside the routed ones, and biases on the projections."""
    experts = fields.integer("num_experts")
    part = Experts(
        experts=experts, top_k=top_k(fields, experts), intermediate=fields.integer("moe_intermediate_size"),
        shared=fields.integer("shared_expert_intermediate_size"), shared_gate=True,
    )  # fmt: skip
    layers = _qwen_layers(fields, part, qkv_bias=True)
    tied = fields.flag("tie_word_embeddings", default=False)
    return network(fields, layers, hidden=fields.integer("hidden_size"), tied=tied)


def read_qwen3_moe(fields: Fields, *, other_parameters: int = 0) -> Network:
    """Qwen 3 with experts: no shared expert, a norm on each query and key head."""
    experts = fields.integer("num_experts")
    part = Experts(experts=experts, top_k=top_k(fields, experts), intermediate=fields.integer("moe_intermediate_size"))
    bias = fields.flag("attention_bias", default=False)
    layers = _qwen_layers(fields, part, qkv_bias=bias, output_bias=bias, norm="head")
    tied = fields.flag("tie_word_embeddings", default=False)
    hidden = fields.integer("hidden_size")
    return network(fields, layers, hidden=hidden, tied=tied, other_parameters=other_parameters)


def read_qwen3_vl_moe(fields: Fields) -> Network:
    """Qwen3-VL with experts: Qwen 3 with experts behind a vision tower."""
    return read_qwen3_moe(text_fields(fields), other_parameters=qwen3_vl_parameters(fields.table("vision_config")))


def read_minimax_m2(fields: Fields) -> Network:
    """MiniMax M2: a norm over all query and all key heads, a correction of each expert's score."""
    fields.only("qk_norm_type", ("per_layer",), "per_layer")
    fields.only("shared_intermediate_size", (0,), 0)
    experts = fields.integer("num_local_experts")
    part = Experts(
        experts=experts, top_k=top_k(fields, experts), intermediate=fields.integer("intermediate_size"),
        router_values=int(fields.flag("use_routing_bias", default=True)),
    )  # fmt: skip
    norm = "full" if fields.flag("use_qk_norm", default=True) else ""
    mixer = attention(fields, norm=norm, rotary_dim=fields.integer("rotary_dim"))
    return uniform(fields, Layer(label="moe", mixer=mixer, feed_forward=part))


def read_gpt_oss(fields: Fields) -> Network:
    """GPT-OSS (arXiv:2508.10925): sliding and full attention in turn, attention sinks, biases everywhere."""
    bias = fields.flag("attention_bias", default=True)
    experts = fields.integer("num_local_experts")
    part = Experts(
        experts=experts, top_k=top_k(fields, experts, "num_experts_per_tok", "experts_per_token"),
        intermediate=fields.integer("intermediate_size"), bias=True, router_values=1,
    )  # fmt: skip
    layers = [
        Layer(
            label="sliding" if window else "full", feed_forward=part,
            mixer=attention(fields, window=window, qkv_bias=bias, output_bias=bias, sinks=True),
        )
        for window in layer_windows(fields, 2)
    ]  # fmt: skip
    tied = fields.flag("tie_word_embeddings", default=False)
    return network(fields, layers, hidden=fields.integer("hidden_size"), tied=tied)


def read_llama4(fields: Fields) -> Network:
    """Llama 4: every fourth layer sees all keys without rotary embedding, the others a chunk of the context.

    A chunk is treated as a window of its length, which sees up to twice as many keys. The vision tower, 0.9 billion
    values, is not counted.
    """
    text = text_fields(fields)
    text.only("attention_bias", (False,), False)
    count, experts = text.layers("num_hidden_layers"), text.integer("num_local_experts")
    width = text.integer("intermediate_size")
    part = Experts(experts=experts, top_k=top_k(text, experts), intermediate=width, shared=width)
    plain = FeedForward(intermediate=text.integer("intermediate_size_mlp"))
    step = text.integer("interleave_moe_layer_step", default=1)
    norm = "head" if text.flag("use_qk_norm", default=True) else ""
    chunked = attention(text, window=text.integer("attention_chunk_size"), norm=norm, norm_vectors=0)
    full = attention(text, rotary_dim=0)
    layers = []
    for index in range(count):
        sparse, sees_all = (index + 1) % step == 0, (index + 1) % LLAMA4_PERIOD == 0
        label = f"{'full' if sees_all else 'chunked'}_{'moe' if sparse else 'dense'}"
        layers.append(Layer(label=label, mixer=full if sees_all else chunked, feed_forward=part if sparse else plain))
    tied = text.flag("tie_word_embeddings", default=False)
    return network(text, layers, hidden=text.integer("hidden_size"), tied=tied)


def read_mimo_v2_flash(fields: Fields) -> Network:
    """MiMo-V2-Flash: sliding layers with their own head sizes and sinks; values narrower than keys."""
    fields.only("attention_bias", (False,), False)
    fields.only("n_shared_experts", (None, 0), None)
    experts, count = fields.integer("n_routed_experts"), fields.layers("num_hidden_layers")
    part = Experts(
        experts=experts, top_k=top_k(fields, experts), intermediate=fields.integer("moe_intermediate_size"),
        router_values=1,
    )  # fmt: skip
    sinks = fields.flag("add_full_attention_sink_bias", default=False)
    full = attention(fields, value_head_dim=fields.integer("v_head_dim"), sinks=sinks)
    width = fields.integer("swa_head_dim")
    heads = fields.integer("swa_num_attention_heads")
    sliding = replace(
        full, heads=heads, kv_heads=checked_kv_heads(fields, heads, fields.integer("swa_num_key_value_heads")),
        head_dim=width, value_head_dim=fields.integer("swa_v_head_dim"), window=fields.integer("sliding_window"),
        rotary_dim=full.rotary_dim * width // full.head_dim, sinks=fields.flag("add_swa_attention_sink_bias"),
    )  # fmt: skip
    patterns = fields.items("hybrid_layer_pattern", length=count), fields.items("moe_layer_freq", length=count)
    layers = []
    for slides, sparse in zip(*patterns, strict=True):
        if slides not in (0, 1) or sparse not in (0, 1):
            raise fields.wrong("hybrid_layer_pattern", patterns[0], "a list of 0 and 1, as moe_layer_freq")
        label = f"{'sliding' if slides else 'full'}_{'moe' if sparse else 'dense'}"
        mixer = sliding if slides else full
        layers.append(Layer(label=label, mixer=mixer, feed_forward=part if sparse else dense(fields)))
    tied = fields.flag("tie_word_embeddings", default=False)
    return network(fields, layers, hidden=fields.integer("hidden_size"), tied=tied)
