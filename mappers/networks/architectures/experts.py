"""Mixture-of-experts networks on the Llama pattern: Mixtral, Qwen2MoE and Qwen3MoE."""

from __future__ import annotations

from hwsim.mappers.networks.architectures.common import network
from hwsim.mappers.networks.architectures.llama import attention, dense, qwen_windows, uniform
from hwsim.mappers.networks.fields import Fields
from hwsim.mappers.networks.layers import Experts, Layer
from hwsim.mappers.networks.network import Network


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


def read_qwen3_moe(fields: Fields) -> Network:
    """Qwen 3 with experts: no shared expert, a norm on each query and key head."""
    experts = fields.integer("num_experts")
    part = Experts(
        experts=experts, top_k=top_k(fields, experts), intermediate=fields.integer("moe_intermediate_size")
    )
    bias = fields.flag("attention_bias", default=False)
    layers = _qwen_layers(fields, part, qkv_bias=bias, output_bias=bias, norm="head")
    tied = fields.flag("tie_word_embeddings", default=False)
    return network(fields, layers, hidden=fields.integer("hidden_size"), tied=tied)
