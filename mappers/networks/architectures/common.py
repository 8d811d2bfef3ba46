"""What readers share: head sizes with their checks, stored format, and the assembly of the network record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hwsim.mappers.networks.fields import Fields
from hwsim.mappers.networks.layers import Layer, fold
from hwsim.mappers.networks.network import Network

Reader = Callable[[Fields], Network]

_DTYPES = {"float16": "fp16", "half": "fp16", "bfloat16": "bf16", "float32": "fp32", "float": "fp32"}


def default_format(fields: Fields) -> str:
    """Map ``torch_dtype`` (or ``dtype``) to a number format; bf16 where the configuration names none."""
    text = fields.text("torch_dtype", "dtype", default="bfloat16").removeprefix("torch.")
    if text not in _DTYPES:
        raise fields.wrong("torch_dtype", text, "one of " + ", ".join(_DTYPES))
    return _DTYPES[text]


def head_counts(fields: Fields, *, head_dim_key: str = "head_dim") -> tuple[int, int, int]:
    """Return query heads, key/value heads and head width; the width is hidden / heads where it is not given."""
    hidden = fields.integer("hidden_size")
    heads = fields.integer("num_attention_heads")
    kv_heads = fields.integer("num_key_value_heads", default=heads)
    return heads, checked_kv_heads(fields, heads, kv_heads), head_width(fields, hidden, heads, head_dim_key)


def checked_kv_heads(fields: Fields, heads: int, kv_heads: int, key: str = "num_key_value_heads") -> int:
    """Return the key/value heads, which must divide the query heads."""
    if heads % kv_heads:
        raise fields.wrong(key, kv_heads, f"a divisor of the {heads} attention heads")
    return kv_heads


def head_width(fields: Fields, hidden: int, heads: int, key: str = "head_dim") -> int:
    """Return the width of a head as given, or hidden / heads, which must come out even."""
    if fields.has(key):
        return fields.integer(key)
    if hidden % heads:
        raise fields.wrong("num_attention_heads", heads, f"a divisor of the hidden size {hidden}")
    return hidden // heads


def text_fields(fields: Fields) -> Fields:
    """Return the text part of a configuration with several towers; ``tie_word_embeddings`` may stand above it."""
    text = fields.table("text_config")
    for key in ("tie_word_embeddings", "torch_dtype", "dtype"):
        if fields.has(key) and not text.has(key):
            text.values = {**text.values, key: fields.values[key]}
    return text


def network(fields: Fields, layers: Iterable[Layer], *, hidden: int, tied: bool, **more: Any) -> Network:
    """Assemble the record; name, architecture and source are filled in by `read_network`."""
    return Network(
        name="",
        architecture="",
        source=fields.source,
        hidden=hidden,
        vocabulary=fields.integer("vocab_size"),
        context_limit=more.pop("context_limit", 0) or fields.context("max_position_embeddings"),
        groups=fold(layers),
        embedding_dim=more.pop("embedding_dim", hidden),
        tied_embeddings=tied,
        default_format=more.pop("default_format", "") or default_format(fields),
        **more,
    )
