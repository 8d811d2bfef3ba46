"""Multi-head latent attention as operators: absorbed in decode, expanded to full heads in prefill.

Absorbed, the up-projection of the keys is folded into the queries and that of the values into the output, so that
attention runs on the cached vector itself: one key/value head of ``kv_rank + rotary_dim`` values whose first
``kv_rank`` are also the value. Expanded, keys and values are made for every head. Source: DeepSeek-V2
(arXiv:2405.04434), section 2.1.2 and appendix C. Sparse attention (arXiv:2512.02556, section 2.1) picks the keys of
each query with an indexer; it runs absorbed wherever it has more keys than it picks.
"""

from __future__ import annotations

from hwsim.graph import OperatorGraph
from hwsim.mappers.networks.layers import LatentAttention, SparseIndex
from hwsim.mappers.networks.stored import StoredElementwise
from hwsim.mappers.networks.workload import Pass
from hwsim.operators import Attention, Matmul, Operator

ROTARY_FLOPS = 3.0  # two products and a sum for each turned value
NORM_FLOPS = 4.0  # a square, its sum, and two products
TOP_K_FLOPS = 2.0  # about two passes over the scores


def add_latent_attention(
    graph: OperatorGraph, spec: LatentAttention, run: Pass, hidden: int, *, prefix: str, block: str, source: str
) -> str:
    """Add latent attention after ``source`` and return the name of its output projection.

    The down-projections are fused into one product and run on every device, as the indexer does; what follows is
    split by heads.
    """
    return _Latent(graph, spec, run, hidden, prefix, block).add(source)


class _Latent:
    def __init__(
        self, graph: OperatorGraph, spec: LatentAttention, run: Pass, hidden: int, prefix: str, block: str
    ) -> None:
        self.graph, self.spec, self.run, self.hidden = graph, spec, run, hidden
        self.prefix, self.block = prefix, block
        self.heads = run.split("heads", spec.heads)
        self.picked = spec.top_k if spec.top_k < run.kv_length else 0

    def add(self, source: str) -> str:
        """Add everything after ``source``."""
        spec = self.spec
        queries = self.heads * spec.head_dim
        if spec.query_rank:
            down = self._matmul("latent_down", spec.query_rank + spec.latent_dim, self.hidden, [source])
            normed = self._norm(down, spec.query_rank + spec.latent_dim, spec.query_rank + spec.kv_rank)
            query = self._matmul("query_up", queries, spec.query_rank, [normed])
        else:
            down = self._matmul("latent_down", queries + spec.latent_dim, self.hidden, [source])
            normed = query = self._norm(down, queries + spec.latent_dim, spec.kv_rank)
        index = [self._index(spec.index, source, normed)] if spec.index else []
        absorbed = self.run.decode or self.picked
        mixed = self._absorbed(query, index) if absorbed else self._expanded(query, normed, index)
        return self._matmul("attention_output", self.hidden, self.heads * spec.value_head_dim, [mixed])

    def _add(self, operator: Operator, slices: list[str]) -> str:
        return self.graph.add(operator, slices=slices, block=self.block)

    def _matmul(self, name: str, n: int, k: int, slices: list[str], *, batch: int = 1) -> str:
        operator = Matmul(
            name=self.prefix + name, m=self.run.tokens, n=n, k=k, batch=batch, dtype=self.run.activations,
            weight_dtype=self.run.weights,
        )  # fmt: skip
        return self._add(operator, slices)

    def _map(self, name: str, width: int, touched: int, flops: float, sources: list[str], *, stored: int = 0) -> str:
        """Add a map that joins its sources into rows of ``width`` values, ``touched`` of them read and written."""
        operator = StoredElementwise(
            name=self.prefix + name, elements=self.run.tokens * width, input_size=self.run.tokens,
            reads=touched / width, writes=touched / width, flops_per_element=flops / width, stored=stored,
            dtype=self.run.activations,
        )  # fmt: skip
        return self._add(operator, sources)

    def _norm(self, source: str, width: int, normed: int) -> str:
        return self._map("latent_norm", width, normed, NORM_FLOPS * normed, [source], stored=normed)

    def _absorbed(self, query: str, index: list[str]) -> str:
        """Attention on the latent vectors: each query head is taken into their space and back."""
        spec, run = self.spec, self.run
        into = self._matmul("query_absorb", spec.kv_rank, spec.nope_dim, [query], batch=self.heads)
        width = self.heads * spec.latent_dim + spec.latent_dim + spec.kv_rank
        turned = (self.heads + 1) * spec.rotary_dim
        cached = self._map("rotary", width, turned + spec.kv_rank, ROTARY_FLOPS * turned, [into, *index])
        attention = Attention(
            name=f"{self.prefix}attention", batch=run.batch, query_length=run.query_length, kv_length=run.kv_length,
            heads=self.heads, kv_heads=1, head_dim=spec.latent_dim, value_head_dim=spec.kv_rank, window=self.picked,
            dtype=run.activations, kv_dtype=run.kv, shared_values=True,
        )  # fmt: skip
        mixed = self._add(attention, [cached])
        return self._matmul("value_absorb", spec.value_head_dim, spec.kv_rank, [mixed], batch=self.heads)

    def _expanded(self, query: str, latent: str, index: list[str]) -> str:
        """Attention on full heads, with keys and values expanded from the latent vectors."""
        spec, run = self.spec, self.run
        up = self._matmul("kv_up", self.heads * (spec.nope_dim + spec.value_head_dim), spec.kv_rank, [latent])
        width = self.heads * (2 * spec.head_dim + spec.value_head_dim)
        turned = 2 * self.heads * spec.rotary_dim
        cached = self._map("rotary", width, turned + spec.latent_dim, ROTARY_FLOPS * turned, [query, up, *index])
        attention = Attention(
            name=f"{self.prefix}attention", batch=run.batch, query_length=run.query_length, kv_length=run.kv_length,
            heads=self.heads, kv_heads=self.heads, head_dim=spec.head_dim, value_head_dim=spec.value_head_dim,
            dtype=run.activations, kv_dtype=run.kv,
        )  # fmt: skip
        return self._add(attention, [cached])

    def _index(self, index: SparseIndex, source: str, latent: str) -> str:
        """Add the indexer: small heads against one cached key a token, their weighted sum, and the best keys.

        The scores are an attention whose value is one number. Stored beside the projections: a layer norm of the key.
        """
        run = self.run
        width = index.heads * index.head_dim
        if not index.stored:
            return latent
        query = self._matmul("index_query", width, self.spec.query_rank, [latent])
        key = self._matmul("index_key", index.head_dim + index.heads, self.hidden, [source])
        turned = (index.heads + 1) * self.spec.rotary_dim
        flops = ROTARY_FLOPS * turned + NORM_FLOPS * index.head_dim
        joined = self._map(
            "index_rotary", width + index.head_dim + 1, turned + index.head_dim, flops, [query, key],
            stored=2 * index.head_dim,
        )  # fmt: skip
        scores = Attention(
            name=f"{self.prefix}index_scores", batch=run.batch, query_length=run.query_length,
            kv_length=run.kv_length, heads=index.heads, kv_heads=1, head_dim=index.head_dim, value_head_dim=1,
            dtype=run.activations, kv_dtype=run.kv,
        )  # fmt: skip
        scored = self._add(scores, [joined])
        best = StoredElementwise(
            name=f"{self.prefix}index_top_k", elements=run.tokens * scores.visible_kv, input_size=run.tokens,
            reads=1, writes=min(1.0, index.top_k / scores.visible_kv), flops_per_element=TOP_K_FLOPS,
            dtype=run.activations,
        )  # fmt: skip
        return self._add(best, [scored])
