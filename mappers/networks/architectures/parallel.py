"""Networks that depart from Llama in layout: Falcon, Phi, Phi-3 and MPT.

Field names and defaults are those of the configuration and modelling files in Hugging Face transformers.
"""

from __future__ import annotations

from hwsim.mappers.networks.architectures.common import checked_kv_heads, head_width, network
from hwsim.mappers.networks.architectures.llama import attention, dense, uniform
from hwsim.mappers.networks.fields import Fields
from hwsim.mappers.networks.layers import FeedForward, Layer, SelfAttention
from hwsim.mappers.networks.network import Network

FALCON_CONTEXT = 2048  # max_position_embeddings where the configuration gives none
MPT_ATTENTION = ("multihead_attention", "multiquery_attention", "grouped_query_attention")


def _falcon_kv_heads(fields: Fields, heads: int, *, grouped: bool) -> int:
    if grouped:
        given = fields.integer("num_kv_heads", "n_head_kv", default=heads)
        return checked_kv_heads(fields, heads, given, "num_kv_heads")
    return 1 if fields.flag("multi_query", default=True) else heads


def read_falcon(fields: Fields) -> Network:
    """Falcon (arXiv:2311.16867): the old decoder (one norm, multi-query) and the new one (two norms, grouped heads)."""
    hidden = fields.integer("hidden_size", "n_embed")
    heads = fields.integer("num_attention_heads", "n_head")
    grouped = fields.flag("new_decoder_architecture", default=False)
    bias, alibi = fields.flag("bias", default=False), fields.flag("alibi", default=False)
    width = head_width(fields, hidden, heads)
    mixer = SelfAttention(
        heads=heads, kv_heads=_falcon_kv_heads(fields, heads, grouped=grouped), head_dim=width, value_head_dim=width,
        rotary_dim=0 if alibi else width, qkv_bias=bias, output_bias=bias,
    )  # fmt: skip
    inner = fields.integer("ffn_hidden_size", default=4 * hidden)
    parallel = grouped or fields.flag("parallel_attn", default=True)
    norms = fields.integer("num_ln_in_parallel_attn", default=2 if grouped else 1, maximum=2)
    layer = Layer(
        label="dense", mixer=mixer, feed_forward=FeedForward(intermediate=inner, gated=False, bias=bias),
        norm_vectors=2, parallel=parallel, parallel_norms=norms,
    )  # fmt: skip
    return network(
        fields, [layer] * fields.layers("num_hidden_layers", "n_layer"), hidden=hidden, final_norm_vectors=2,
        tied=fields.flag("tie_word_embeddings", default=True),
        context_limit=fields.context("max_position_embeddings", default=FALCON_CONTEXT),
    )  # fmt: skip


def read_phi(fields: Fields) -> Network:
    """Phi 1, 1.5 and 2: one layer norm before parallel branches, biases everywhere, in the head too."""
    norm = "head" if fields.flag("qk_layernorm", default=False) else ""
    mixer = attention(fields, qkv_bias=True, output_bias=True, norm=norm, norm_vectors=2)
    part = FeedForward(intermediate=fields.integer("intermediate_size"), gated=False, bias=True)
    layer = Layer(label="dense", mixer=mixer, feed_forward=part, norm_vectors=2, parallel=True)
    return uniform(fields, layer, head_bias=True, final_norm_vectors=2)


def read_phi3(fields: Fields) -> Network:
    """Phi 3 and 4 (dense): Llama's layers with a sliding window where one is given."""
    window = fields.integer("sliding_window", default=0)
    return uniform(fields, Layer(label="dense", mixer=attention(fields, window=window), feed_forward=dense(fields)))


def read_mpt(fields: Fields) -> Network:
    """MPT: no biases, layer norms without bias, ALiBi or learned positions, tied embeddings."""
    hidden, heads = fields.integer("d_model"), fields.integer("n_heads")
    options = fields.table("attn_config") if fields.has("attn_config") else Fields({}, fields.source, "attn_config.")
    kind = options.only("attn_type", MPT_ATTENTION, MPT_ATTENTION[0])
    options.only("qk_ln", (False,), False)
    fields.only("no_bias", (True,), True)
    kv_heads = 1 if kind == "multiquery_attention" else options.integer("kv_n_heads", default=heads)
    width = head_width(fields, hidden, heads, key="")
    mixer = SelfAttention(
        heads=heads, kv_heads=checked_kv_heads(options, heads, kv_heads, "kv_n_heads"), head_dim=width,
        value_head_dim=width,
    )  # fmt: skip
    ratio = fields.integer("expansion_ratio", default=4)
    layer = Layer(label="dense", mixer=mixer, feed_forward=FeedForward(intermediate=ratio * hidden, gated=False))
    limit = fields.context("max_seq_len")
    return network(
        fields, [layer] * fields.layers("n_layers"), hidden=hidden, tied=True, context_limit=limit,
        position_rows=0 if options.flag("alibi", default=False) else limit,
    )  # fmt: skip
