"""Layers as plain records: what a decoder layer is made of. Readers fill them in, `build` turns them into operators.

All sizes count values (not bytes) of the whole network, before any split over devices.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class SelfAttention:
    """Multi-head, grouped-query or multi-query attention.

    Attributes
    ----------
    heads, kv_heads, head_dim, value_head_dim : query heads, key/value heads and their widths
    window : keys a query sees at most; 0 means all
    rotary_dim : values a head that rotary embedding turns; 0 means no rotary embedding
    qkv_bias, output_bias : whether the projections store a bias
    norm : normalisation of queries and keys: a vector a head width, a vector over all heads, or none
    norm_vectors : stored vectors of such a norm, 2 with a bias
    sinks : whether each head stores one attention sink logit
    gate : width of an output gate a head (0, 1 or head_dim), stored as more columns of the query projection
    values_from_keys : keys serve as values, so the projection has no value part
    """

    heads: int
    kv_heads: int
    head_dim: int
    value_head_dim: int
    window: int = 0
    rotary_dim: int = 0
    qkv_bias: bool = False
    output_bias: bool = False
    norm: Literal["", "head", "full"] = ""
    norm_vectors: int = 1
    sinks: bool = False
    gate: int = 0
    values_from_keys: bool = False


@dataclass(frozen=True, kw_only=True)
class SparseIndex:
    """The indexer of sparse attention: scores all cached keys with small heads and keeps the best ``top_k``.

    ``stored`` is false where a layer takes over the keys that an earlier layer's indexer picked.
    Source: DeepSeek-V3.2 report (arXiv:2512.02556), section 2.1.
    """

    heads: int
    head_dim: int
    top_k: int
    stored: bool = True


@dataclass(frozen=True, kw_only=True)
class LatentAttention:
    """Multi-head latent attention: keys and values are stored as one vector of ``kv_rank`` plus a rotary key.

    Source: DeepSeek-V2 (arXiv:2405.04434), section 2.1. ``query_rank`` 0 means queries are projected directly.
    """

    heads: int
    query_rank: int
    kv_rank: int
    nope_dim: int
    rotary_dim: int
    value_head_dim: int
    index: SparseIndex | None = None

    @property
    def head_dim(self) -> int:
        """Width of a query or key head before compression."""
        return self.nope_dim + self.rotary_dim

    @property
    def latent_dim(self) -> int:
        """Values of the latent vector with its rotary key."""
        return self.kv_rank + self.rotary_dim

    @property
    def cached_dim(self) -> int:
        """Values cached a token and layer, the indexer's key included."""
        return self.latent_dim + (self.index.head_dim if self.index and self.index.stored else 0)

    @property
    def top_k(self) -> int:
        """Keys a query sees at most; a number past any context where attention is not sparse."""
        return self.index.top_k if self.index else 2**62


@dataclass(frozen=True, kw_only=True)
class StateMixer:
    """A mixer that keeps a matrix of ``state_dim`` by ``head_dim`` for each head instead of keys and values.

    Attributes
    ----------
    heads, head_dim : value heads and their width; the gate is as wide
    groups, state_dim : groups of heads that share keys and queries, and the width of these
    scalars, stored_scalars : projected values a head (step or decay and rate), and stored ones
    taps, convolution_bias : of the short convolution over values, keys and queries
    norm_all : the norm of the output stores a vector over all heads, not one head's
    chunk, products : tokens that prefill works on at once, and products of a chunk with states
    """

    heads: int
    head_dim: int
    groups: int
    state_dim: int
    scalars: int
    stored_scalars: int
    taps: int
    convolution_bias: bool = False
    norm_all: bool = True
    chunk: int = 128
    products: int = 2


@dataclass(frozen=True, kw_only=True)
class FeedForward:
    """A feed-forward network: gate, up and down, or up and down."""

    intermediate: int
    gated: bool = True
    bias: bool = False


@dataclass(frozen=True, kw_only=True)
class Experts:
    """Routed experts, each a feed-forward network of ``intermediate``, and shared ones that every token passes.

    ``shared`` is the width of the shared experts together, 0 for none; ``shared_gate`` a gate of one value a token;
    ``router_values`` counts stored values an expert beside the router matrix (a bias or a score correction);
    ``latent`` is the width that tokens are projected to before the routed experts and back from, 0 for none.
    """

    experts: int
    top_k: int
    intermediate: int
    shared: int = 0
    shared_gate: bool = False
    gated: bool = True
    bias: bool = False
    router_values: int = 0
    latent: int = 0


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A decoder layer: a token mixer and a feed-forward part, either of which may be absent.

    Attributes
    ----------
    label : what its operators are called after where a network has several kinds of layer
    norm_vectors : stored vectors a norm: 1 for root-mean-square, 2 for layer norm with bias, 0 without weights
    parallel : attention and feed-forward read the same input and their outputs are added together
    parallel_norms : norms before the two branches of a parallel layer: 1 shared, or 2
    post_norms : a norm after each branch as well (Gemma 2)
    """

    label: str
    mixer: SelfAttention | LatentAttention | StateMixer | None
    feed_forward: FeedForward | Experts | None
    norm_vectors: int = 1
    parallel: bool = False
    parallel_norms: int = 1
    post_norms: bool = False


LayerGroups = tuple[tuple[Layer, int], ...]


def fold(layers: Iterable[Layer]) -> LayerGroups:
    """Group equal layers with their counts, in the order in which each kind first appears.

    >>> a = Layer(label="a", mixer=None, feed_forward=FeedForward(intermediate=4))
    >>> b = Layer(label="b", mixer=None, feed_forward=FeedForward(intermediate=8))
    >>> [(layer.label, count) for layer, count in fold([a, b, a])]
    [('a', 2), ('b', 1)]
    """
    counts: dict[Layer, int] = {}
    for layer in layers:
        counts[layer] = counts.get(layer, 0) + 1
    return tuple(counts.items())
