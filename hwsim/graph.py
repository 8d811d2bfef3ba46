"""Operator graphs on networkx: operators with counts, repeated layers folded into blocks, edges that must agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import networkx as nx

from hwsim.errors import InputError
from hwsim.operators import Operator


@dataclass(frozen=True, kw_only=True)
class Node:
    """An operator in a graph: how often it runs, and the repeated block it belongs to (or None)."""

    operator: Operator
    count: int
    block: str | None


class OperatorGraph:
    """A directed acyclic graph of operators.

    A block is a group of operators that repeats ``count`` times in a row, such as a decoder layer. It is stored once;
    `unfolded` writes it out, the exits of one copy feeding the entries of the next.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._graph: nx.DiGraph[str] = nx.DiGraph()
        self._block_counts: dict[str, int] = {}

    def add_block(self, name: str, count: int) -> str:
        """Declare a block that repeats ``count`` times and return its name."""
        if count < 1:
            raise InputError(f"graph '{self.name}': block '{name}' count(={count}) must be >= 1")
        if name in self._block_counts:
            raise InputError(f"graph '{self.name}': block '{name}' is declared twice")
        self._block_counts[name] = count
        return name

    def add(
        self, operator: Operator, *, after: Iterable[str] = (), block: str | None = None, slices: Iterable[str] = ()
    ) -> str:
        """Add an operator fed by the operators named in ``after`` and return its name.

        Inputs named in ``slices`` may hand over a part of their output (the last token, one branch of a projection);
        all others must produce exactly as many elements as the operator reads.
        """
        name = operator.name
        if name in self._graph:
            raise InputError(f"graph '{self.name}': operator '{name}' is added twice")
        if block is not None and block not in self._block_counts:
            raise InputError(f"graph '{self.name}': operator '{name}' is in block '{block}', which is not declared")
        sliced = set(slices)
        sources = list(dict.fromkeys([*after, *sliced]))
        for source in sources:
            if source not in self._graph:
                raise InputError(
                    f"graph '{self.name}': operator '{name}' follows '{source}', which is not in the graph"
                )
        self._graph.add_node(name, operator=operator, block=block)
        self._graph.add_edges_from((source, name, {"slice": source in sliced}) for source in sources)
        return name

    def __len__(self) -> int:
        return len(self._graph)

    def __iter__(self) -> Iterator[Node]:
        for name in nx.lexicographical_topological_sort(self._graph, key=self._position):
            yield self.node(name)

    def _position(self, name: str) -> int:
        positions: dict[str, int] = self.__dict__.setdefault("_positions", {})
        if len(positions) != len(self._graph):
            positions.update({node: index for index, node in enumerate(self._graph)})
        return positions[name]

    def node(self, name: str) -> Node:
        """Return one operator with its count and block."""
        data = self._graph.nodes[name]
        return Node(operator=data["operator"], count=self._block_counts.get(data["block"], 1), block=data["block"])

    def predecessors(self, name: str) -> list[str]:
        """Return the names of the operators that feed this one."""
        return list(self._graph.predecessors(name))

    @property
    def blocks(self) -> dict[str, int]:
        """Repeated blocks and how often each repeats."""
        return dict(self._block_counts)

    def validate(self) -> OperatorGraph:
        """Check that the graph is acyclic and that element counts agree along every edge; return the graph."""
        if not self._graph:
            raise InputError(f"graph '{self.name}' has no operators")
        if not nx.is_directed_acyclic_graph(self._graph):
            cycle = " -> ".join(edge[0] for edge in nx.find_cycle(self._graph))
            raise InputError(f"graph '{self.name}' has a cycle: {cycle}")
        edges: Iterable[tuple[str, str, bool]] = self._graph.edges(data="slice")
        for source, target, is_slice in edges:
            produced = self.node(source).operator.output_elements
            read = self.node(target).operator.input_elements
            if produced != read and not (is_slice and read <= produced):
                raise InputError(
                    f"graph '{self.name}': '{source}' gives {produced:.0f} elements, but '{target}' reads {read:.0f}"
                )
        return self

    def unfolded(self) -> OperatorGraph:
        """Write every block out, its copies in a row; names get ``[i]``. Counts are all 1 afterwards."""
        whole = OperatorGraph(self.name)
        for block_or_name in self._runs():
            if block_or_name not in self._block_counts:
                self._copy_node(whole, block_or_name, None)
                continue
            for index in range(self._block_counts[block_or_name]):
                for name in self._members(block_or_name):
                    self._copy_node(whole, name, index)
        return whole

    def _members(self, block: str) -> list[str]:
        return [node.operator.name for node in self if node.block == block]

    def _runs(self) -> list[str]:
        runs: dict[str, None] = {}
        for node in self:
            runs[node.block or node.operator.name] = None
        return list(runs)

    def _exits(self, block: str) -> list[str]:
        members = set(self._members(block))
        leaving = [n for n in self._members(block) if any(s not in members for s in self._graph.successors(n))]
        return leaving or [n for n in self._members(block) if not any(True for _ in self._graph.successors(n))]

    def _copy_node(self, whole: OperatorGraph, name: str, index: int | None) -> None:
        node = self.node(name)
        after: dict[str, bool] = {}
        for source in self.predecessors(name):
            is_slice: bool = self._graph.edges[source, name]["slice"]
            block = self.node(source).block
            if block is None:
                if index in (None, 0):
                    after[source] = is_slice
                else:
                    after.update({f"{exit_}[{index - 1}]": is_slice for exit_ in self._exits(str(node.block))})
            elif block == node.block:
                after[f"{source}[{index}]"] = is_slice
            elif index in (None, 0):
                after[f"{source}[{self._block_counts[block] - 1}]"] = is_slice
            else:
                after.update({f"{exit_}[{index - 1}]": is_slice for exit_ in self._exits(str(node.block))})
        copy = node.operator if index is None else node.operator.with_(name=f"{name}[{index}]")
        whole.add(copy, after=[s for s, cut in after.items() if not cut], slices=[s for s, cut in after.items() if cut])

    def map(self, change: object) -> OperatorGraph:
        """Return a copy whose operators went through ``change(operator) -> operator``; structure is kept."""
        assert callable(change)
        copy = OperatorGraph(self.name)
        copy._block_counts = dict(self._block_counts)
        for name in self._graph:
            copy._graph.add_node(
                name, operator=change(self.node(name).operator), block=self._graph.nodes[name]["block"]
            )
        copy._graph.add_edges_from(self._graph.edges(data=True))
        return copy

    @property
    def flops(self) -> float:
        """Total operations over all counts."""
        return sum(node.operator.flops * node.count for node in self)

    @property
    def parameters(self) -> float:
        """Total stored weights over all counts."""
        return sum(node.operator.parameters * node.count for node in self)

    @property
    def weight_bytes(self) -> float:
        """Total stored weight bytes over all counts."""
        return sum(node.operator.weight_bytes * node.count for node in self)
