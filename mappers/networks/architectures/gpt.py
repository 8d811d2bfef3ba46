"""The GPT family: layer norms, learned or rotary positions, plain feed-forward networks.

Field names and defaults are those of the configuration and modelling files in Hugging Face transformers.
"""

from __future__ import annotations

from hwsim.mappers.networks.architectures.common import head_width, network
from hwsim.mappers.networks.fields import Fields
from hwsim.mappers.networks.layers import FeedForward, Layer, SelfAttention
from hwsim.mappers.networks.network import Network

OPT_POSITION_OFFSET = 2  # OPTLearnedPositionalEmbedding keeps two rows for padding


def _multi_head(fields: Fields, hidden: int, heads: int, **options: object) -> SelfAttention:
    width = head_width(fields, hidden, heads, key="")
    chosen = {"kv_heads": heads, **options}
    return SelfAttention(heads=heads, head_dim=width, value_head_dim=width, **chosen)  # type: ignore[arg-type]  # names are fields


def read_gpt2(fields: Fields) -> Network:
    """GPT-2: learned positions, biases everywhere, tied embeddings."""
    hidden = fields.integer("n_embd", "hidden_size")
    heads = fields.integer("n_head", "num_attention_heads")
    positions = fields.context("n_positions", "n_ctx", "max_position_embeddings")
    mixer = _multi_head(fields, hidden, heads, qkv_bias=True, output_bias=True)
    inner = fields.integer("n_inner", default=4 * hidden)
    layer = Layer(
        label="dense", mixer=mixer, feed_forward=FeedForward(intermediate=inner, gated=False, bias=True), norm_vectors=2
    )
    return network(
        fields, [layer] * fields.layers("n_layer", "num_hidden_layers"), hidden=hidden,
        tied=fields.flag("tie_word_embeddings", default=True), context_limit=positions, position_rows=positions,
        final_norm_vectors=2,
    )  # fmt: skip


def read_gpt_j(fields: Fields) -> Network:
    """GPT-J: attention and feed-forward in parallel after one norm, biases in the feed-forward network and the head."""
    hidden, heads = fields.integer("n_embd"), fields.integer("n_head")
    mixer = _multi_head(fields, hidden, heads, rotary_dim=fields.integer("rotary_dim", default=64))
    inner = fields.integer("n_inner", default=4 * hidden)
    layer = Layer(
        label="dense", mixer=mixer, feed_forward=FeedForward(intermediate=inner, gated=False, bias=True),
        norm_vectors=2, parallel=True,
    )  # fmt: skip
    return network(
        fields, [layer] * fields.layers("n_layer"), hidden=hidden,
        tied=fields.flag("tie_word_embeddings", default=False), context_limit=fields.context("n_positions"),
        head_bias=True, final_norm_vectors=2,
    )  # fmt: skip


def read_gpt_neox(fields: Fields) -> Network:
    """GPT-NeoX and Pythia: two norms before parallel branches, biases everywhere but in the head."""
    hidden, heads = fields.integer("hidden_size"), fields.integer("num_attention_heads")
    bias = fields.flag("attention_bias", default=True)
    width = head_width(fields, hidden, heads, key="")
    rotary = round(width * fields.number("rotary_pct", default=0.25, maximum=1.0))
    mixer = _multi_head(fields, hidden, heads, qkv_bias=bias, output_bias=bias, rotary_dim=rotary)
    layer = Layer(
        label="dense", mixer=mixer, norm_vectors=2, parallel=fields.flag("use_parallel_residual", default=True),
        feed_forward=FeedForward(intermediate=fields.integer("intermediate_size"), gated=False, bias=True),
        parallel_norms=2,
    )  # fmt: skip
    return network(
        fields, [layer] * fields.layers("num_hidden_layers"), hidden=hidden,
        tied=fields.flag("tie_word_embeddings", default=False), final_norm_vectors=2,
    )  # fmt: skip


def read_opt(fields: Fields) -> Network:
    """OPT (arXiv:2205.01068): learned positions with two extra rows, biases everywhere, tied embeddings."""
    hidden, heads = fields.integer("hidden_size"), fields.integer("num_attention_heads")
    bias = fields.flag("enable_bias", default=True)
    norm_vectors = 2 if fields.flag("layer_norm_elementwise_affine", default=True) else 0
    mixer = _multi_head(fields, hidden, heads, qkv_bias=bias, output_bias=bias)
    part = FeedForward(intermediate=fields.integer("ffn_dim"), gated=False, bias=bias)
    layer = Layer(label="dense", mixer=mixer, feed_forward=part, norm_vectors=norm_vectors)
    limit = fields.context("max_position_embeddings")
    before = fields.flag("do_layer_norm_before", default=True)
    removed = fields.flag("_remove_final_layer_norm", default=False)
    return network(
        fields, [layer] * fields.layers("num_hidden_layers"), hidden=hidden,
        tied=fields.flag("tie_word_embeddings", default=True), position_rows=limit + OPT_POSITION_OFFSET,
        embedding_dim=fields.integer("word_embed_proj_dim", default=hidden),
        final_norm_vectors=norm_vectors if before and not removed else None,
    )  # fmt: skip
