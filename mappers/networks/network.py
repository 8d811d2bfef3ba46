"""The network record: its sizes, its operator graph for a pass, and what it takes in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

from hwsim.errors import InputError
from hwsim.formats import number_format
from hwsim.graph import OperatorGraph
from hwsim.mappers.networks.build import build_graph
from hwsim.mappers.networks.layers import (
    Experts,
    FeedForward,
    LatentAttention,
    Layer,
    LayerGroups,
    SelfAttention,
    StateMixer,
)
from hwsim.mappers.networks.recurrent_state import STATE_FORMAT
from hwsim.mappers.networks.workload import Pass
from hwsim.operators import MixtureOfExperts

Phase = Literal["prefill", "decode"]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A decoder-only network as read from its configuration. Sizes count values of the whole network.

    Attributes
    ----------
    name, architecture, source : catalog or file name, class name in the configuration, where the fields come from
    hidden, vocabulary, context_limit : width of the residual stream, tokens known, longest context in tokens
    groups : kinds of decoder layer with their counts, in order of first appearance
    embedding_dim : width of the embedding table, ``hidden`` unless projections stand between
    tied_embeddings : the embedding table is also the language-model head
    head_bias : the language-model head stores a bias
    position_rows : rows of a learned position table, 0 for none
    embedding_norm_vectors : stored vectors of a norm after the embedding, 0 for none
    final_norm_vectors : stored vectors of the final norm, None for no norm at all
    default_format : the format the configuration names for its weights, bf16 where it names none
    other_parameters : stored values that a text pass does not run, such as a vision tower or extra prediction layers
    """

    name: str
    architecture: str
    source: str
    hidden: int
    vocabulary: int
    context_limit: int
    groups: LayerGroups
    embedding_dim: int
    tied_embeddings: bool
    final_norm_vectors: int | None = 1
    head_bias: bool = False
    position_rows: int = 0
    embedding_norm_vectors: int = 0
    default_format: str = "bf16"
    other_parameters: int = 0

    @property
    def layers(self) -> int:
        """Number of decoder layers."""
        return sum(count for _, count in self.groups)

    @property
    def _mixers(self) -> list[SelfAttention | LatentAttention]:
        mixers = (layer.mixer for layer, _ in self.groups)
        return [mixer for mixer in mixers if isinstance(mixer, (SelfAttention, LatentAttention))]

    @property
    def heads(self) -> int:
        """Query heads of the widest attention layer."""
        return max((mixer.heads for mixer in self._mixers), default=0)

    @property
    def kv_heads(self) -> int:
        """Key/value heads of the widest attention layer; latent attention counts its heads."""
        kinds = (mixer.kv_heads if isinstance(mixer, SelfAttention) else mixer.heads for mixer in self._mixers)
        return max(kinds, default=0)

    @property
    def head_dim(self) -> int:
        """Values a query head of the widest attention layer."""
        return max((mixer.head_dim for mixer in self._mixers), default=0)

    @property
    def windows(self) -> tuple[tuple[int, int], ...]:
        """Pairs (window in tokens, layers with it); a window of 0 means full attention."""
        counts: dict[int, int] = {}
        for layer, count in self.groups:
            if isinstance(layer.mixer, (SelfAttention, LatentAttention)):
                window = layer.mixer.window if isinstance(layer.mixer, SelfAttention) else 0
                counts[window] = counts.get(window, 0) + count
        return tuple(counts.items())

    @property
    def intermediate(self) -> int:
        """Width of the dense feed-forward part, 0 where every layer has experts."""
        return max((p.intermediate for p in self._feed_forwards if isinstance(p, FeedForward)), default=0)

    @property
    def _feed_forwards(self) -> list[FeedForward | Experts]:
        return [layer.feed_forward for layer, _ in self.groups if layer.feed_forward is not None]

    @property
    def _routed(self) -> Experts | None:
        return next((part for part in self._feed_forwards if isinstance(part, Experts)), None)

    @property
    def experts(self) -> int:
        """Routed experts a layer, 0 for a dense network."""
        return self._routed.experts if self._routed else 0

    @property
    def experts_per_token(self) -> int:
        """Routed experts that each token uses, 0 for a dense network."""
        return self._routed.top_k if self._routed else 0

    def graph(
        self,
        *,
        phase: Phase,
        batch: int = 1,
        prompt: int = 1,
        context: int = 0,
        weights: str | None = None,
        activations: str | None = None,
        kv: str | None = None,
        tensor_parallel: int = 1,
        expert_parallel: int = 1,
        data_parallel: int | None = None,
    ) -> OperatorGraph:
        """Return the operators of one pass on one of ``tensor_parallel * data_parallel`` devices.

        Prefill runs ``batch`` requests of ``prompt`` tokens from an empty cache; decode runs one token a request with
        ``context`` tokens cached, so that it attends to ``context + 1``. The language-model head runs on each
        request's last token. Requests are spread over ``data_parallel`` groups of devices, experts over
        ``expert_parallel`` of all devices, each cut over the rest; ``data_parallel`` is ``expert_parallel`` by default.

        Raises
        ------
        InputError : a length is not positive, a format does not exist, or a dimension does not split evenly
        """
        groups = expert_parallel if data_parallel is None else data_parallel
        self._check_pass(phase, batch, prompt, context)
        self._check_cut(batch, tensor_parallel, expert_parallel, data_parallel)
        activations = activations or self.default_format
        run = Pass(
            network=self.name,
            batch=batch // groups,
            query_length=prompt if phase == "prefill" else 1,
            kv_length=prompt if phase == "prefill" else context + 1,
            decode=phase == "decode",
            weights=weights or self.default_format,
            activations=activations,
            kv=kv or activations,
            tensor_parallel=tensor_parallel,
            expert_parallel=expert_parallel,
            data_parallel=groups,
        )
        return build_graph(self, run)

    def _check_pass(self, phase: Phase, batch: int, prompt: int, context: int) -> None:
        if phase not in ("prefill", "decode"):
            raise InputError(
                f"network '{self.name}' keeps a KV cache: phase '{phase}' does not apply; "
                "allowed: prefill, decode, generate"
            )
        _at_least(1, batch=batch)
        _at_least(1, prompt=prompt) if phase == "prefill" else _at_least(0, context=context)

    def _check_cut(self, batch: int, tensor_parallel: int, expert_parallel: int, data_parallel: int | None) -> None:
        groups = expert_parallel if data_parallel is None else data_parallel
        _at_least(1, tensor_parallel=tensor_parallel, expert_parallel=expert_parallel, data_parallel=groups)
        if batch % groups:
            kind = "expert_parallel" if data_parallel is None else "data_parallel"
            raise InputError(f"batch(={batch}) does not split evenly over {kind}(={groups})")
        if tensor_parallel * groups % expert_parallel:
            raise InputError(
                f"expert_parallel(={expert_parallel}) must divide the {tensor_parallel * groups} devices of "
                f"tensor_parallel(={tensor_parallel}) and data_parallel(={groups})"
            )
        if expert_parallel > 1 and not self.experts:
            raise InputError(f"network '{self.name}' has no experts; expert_parallel(={expert_parallel}) must be 1")

    @cached_property
    def _unit_graph(self) -> OperatorGraph:
        return self.graph(phase="decode", batch=1, context=1)

    @property
    def parameters(self) -> int:
        """Stored values in all, tied embeddings counted once."""
        return round(self._unit_graph.parameters) + self.other_parameters

    @property
    def active_parameters(self) -> int:
        """Stored values that one token uses: all but the routed experts it is not sent to."""
        idle = 0.0
        for node in self._unit_graph:
            operator = node.operator
            if isinstance(operator, MixtureOfExperts):
                idle += node.count * operator.parameters * (1.0 - operator.top_k / operator.experts)
        return round(self._unit_graph.parameters - idle)

    @lru_cache(maxsize=256)  # noqa: B019 - networks are few, frozen and small; a sweep asks again for each workload
    def weight_bytes(
        self,
        weights_format: str | None = None,
        activations_format: str | None = None,
        tensor_parallel: int = 1,
        expert_parallel: int = 1,
        data_parallel: int | None = None,
    ) -> float:
        """Return the stored weight bytes on one device.

        Matrix products, experts and the language-model head are in the weights' format, with their biases; the
        embedding tables, the router, norms and other vectors stay in the activations' format. A tied embedding table
        is the head's. What a text pass does not run counts in the activations' format.
        """
        activations = activations_format or self.default_format
        graph = self.graph(
            phase="decode", batch=data_parallel or expert_parallel, context=1, weights=weights_format,
            activations=activations, tensor_parallel=tensor_parallel, expert_parallel=expert_parallel,
            data_parallel=data_parallel,
        )  # fmt: skip
        return graph.weight_bytes + self.other_parameters * number_format(activations).bytes / tensor_parallel

    def kv_bytes(self, tokens: int, batch: int = 1, kv_format: str | None = None, tensor_parallel: int = 1) -> float:
        """Return the bytes of keys and values on one device for ``batch`` requests of ``tokens`` cached tokens each.

        A layer with a state keeps that, in fp32, whatever the tokens; one with a sliding window at most the window.
        Key/value heads are split over the devices, or copied where there are fewer of them; a latent vector is copied
        to each.
        """
        size = number_format(kv_format or self.default_format).bytes
        values = sum(count * _cached_values(self.name, layer, tokens, tensor_parallel) for layer, count in self.groups)
        states = sum(count * _state_bytes(layer, tensor_parallel) for layer, count in self.groups)
        return batch * (values * size + states)

    def activation_bytes(
        self,
        tokens: int,
        batch: int = 1,
        activations_format: str | None = None,
        tensor_parallel: int = 1,
        expert_parallel: int = 1,
        data_parallel: int | None = None,
    ) -> float:
        """Estimate the peak working set of a pass over ``tokens`` new tokens a request, in bytes on one device.

        The residual stream, plus the operator with the most activations: everything it reads and writes. Buffers are
        reused from operator to operator, attention scores stay on chip. The allocator's slack and the serving
        framework's own workspaces are not included.
        """
        activations = activations_format or self.default_format
        graph = self.graph(
            phase="prefill", batch=batch, prompt=tokens, activations=activations, tensor_parallel=tensor_parallel,
            expert_parallel=expert_parallel, data_parallel=data_parallel,
        )  # fmt: skip
        widest = max(node.operator.bytes_by_kind.get("activation", 0.0) for node in graph)
        return (
            widest
            + batch // (data_parallel or expert_parallel) * tokens * self.hidden * number_format(activations).bytes
        )


def _at_least(minimum: int, **values: int) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise InputError(f"{name}(={value}) must be a whole number >= {minimum}")


def _cached_values(network: str, layer: Layer, tokens: int, tensor_parallel: int) -> float:
    """Values that one request of ``tokens`` keeps in one layer on one device."""
    mixer = layer.mixer
    if mixer is None or isinstance(mixer, StateMixer):
        return 0.0
    if isinstance(mixer, LatentAttention):
        return tokens * mixer.cached_dim
    kept = min(tokens, mixer.window) if mixer.window else tokens
    run = Pass(
        network=network, batch=1, query_length=1, kv_length=1, decode=True, weights="", activations="", kv="",
        tensor_parallel=tensor_parallel, expert_parallel=1, data_parallel=1,
    )  # fmt: skip
    return kept * run.split_kv_heads(mixer.kv_heads) * (mixer.head_dim + mixer.value_head_dim)


def _state_bytes(layer: Layer, tensor_parallel: int) -> float:
    """Bytes of one request's state in one layer on one device, with the inputs that its convolution still needs."""
    mixer = layer.mixer
    if not isinstance(mixer, StateMixer):
        return 0.0
    inner = mixer.heads * mixer.head_dim
    inputs = (mixer.taps - 1) * (inner + 2 * mixer.groups * mixer.state_dim)
    return (inner * mixer.state_dim * number_format(STATE_FORMAT).bytes + 2.0 * inputs) / tensor_parallel
