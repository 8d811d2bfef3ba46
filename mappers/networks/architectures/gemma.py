"""Gemma 1 to 3 (text): wide heads, GELU gates, tied embeddings; norms after each branch from Gemma 2 on.

Field names and defaults are those of the configuration and modelling files in Hugging Face transformers.
"""

from __future__ import annotations

from hwsim.mappers.networks.architectures.common import network
from hwsim.mappers.networks.architectures.llama import attention, dense, uniform
from hwsim.mappers.networks.fields import Fields
from hwsim.mappers.networks.layers import Layer
from hwsim.mappers.networks.network import Network

GEMMA2_PERIOD = 2  # every second layer sees all keys
GEMMA3_PERIOD = 6  # every sixth


def layer_windows(fields: Fields, period: int) -> list[int]:
    """Windows of each layer: as ``layer_types`` lists them, or full attention on every ``period``-th layer."""
    count, window = fields.layers("num_hidden_layers"), fields.integer("sliding_window")
    if not fields.has("layer_types"):
        return [0 if (index + 1) % period == 0 else window for index in range(count)]
    known = {"sliding_attention": window, "full_attention": 0}
    windows = []
    for kind in fields.items("layer_types", length=count):
        if kind not in known:
            raise fields.wrong("layer_types", kind, "sliding_attention or full_attention")
        windows.append(known[kind])
    return windows


def read_gemma(fields: Fields) -> Network:
    """Gemma 1: Llama's layers with a head width of its own."""
    fields.integer("head_dim")
    return uniform(fields, Layer(label="dense", mixer=attention(fields), feed_forward=dense(fields)), tied_default=True)


def _read_sliding(fields: Fields, period: int, **options: object) -> Network:
    fields.integer("head_dim")
    layers = [
        Layer(
            label="sliding" if window else "full", mixer=attention(fields, window=window, **options),
            feed_forward=dense(fields), post_norms=True,
        )
        for window in layer_windows(fields, period)
    ]  # fmt: skip
    tied = fields.flag("tie_word_embeddings", default=True)
    return network(fields, layers, hidden=fields.integer("hidden_size"), tied=tied)


def read_gemma2(fields: Fields) -> Network:
    """Gemma 2 (arXiv:2408.00118): sliding and full attention in turn, four norms a layer."""
    return _read_sliding(fields, GEMMA2_PERIOD)


def read_gemma3_text(fields: Fields) -> Network:
    """Gemma 3 text networks (arXiv:2503.19786): five sliding layers to one full, norms on queries and keys."""
    return _read_sliding(fields, fields.integer("sliding_window_pattern", default=GEMMA3_PERIOD), norm="head")
