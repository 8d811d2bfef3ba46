"""Multi-head latent attention as operators: absorbed in decode, expanded to full heads in prefill.

In decode the up-projection of the keys is folded into the queries and that of the values into the output, so that
attention runs on the cached vector itself: one key/value head of ``kv_rank + rotary_dim`` values whose first
``kv_rank`` are also the value. In prefill keys and values are expanded to every head. Source: DeepSeek-V2
(arXiv:2405.04434), section 2.1.2 and appendix C.
"""

from __future__ import annotations

from hwsim.graph import OperatorGraph
from hwsim.mappers.networks.layers import LatentAttention
from hwsim.mappers.networks.stored import StoredElementwise
from hwsim.mappers.networks.workload import Pass
from hwsim.operators import Attention, Matmul, Operator

ROTARY_FLOPS = 3.0  # two products and a sum for each turned value
NORM_FLOPS = 4.0  # a square, its sum, and two products


def add_latent_attention(
    graph: OperatorGraph, spec: LatentAttention, run: Pass, hidden: int, *, prefix: str, block: str, source: str
) -> str:
    """Add latent attention after ``source`` and return the name of its output projection.

    The down-projections are fused into one product and run on every device; what follows is split by heads.
    """
    return _Latent(graph, spec, run, hidden, prefix, block).add(source)


class _Latent:
    def __init__(
        self, graph: OperatorGraph, spec: LatentAttention, run: Pass, hidden: int, prefix: str, block: str
    ) -> None:
        self.graph, self.spec, self.run, self.hidden = graph, spec, run, hidden
        self.prefix, self.block = prefix, block
        self.heads = run.split("heads", spec.heads)

    def add(self, source: str) -> str:
        """Add everything after ``source``."""
        spec = self.spec
        queries = self.heads * spec.head_dim
        if spec.query_rank:
            down = self._matmul("latent_down", spec.query_rank + spec.latent_dim, self.hidden, [source])
            normed = self._norm(down, spec.query_rank + spec.latent_dim, spec.query_rank + spec.kv_rank)
            query = self._matmul("query_up", queries, spec.query_rank, [], slices=[normed])
        else:
            normed = down = self._matmul("latent_down", queries + spec.latent_dim, self.hidden, [source])
            normed = self._norm(down, queries + spec.latent_dim, spec.kv_rank)
            query = normed
        mixed = self._absorbed(query, normed) if self.run.decode else self._expanded(query, normed)
        return self._matmul("attention_output", self.hidden, self.heads * spec.value_head_dim, [mixed])

    def _add(self, operator: Operator, after: list[str], slices: list[str] | None = None) -> str:
        return self.graph.add(operator, after=after, slices=slices or (), block=self.block)

    def _matmul(
        self, name: str, n: int, k: int, after: list[str], *, batch: int = 1, slices: list[str] | None = None
    ) -> str:
        operator = Matmul(
            name=self.prefix + name, m=self.run.tokens, n=n, k=k, batch=batch, dtype=self.run.activations,
            weight_dtype=self.run.weights,
        )  # fmt: skip
        return self._add(operator, after, slices)

    def _map(self, name: str, width: int, touched: float, source: list[str], **options: float) -> str:
        """Add a map over rows of ``width`` values of which ``touched`` are read and written."""
        operator = StoredElementwise(
            name=self.prefix + name, elements=self.run.tokens * width, reads=touched / width, writes=touched / width,
            dtype=self.run.activations, **options,
        )  # fmt: skip
        return self._add(operator, [], source)

    def _norm(self, source: str, width: int, normed: int) -> str:
        return self._map(
            "latent_norm", width, normed, [source], flops_per_element=NORM_FLOPS * normed / width, stored=normed
        )

    def _absorbed(self, query: str, latent: str) -> str:
        """Attention on the latent vectors: each query head is taken into their space and back."""
        spec, run = self.spec, self.run
        into = self._matmul("query_absorb", spec.kv_rank, spec.nope_dim, [], batch=self.heads, slices=[query])
        width = self.heads * spec.latent_dim + spec.latent_dim + spec.kv_rank
        turned = (self.heads + 1) * spec.rotary_dim
        joined = StoredElementwise(
            name=f"{self.prefix}rotary", elements=run.tokens * width, input_size=run.tokens * self.heads * spec.kv_rank,
            reads=(turned + spec.kv_rank) / width, writes=(turned + spec.kv_rank) / width,
            flops_per_element=ROTARY_FLOPS * turned / width, dtype=run.activations,
        )  # fmt: skip
        cached = self._add(joined, [into])
        attention = Attention(
            name=f"{self.prefix}attention", batch=run.batch, query_length=run.query_length, kv_length=run.kv_length,
            heads=self.heads, kv_heads=1, head_dim=spec.latent_dim, value_head_dim=spec.kv_rank,
            dtype=run.activations, kv_dtype=run.kv,
        )  # fmt: skip
        mixed = self._add(attention, [cached])
        return self._matmul("value_absorb", spec.value_head_dim, spec.kv_rank, [mixed], batch=self.heads)

    def _expanded(self, query: str, latent: str) -> str:
        """Attention on full heads, with keys and values expanded from the latent vectors."""
        spec, run = self.spec, self.run
        up = self._matmul(
            "kv_up", self.heads * (spec.nope_dim + spec.value_head_dim), spec.kv_rank, [], slices=[latent]
        )
        width = self.heads * (2 * spec.head_dim + spec.value_head_dim)
        turned = 2 * self.heads * spec.rotary_dim
        joined = StoredElementwise(
            name=f"{self.prefix}rotary", elements=run.tokens * width,
            input_size=run.tokens * self.heads * (spec.nope_dim + spec.value_head_dim),
            reads=(turned + spec.latent_dim) / width, writes=(turned + spec.latent_dim) / width,
            flops_per_element=ROTARY_FLOPS * turned / width, dtype=run.activations,
        )  # fmt: skip
        cached = self._add(joined, [up])
        attention = Attention(
            name=f"{self.prefix}attention", batch=run.batch, query_length=run.query_length, kv_length=run.kv_length,
            heads=self.heads, kv_heads=self.heads, head_dim=spec.head_dim, value_head_dim=spec.value_head_dim,
            dtype=run.activations, kv_dtype=run.kv,
        )  # fmt: skip
        return self._add(attention, [cached])
