"""From a network to its operator graph for one pass: embedding, folded layers, final norm and language-model head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwsim.graph import OperatorGraph
from hwsim.mappers.networks.attention import add_self_attention
from hwsim.mappers.networks.feed_forward import add_experts, add_feed_forward
from hwsim.mappers.networks.latent import add_latent_attention
from hwsim.mappers.networks.layers import Experts, FeedForward, LatentAttention, Layer, SelfAttention, StateMixer
from hwsim.mappers.networks.recurrent_state import add_state_mixer
from hwsim.mappers.networks.workload import Pass
from hwsim.operators import Collective, Elementwise, Gather, Matmul, Norm

if TYPE_CHECKING:
    from hwsim.mappers.networks.network import Network


def build_graph(network: Network, run: Pass) -> OperatorGraph:
    """Build and validate the graph of one device's work in one pass."""
    graph = OperatorGraph(network.name)
    feeds = [_add_embedding(graph, network, run)]
    labels = _unique_labels([layer for layer, _ in network.groups])
    for label, (layer, count) in zip(labels, network.groups, strict=True):
        if layer.mixer is None and layer.feed_forward is None:
            continue
        block = graph.add_block(label, count)
        prefix = "" if len(labels) == 1 else f"{label}."
        feeds = _LayerBuilder(graph, network, run, block, prefix).add(layer, feeds)
    _add_head(graph, network, run, feeds)
    return graph.validate()


def _unique_labels(layers: list[Layer]) -> list[str]:
    if len(layers) == 1:
        return ["layers"]
    labels: list[str] = []
    for layer in layers:
        twins = [each for each in layers if each.label == layer.label]
        labels.append(layer.label if len(twins) == 1 else f"{layer.label}_{twins.index(layer) + 1}")
    return labels


def _add_embedding(graph: OperatorGraph, network: Network, run: Pass) -> str:
    rows = run.split("vocabulary", network.vocabulary)
    embedding = graph.add(
        Gather(
            name="embedding", rows=run.tokens, columns=network.embedding_dim, table_rows=rows, dtype=run.activations,
            weight_dtype=run.weights if network.tied_embeddings else run.activations,
            stored=not network.tied_embeddings,
        )
    )  # fmt: skip
    if run.tensor_parallel > 1:
        embedding = _add_all_reduce(graph, run, network.embedding_dim, "embedding_all_reduce", None, embedding)
    if network.embedding_dim != network.hidden:
        embedding = graph.add(
            Matmul(
                name="embedding_projection", m=run.tokens, n=network.hidden, k=network.embedding_dim,
                dtype=run.activations, weight_dtype=run.weights,
            ),
            after=[embedding],
        )  # fmt: skip
    if network.position_rows:
        position = graph.add(
            Gather(
                name="position_embedding", rows=run.tokens, columns=network.hidden, table_rows=network.position_rows,
                dtype=run.activations,
            )
        )  # fmt: skip
        embedding = graph.add(
            Elementwise(name="embedding_sum", elements=run.tokens * network.hidden, reads=2, dtype=run.activations),
            after=[embedding, position],
        )
    if network.embedding_norm_vectors:
        norm = Norm(
            name="embedding_norm", rows=run.tokens, columns=network.hidden, weights=network.embedding_norm_vectors,
            dtype=run.activations,
        )  # fmt: skip
        embedding = graph.add(norm, after=[embedding])
    return embedding


def _add_all_reduce(graph: OperatorGraph, run: Pass, hidden: int, name: str, block: str | None, source: str) -> str:
    collective = Collective(
        name=name, operation="all_reduce", ranks=run.tensor_parallel, elements=run.tokens * hidden,
        dtype=run.activations,
    )  # fmt: skip
    return graph.add(collective, after=[source], block=block)


def _add_head(graph: OperatorGraph, network: Network, run: Pass, feeds: list[str]) -> None:
    last = feeds
    if network.final_norm_vectors is not None:
        norm = Norm(
            name="final_norm", rows=run.tokens, columns=network.hidden, weights=network.final_norm_vectors,
            residual=True, dtype=run.activations,
        )  # fmt: skip
        last = [graph.add(norm, after=feeds)]
    if network.embedding_dim != network.hidden:
        projection = Matmul(
            name="output_projection", m=run.batch, n=network.embedding_dim, k=network.hidden, dtype=run.activations,
            weight_dtype=run.weights,
        )  # fmt: skip
        last = [graph.add(projection, slices=last)]
    columns = run.split("vocabulary", network.vocabulary)
    head = graph.add(
        Matmul(
            name="lm_head", m=run.batch, n=columns, k=network.embedding_dim, dtype=run.activations,
            weight_dtype=run.weights, bias=network.head_bias,
        ),
        slices=last,
    )  # fmt: skip
    if run.tensor_parallel > 1:
        gather = Collective(
            name="logits_all_gather", operation="all_gather", ranks=run.tensor_parallel,
            elements=run.batch * network.vocabulary, dtype=run.activations,
        )  # fmt: skip
        spread = Elementwise(
            name="logits_copy", elements=run.batch * network.vocabulary, input_size=run.batch * columns,
            reads=1 / run.tensor_parallel, writes=1 / run.tensor_parallel, flops_per_element=0, dtype=run.activations,
        )  # fmt: skip
        graph.add(gather, after=[graph.add(spread, after=[head])])


class _LayerBuilder:
    """Adds one layer to a graph as a block."""

    def __init__(self, graph: OperatorGraph, network: Network, run: Pass, block: str, prefix: str) -> None:
        self.graph, self.network, self.run, self.block, self.prefix = graph, network, run, block, prefix

    def add(self, layer: Layer, feeds: list[str]) -> list[str]:
        """Add the layer after the operators ``feeds`` and return the operators that its successor reads."""
        if layer.parallel:
            return self._add_parallel(layer, feeds)
        if layer.mixer is not None:
            normed = self._norm(layer, "attention_norm", feeds)
            feeds = [self._post(layer, "attention_post_norm", self._mixer(layer, normed))]
        if layer.feed_forward is not None:
            normed = self._norm(layer, "feed_forward_norm", feeds)
            feeds = [self._post(layer, "feed_forward_post_norm", self._feed_forward(layer, normed))]
        return feeds

    def _add_parallel(self, layer: Layer, feeds: list[str]) -> list[str]:
        first = self._norm(layer, "attention_norm", feeds)
        second = first if layer.parallel_norms == 1 else self._norm(layer, "feed_forward_norm", feeds, residual=False)
        attention, feed_forward = self._mixer_local(layer, first), self._feed_forward_local(layer, second)
        both = Elementwise(
            name=f"{self.prefix}branch_sum", elements=self.run.tokens * self.network.hidden, reads=2,
            dtype=self.run.activations,
        )  # fmt: skip
        total = self.graph.add(both, after=[attention, feed_forward], block=self.block)
        return [self._reduced("layer_all_reduce", total)]

    def _norm(self, layer: Layer, name: str, feeds: list[str], *, residual: bool = True) -> str:
        norm = Norm(
            name=self.prefix + name, rows=self.run.tokens, columns=self.network.hidden, weights=layer.norm_vectors,
            residual=residual, dtype=self.run.activations,
        )  # fmt: skip
        return self.graph.add(norm, after=feeds, block=self.block)

    def _post(self, layer: Layer, name: str, source: str) -> str:
        return self._norm(layer, name, [source], residual=False) if layer.post_norms else source

    def _reduced(self, name: str, source: str) -> str:
        if self.run.tensor_parallel == 1:
            return source
        return _add_all_reduce(self.graph, self.run, self.network.hidden, self.prefix + name, self.block, source)

    def _mixer(self, layer: Layer, source: str) -> str:
        return self._reduced("attention_all_reduce", self._mixer_local(layer, source))

    def _feed_forward(self, layer: Layer, source: str) -> str:
        return self._reduced("feed_forward_all_reduce", self._feed_forward_local(layer, source))

    def _mixer_local(self, layer: Layer, source: str) -> str:
        names = {"prefix": self.prefix, "block": self.block, "source": source}
        if isinstance(layer.mixer, LatentAttention):
            return add_latent_attention(self.graph, layer.mixer, self.run, self.network.hidden, **names)
        if isinstance(layer.mixer, StateMixer):
            return add_state_mixer(self.graph, layer.mixer, self.run, self.network.hidden, **names)
        assert isinstance(layer.mixer, SelfAttention)
        return add_self_attention(self.graph, layer.mixer, self.run, self.network.hidden, **names)

    def _feed_forward_local(self, layer: Layer, source: str) -> str:
        names = {"prefix": self.prefix, "block": self.block, "source": source}
        if isinstance(layer.feed_forward, Experts):
            return add_experts(self.graph, layer.feed_forward, self.run, self.network.hidden, **names)
        assert isinstance(layer.feed_forward, FeedForward)
        return add_feed_forward(self.graph, layer.feed_forward, self.run, self.network.hidden, **names)
