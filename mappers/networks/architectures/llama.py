"""The Llama family: root-mean-square norms, rotary embedding, gated feed-forward networks, grouped-query attention.

Field names and defaults are those of the configuration and modelling files in Hugging Face transformers.
"""

from __future__ import annotations

from hwsim.mappers.networks.architectures.common import head_counts, network, text_fields
from hwsim.mappers.networks.architectures.vision import qwen3_vl_parameters
from hwsim.mappers.networks.fields import Fields
from hwsim.mappers.networks.layers import FeedForward, Layer, SelfAttention
from hwsim.mappers.networks.network import Network


def attention(fields: Fields, *, window: int = 0, **options: object) -> SelfAttention:
    """Read attention as the whole family names it."""
    heads, kv_heads, head_dim = head_counts(fields)
    rotary = round(head_dim * fields.number("partial_rotary_factor", default=1.0, maximum=1.0))
    chosen = {"rotary_dim": rotary, "value_head_dim": head_dim, **options}
    return SelfAttention(heads=heads, kv_heads=kv_heads, head_dim=head_dim, window=window, **chosen)  # type: ignore[arg-type]  # names are fields


def dense(fields: Fields, **options: bool) -> FeedForward:
    """Read the gated feed-forward network."""
    return FeedForward(intermediate=fields.integer("intermediate_size"), **options)


def uniform(fields: Fields, layer: Layer, *, tied_default: bool = False, **more: object) -> Network:
    """Assemble a network of equal layers."""
    layers = [layer] * fields.layers("num_hidden_layers")
    tied = fields.flag("tie_word_embeddings", default=tied_default)
    return network(fields, layers, hidden=fields.integer("hidden_size"), tied=tied, **more)


def read_llama(fields: Fields) -> Network:
    """Llama 1 to 3.3 and what copies it (Vicuna, Yi, ...): LlamaForCausalLM."""
    bias = fields.flag("attention_bias", default=False)
    mixer = attention(fields, qkv_bias=bias, output_bias=bias)
    feed_forward = dense(fields, bias=fields.flag("mlp_bias", default=False))
    return uniform(fields, Layer(label="dense", mixer=mixer, feed_forward=feed_forward))


def read_mistral(fields: Fields) -> Network:
    """Mistral: Llama with a sliding window on every layer where ``sliding_window`` is given."""
    window = fields.integer("sliding_window", default=0)
    return uniform(fields, Layer(label="dense", mixer=attention(fields, window=window), feed_forward=dense(fields)))


def qwen_windows(fields: Fields) -> list[int]:
    """Windows of each layer as Qwen2 and Qwen3 state them: off unless ``use_sliding_window``."""
    layers = fields.layers("num_hidden_layers")
    if not fields.flag("use_sliding_window", default=False):
        return [0] * layers
    window = fields.integer("sliding_window")
    first = fields.integer("max_window_layers", default=28, minimum=0)
    return [window if index >= first else 0 for index in range(layers)]


def _read_qwen(fields: Fields, *, other_parameters: int = 0, **options: object) -> Network:
    part = dense(fields)
    layers = [
        Layer(label="sliding" if w else "full", mixer=attention(fields, window=w, **options), feed_forward=part)
        for w in qwen_windows(fields)
    ]
    tied = fields.flag("tie_word_embeddings", default=False)
    hidden = fields.integer("hidden_size")
    return network(fields, layers, hidden=hidden, tied=tied, other_parameters=other_parameters)


def read_qwen2(fields: Fields) -> Network:
    """Qwen 1.5, 2 and 2.5: Llama with a bias on the query, key and value projections."""
    return _read_qwen(fields, qkv_bias=True)


def read_qwen3(fields: Fields, *, other_parameters: int = 0) -> Network:
    """Qwen 3: Llama with a norm on each query and key head."""
    bias = fields.flag("attention_bias", default=False)
    return _read_qwen(fields, other_parameters=other_parameters, qkv_bias=bias, output_bias=bias, norm="head")


def read_qwen3_vl(fields: Fields) -> Network:
    """Qwen3-VL: Qwen 3 behind a vision tower."""
    return read_qwen3(text_fields(fields), other_parameters=qwen3_vl_parameters(fields.table("vision_config")))


def read_mimo(fields: Fields) -> Network:
    """MiMo: Qwen 2 with ``attention_bias`` stated; its extra prediction layer is not part of the network."""
    return _read_qwen(fields, qkv_bias=fields.flag("attention_bias"))
