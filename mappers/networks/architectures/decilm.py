"""DeciLM, the Llama-Nemotron networks found by architecture search: every layer has sizes of its own, or lacks a part.

Source: arXiv:2505.00949 and the modelling file in the networks' repositories.
"""

from __future__ import annotations

from hwsim.mappers.networks.architectures.common import head_width, network
from hwsim.mappers.networks.fields import Fields
from hwsim.mappers.networks.layers import FeedForward, Layer, SelfAttention
from hwsim.mappers.networks.network import Network

DECI_MULTIPLE = 256  # widths of feed-forward parts are rounded up to it


def _block_feed_forward(fields: Fields, block: Fields) -> FeedForward | None:
    """Read a feed-forward part; its width is 2/3 of ``ffn_mult`` times hidden, rounded up to a multiple of 256."""
    if block.flag("no_op"):
        return None
    block.only("replace_with_linear", (False,), False)
    width = int(2 * block.number("ffn_mult") * fields.integer("hidden_size") / 3)
    return FeedForward(intermediate=-(-width // DECI_MULTIPLE) * DECI_MULTIPLE)


def _block_attention(fields: Fields, block: Fields) -> SelfAttention | None:
    """Read an attention part, which states how many query heads share a key/value head."""
    if block.flag("no_op"):
        return None
    block.only("replace_with_linear", (False,), False)
    for key in ("num_sink_tokens", "window_length", "sparsify"):
        block.only(key, (None,), None)
    heads = fields.integer("num_attention_heads")
    kv_heads, rest = divmod(heads, block.integer("n_heads_in_group"))
    if rest:
        raise block.wrong("n_heads_in_group", block.values["n_heads_in_group"], f"a divisor of the {heads} heads")
    width = head_width(fields, fields.integer("hidden_size"), heads)
    return SelfAttention(heads=heads, kv_heads=kv_heads, head_dim=width, value_head_dim=width, rotary_dim=width)


def read_decilm(fields: Fields) -> Network:
    """DeciLM (Llama-Nemotron, arXiv:2505.00949): Llama whose blocks each have their own sizes, or lack a part."""
    fields.only("attention_bias", (False,), False)
    fields.only("mlp_bias", (False,), False)
    count = fields.layers("num_hidden_layers")
    layers = []
    for index, entry in enumerate(fields.items("block_configs", length=count)):
        if not isinstance(entry, dict):
            raise fields.wrong("block_configs", entry, "a list of objects, one a layer")
        block = Fields(entry, fields.source, f"block_configs[{index}].")
        mixer = _block_attention(fields, block.table("attention"))
        part = _block_feed_forward(fields, block.table("ffn"))
        label = "dense" if mixer and part else "attention" if mixer else "feed_forward"
        layers.append(Layer(label=label, mixer=mixer, feed_forward=part))
    tied = fields.flag("tie_word_embeddings", default=False)
    return network(fields, layers, hidden=fields.integer("hidden_size"), tied=tied)
