"""A network whose graphs are rewritten: what every technique returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hwsim.graph import OperatorGraph
from hwsim.operators import Operator

Change = Callable[[Operator], Operator]


class RewrittenNetwork:
    """A network with ``change`` applied to every operator of its graphs; all else is the network's own."""

    def __init__(self, network: Any, change: Change, name: str) -> None:
        self._network, self._change, self.name = network, change, name

    def graph(self, **workload: Any) -> OperatorGraph:
        """The graph of a phase, rewritten."""
        graph: OperatorGraph = self._network.graph(**workload)
        return graph.map(self._change)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)
