"""Networks with latent attention: DeepSeek V3 and V3.2, Kimi K2 and K2.5, GLM-5.

Sources: DeepSeek-V3 (arXiv:2412.19437), DeepSeek-V3.2 (arXiv:2512.02556); field names and defaults are those of the
configuration and modelling files in Hugging Face transformers. Extra prediction layers (``num_nextn_predict_layers``)
are not part of the network: published sizes leave them out.
"""

from __future__ import annotations

from dataclasses import replace

from hwsim.mappers.networks.architectures.common import network, text_fields
from hwsim.mappers.networks.architectures.experts import top_k
from hwsim.mappers.networks.architectures.llama import dense
from hwsim.mappers.networks.fields import Fields
from hwsim.mappers.networks.layers import Experts, LatentAttention, Layer, SparseIndex
from hwsim.mappers.networks.network import Network


def _latent(fields: Fields, index: SparseIndex | None = None) -> LatentAttention:
    fields.only("attention_bias", (False,), False)
    return LatentAttention(
        heads=fields.integer("num_attention_heads"), query_rank=fields.integer("q_lora_rank", default=0),
        kv_rank=fields.integer("kv_lora_rank"), nope_dim=fields.integer("qk_nope_head_dim"),
        rotary_dim=fields.integer("qk_rope_head_dim"), value_head_dim=fields.integer("v_head_dim"), index=index,
    )  # fmt: skip


def _experts(fields: Fields) -> Experts:
    experts, width = fields.integer("n_routed_experts"), fields.integer("moe_intermediate_size")
    shared = fields.integer("n_shared_experts", default=0, minimum=0)
    fields.only("topk_method", ("noaux_tc",), "noaux_tc")  # which stores a correction of the score of each expert
    return Experts(
        experts=experts, top_k=top_k(fields, experts), intermediate=width, shared=shared * width, router_values=1
    )


def _layers(fields: Fields, mixer: LatentAttention) -> list[Layer]:
    """Dense layers first, experts in the others."""
    count = fields.layers("num_hidden_layers")
    first = fields.integer("first_k_dense_replace", minimum=0, maximum=count)
    fields.only("moe_layer_freq", (1,), 1)
    dense_layer = Layer(label="dense", mixer=mixer, feed_forward=dense(fields))
    return [dense_layer] * first + [replace(dense_layer, label="moe", feed_forward=_experts(fields))] * (count - first)


def _assembled(fields: Fields, layers: list[Layer], **more: object) -> Network:
    tied = fields.flag("tie_word_embeddings", default=False)
    return network(fields, layers, hidden=fields.integer("hidden_size"), tied=tied, **more)


def read_deepseek_v3(fields: Fields) -> Network:
    """DeepSeek V3, R1, and Kimi K2, which has the same layers."""
    return _assembled(fields, _layers(fields, _latent(fields)))


def read_kimi_k25(fields: Fields) -> Network:
    """Kimi K2.5 to 2.7: Kimi K2 behind a vision tower of 0.4 billion values, which is not counted."""
    return read_deepseek_v3(text_fields(fields))


def _index(fields: Fields) -> SparseIndex:
    return SparseIndex(
        heads=fields.integer("index_n_heads"), head_dim=fields.integer("index_head_dim"),
        top_k=fields.integer("index_topk"),
    )  # fmt: skip


def read_deepseek_v32(fields: Fields) -> Network:
    """DeepSeek V3.2: V3 with an indexer in every layer that picks the keys each query sees."""
    return _assembled(fields, _layers(fields, _latent(fields, _index(fields))))


def read_glm_moe_dsa(fields: Fields) -> Network:
    """GLM-5: DeepSeek V3.2's layers; from 5.2 on, layers listed as ``shared`` take over an earlier layer's keys."""
    index = _index(fields)
    layers = _layers(fields, _latent(fields, index))
    if not fields.has("indexer_types"):
        fields.only("index_topk_freq", (1,), 1)
        fields.only("index_topk_pattern", (None,), None)
    kinds = fields.items("indexer_types", default=["full"] * len(layers), length=len(layers))
    mlps = fields.items("mlp_layer_types", default=[], length=len(layers) if fields.has("mlp_layer_types") else 0)
    for layer, kind in zip(layers, mlps, strict=False):
        if kind != {"dense": "dense", "moe": "sparse"}[layer.label]:
            raise fields.wrong("mlp_layer_types", kind, "dense for the first layers, then sparse")
    shared = replace(index, stored=False)
    picked: list[Layer] = []
    for layer, kind in zip(layers, kinds, strict=True):
        if kind not in ("full", "shared"):
            raise fields.wrong("indexer_types", kind, "full or shared")
        mixer = _latent(fields, index if kind == "full" else shared)
        label = layer.label if kind == "full" else f"{layer.label}_shared_index"
        picked.append(replace(layer, mixer=mixer, label=label))
    return _assembled(fields, picked)
