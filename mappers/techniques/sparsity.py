"""N:M block sparsity of weights: of every M weights N are kept, so bytes and products shrink by N/M.

FlightLLM, FPGA 2024, arXiv 2401.03868. A device uses it only if its family has the multiplexers (fpga).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.errors import InputError
from hwsim.mappers.techniques.rewritten import RewrittenNetwork
from hwsim.operators import Matmul, Operator


def density(kept: int, group: int) -> float:
    """Share of the weights that N:M sparsity keeps.

    >>> density(8, 16)
    0.5

    Raises
    ------
    InputError : N above M, or either not above 0
    """
    if group < 1 or not 0 < kept <= group:
        raise InputError(f"N:M sparsity {kept}:{group}: N must be 1 to M, and M above 0")
    return kept / group


def sparse(network: Any, densities: Mapping[str, float]) -> RewrittenNetwork:
    """A network whose named products keep a share of their weights (0 to 1], the others all."""

    def change(operator: Operator) -> Operator:
        if isinstance(operator, Matmul) and operator.name in densities:
            return operator.with_(density=densities[operator.name])
        return operator

    return RewrittenNetwork(network, change, network.name)
